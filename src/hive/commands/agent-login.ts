/** `hive agent login`: signs an agent in with its provider. What is entered is not shown, and is in no argument. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { Refusal } from "../../contract/refusal.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Hived, withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

type Options = { home?: string; secret?: boolean };

/** @throws Refusal `not_running`, `bad_name`, `nothing_entered`, or as hived says it */
export async function agentLogin(name: string, options: Options): Promise<number> {
  const agent = parseAgent(name);
  return withHived(options, async (hived) => {
    using entered = openEntries();
    if (options.secret) {
      const secret = await entered.next(`A key or a token for ${agent}: `);
      await hived.loginAgent({ agent, step: { kind: "secret", secret } });
    } else await byLink(hived, agent, entered);
    process.stdout.write(`${agent} is signed in, and goes on.\n`);
    return exitCodes.ok;
  });
}

async function byLink(hived: Hived, agent: ReturnType<typeof parseAgent>, entered: Entries): Promise<void> {
  const { url } = await hived.loginAgent({ agent, step: { kind: "link" } });
  process.stdout.write(`Open this link, sign in, and copy the code that is shown there:\n\n  ${url}\n\n`);
  for (;;) {
    const code = await entered.next("The code: ");
    try {
      await hived.loginAgent({ agent, step: { kind: "code", code } });
      return;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "login_refused") throw error;
      process.stderr.write(`${error.message} ${error.next}\n`);
    }
  }
}

type Entries = Disposable & { next(question: string): Promise<string> };

/** Lines from a terminal, which shows none of them, or from a pipe. */
function openEntries(): Entries {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const isTerminal = process.stdin.isTTY === true;
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: isTerminal });
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const lines = reader[Symbol.asyncIterator]();
  return {
    async next(question) {
      process.stderr.write(question);
      const { value, done } = await lines.next();
      if (isTerminal) process.stderr.write("\n");
      if (!done && value.trim() !== "") return value.trim();
      throw new Refusal("nothing_entered", "Nothing was entered.", "Run the command again.");
    },
    [Symbol.dispose]: () => reader.close(),
  };
}
