/** From JSON-RPC messages of a client to POSTs, and back; never fails, as every outcome is an answer. */
import { systemClock } from "../../daemon/clock.ts";
import { backoffMs } from "../../daemon/fault.ts";
import { isHarmlessTwice, Message, withClientId } from "./harmless.ts";
import { type Posted, post } from "./post.ts";

export type Bridge = {
  /** one line of the client */
  take(line: string): void;
  /** resolves when all that was taken is answered */
  idle(): Promise<void>;
};

/** How long a message waits for hived: the agent has nothing better to do, and an upgrade takes its time. */
const waitForHivedMs = 10 * 60_000;
const longestPauseMs = 1_000;

export function openBridge(socketPath: string, answer: (message: unknown) => void): Bridge {
  const running = new Set<Promise<void>>();
  /** the notification before, which must arrive before what follows it */
  let before: Promise<unknown> = Promise.resolve();
  return {
    take(line) {
      const message = parse(line);
      if (!message) return answer(failure(null, -32_700, "This is not a JSON-RPC message."));
      const sent = before.then(() => carry(socketPath, message, answer));
      if (message.id === undefined) before = sent;
      running.add(sent);
      void sent.then(() => running.delete(sent));
    },
    async idle() {
      await Promise.all(running);
    },
  };
}

function parse(line: string): Message | undefined {
  try {
    return Message.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function carry(socketPath: string, original: Message, answer: (message: unknown) => void): Promise<void> {
  const message = withClientId(original);
  const posted = await deliver(socketPath, message);
  const { id } = message;
  if (id === undefined || message.method === undefined) return; // a notification, or an answer to us: nobody waits
  if (posted.kind === "answered" && posted.status === 202) return; // it was cancelled
  const body = posted.kind === "answered" && posted.status === 200 ? parse(posted.body) : undefined;
  answer(body ?? explain(id, message, posted));
}

/** Sends it until it is answered, as long as that can do no harm and there is time. */
async function deliver(socketPath: string, message: Message): Promise<Posted> {
  const text = textOf(message);
  if (text === undefined) return { kind: "answered", status: 400, body: "" }; // as hived would say
  const mayRepeat = isHarmlessTwice(message);
  const giveUpAt = performance.now() + waitForHivedMs;
  for (let failures = 1; ; failures += 1) {
    const posted = await post(socketPath, "/mcp", text);
    const isFinal = isAnswer(posted) || (posted.kind !== "not sent" && !mayRepeat);
    if (isFinal || performance.now() > giveUpAt) return posted;
    await systemClock.wait(backoffMs(failures, longestPauseMs), never);
  }
}

/** Undefined for what is nested too deeply to be written, though it could be read. */
function textOf(message: Message): string | undefined {
  try {
    return JSON.stringify(message);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** hived says 503 when it stops before it has answered: it may have been carried out. */
const isAnswer = (posted: Posted): boolean => posted.kind === "answered" && posted.status !== 503;

const never = new AbortController().signal;

const notSent = "The hive could not be reached, so nothing was done. Try again later.";
const lost = "The connection broke before the answer: it may have been carried out. Look before you do it again.";

/** What went wrong, so that a model sees it: the result of a tool, where a tool was called. */
function explain(id: string | number, message: Message, posted: Posted): unknown {
  const text = posted.kind === "not sent" ? notSent : isAnswer(posted) ? refusal(posted) : lost;
  if (message.method !== "tools/call") return failure(id, -32_000, text);
  return { jsonrpc: "2.0", id, result: { content: [{ type: "text", text }], isError: true } };
}

const refusal = (posted: Posted): string =>
  posted.kind === "answered" && posted.status === 413
    ? "The message is too large. Put what is long into a file, and name that."
    : "The hive did not understand the message.";

const failure = (id: string | number | null, code: number, message: string): unknown => ({
  jsonrpc: "2.0",
  id,
  error: { code, message },
});
