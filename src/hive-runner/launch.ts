/** Carries out a launch spec literally: its secrets become files, its argv a process on our lifeline. */
import { once } from "node:events";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { FileToWrite, LaunchSpec } from "../contract/launch.ts";
import { systemClock } from "../daemon/clock.ts";
import { guarded, type OnLifeline, signalGroup, spawnOnLifeline } from "../daemon/guard.ts";
import { checkedPath } from "./agent-files.ts";

export type AgentProcess = {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** resolves when it is gone, with a sentence about its end; never rejects */
  readonly exited: Promise<string>;
  /** whether it has ended by SIGKILL: somebody else's doing, or the system's for want of memory */
  wasKilled(): boolean;
  /** whether it has ended with code 0 */
  hasSucceeded(): boolean;
  /** SIGINT to its whole group */
  interrupt(): void;
  /** Asks it to stop and kills it, with all that it started, when it has not done so in time; resolves when it is gone. */
  end(): Promise<void>;
};

/** Writes a launch's secrets into its directory, readable for us alone; what is there is replaced in one moment. */
export async function writeSecrets(directory: string, files: readonly FileToWrite[]): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const { path, content, executable } of files) {
    const file = join(directory, checkedPath(path));
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, Buffer.from(content, "base64"), { mode: executable ? 0o700 : 0o600 });
    await rename(`${file}.new`, file); // a process that reads it meanwhile finds the old one or the new one, whole
  }
}

/**
 * Starts an agent's process. Whatever ends us ends it too.
 * @param onStderr told of each line that it writes there
 * @throws the system's error when the machine has no room for a process
 */
export async function startProcess(
  spec: Pick<LaunchSpec, "argv" | "env" | "cwd">,
  onStderr: (line: string) => void,
): Promise<AgentProcess> {
  const { env, cwd } = spec;
  const running = spawnOnLifeline(guarded(spec.argv), { env, cwd, stdio: ["pipe", "pipe", "pipe"] });
  const { child } = running;
  await once(child, "spawn");
  // The program keeps the number of the shell that becomes it: so this is its own priority, and all that it starts has it.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("an agent's process was started without pipes");
  stdin.on("error", () => stdin.destroy()); // it has ended: `exited` says so
  const lastLine = followLines(stderr, onStderr);
  const exited = exitOf(running).then((how) => (lastLine() ? `${how}; its last words: ${lastLine()}` : how));
  return {
    stdin,
    stdout,
    exited,
    // A sandbox says of the program inside it what a shell would: 128 and the number of the signal.
    wasKilled: () => child.signalCode === "SIGKILL" || child.exitCode === 128 + constants.signals.SIGKILL,
    hasSucceeded: () => child.exitCode === 0,
    interrupt() {
      if (child.pid !== undefined) signalGroup(child.pid, "SIGINT");
    },
    async end() {
      running.cut();
      await exited;
    },
  };
}

/** What a process left behind is ended within three seconds by the guard; what escaped even that is not waited for. */
const closeWithinMs = 4_000;

async function exitOf({ child }: OnLifeline): Promise<string> {
  const closed = once(child, "close"); // then all that it wrote has been read, too
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  const enough = new AbortController();
  await Promise.race([closed, systemClock.wait(closeWithinMs, enough.signal)]);
  enough.abort();
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  return signal ? `it was ended by ${signal}` : `it ended with code ${code}`;
}

/** A line is cut there, and what is written without any line end is not kept beyond it. */
const longestLine = 2_000;

/** Calls back for each line; the result tells the last one that was not empty. */
function followLines(stream: Readable, onLine: (line: string) => void): () => string {
  let rest = "";
  let last = "";
  const take = (line: string) => {
    if (line.trim() === "") return;
    last = line.slice(0, longestLine);
    onLine(last);
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = `${rest}${chunk}`.split("\n");
    rest = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) take(line);
  });
  stream.on("end", () => take(rest));
  return () => last;
}
