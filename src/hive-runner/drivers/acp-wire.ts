/**
 * What an ACP agent writes and is written, whatever it does: garbage is passed over, no line fills the memory, requests
 * without end wait for their answers to be read, and other agents get their turn between two chunks.
 */
import { ReadableStream } from "node:stream/web";
import { setImmediate as nextRound } from "node:timers/promises";
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import type { AgentProcess } from "../launch.ts";
import { longestLine, openTurns, parsed } from "./json-lines.ts";

/** Requests of the agent that may wait for their answers to be written, before more of what it writes is read. */
const mostUnanswered = 100;

type Message = { id?: unknown; method?: unknown; params?: unknown };

/**
 * Requests and answers, for the library; what answers no request of ours is left out.
 * @param onNotification told of each, in its place among what is read
 */
export function openWire(
  { stdin, stdout }: Pick<AgentProcess, "stdin" | "stdout">,
  onNotification: (method: string, params: unknown) => void,
): Stream {
  const asked = new Set<unknown>();
  const closed = new Promise<void>((resolve) => void stdin.once("close", resolve));
  let unanswered = 0;
  let answered = Promise.withResolvers<void>();

  async function* heard(): AsyncGenerator<AnyMessage> {
    for await (const line of linesOf(stdout)) {
      const message = parsed(line);
      if (typeof message !== "object" || message === null) continue;
      const { id, method, params } = message as Message;
      if (typeof method !== "string") {
        if (asked.delete(id)) yield message as AnyMessage;
      } else if (id === undefined) onNotification(method, params);
      else {
        unanswered += 1;
        yield message as AnyMessage;
        while (unanswered > mostUnanswered && !stdin.destroyed) await Promise.race([answered.promise, closed]);
      }
    }
  }
  const writable = new WritableStream<AnyMessage>({
    write(message) {
      const isRequest = "method" in message;
      if (isRequest && "id" in message) asked.add(message.id);
      if (!isRequest) {
        unanswered -= 1;
        answered.resolve();
        answered = Promise.withResolvers();
      }
      return new Promise((resolve, reject) => {
        stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
      });
    },
  });
  return { readable: ReadableStream.from<AnyMessage>(heard()), writable } as Stream;
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const othersTurn = openTurns();
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...pieces, chunk.subarray(start, end)]).toString("utf8");
      pieces = [];
      length = 0;
      start = end + 1;
      const others = othersTurn();
      if (others) await others;
    }
    pieces.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > longestLine) throw new Error(`it wrote a line of over ${longestLine / 1024 / 1024} MiB`);
    await nextRound(); // what others have written meanwhile is read first
  }
}
