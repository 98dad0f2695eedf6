/** Runs a command to its end where an agent runs, and keeps what it says. */
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { Enter } from "../../contract/launch.ts";
import type { Clock } from "../../daemon/clock.ts";
import { guarded, spawnOnLifeline } from "../../daemon/guard.ts";

export type Tried = {
  /** null: it was ended by a signal, or took too long */
  code: number | null;
  out: string;
  err: string;
  isLate: boolean;
};

/** Of each stream, in characters. */
const mostKept = 500_000;
const timeoutMs = 20_000;

/** @param input written to its stdin, which is then closed */
export async function tryCommand(enter: Enter, command: readonly string[], clock: Clock, input = ""): Promise<Tried> {
  const { child, cut } = spawnOnLifeline(guarded([...enter.argv, ...command]), {
    env: enter.env,
    cwd: enter.cwd,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("a command was started without pipes");
  stdin.on("error", () => undefined); // it did not want to hear it
  stdin.end(input);
  const [out, err] = [gathered(stdout), gathered(stderr)];
  const over = new AbortController();
  let isLate = false;
  void clock.wait(timeoutMs, over.signal).then(() => {
    isLate = !over.signal.aborted;
    cut();
  });
  const [code] = (await once(child, "close")) as [number | null];
  over.abort();
  return { code: isLate ? null : code, out: out(), err: err(), isLate };
}

function gathered(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    if (text.length < mostKept) text += chunk;
  });
  return () => text;
}
