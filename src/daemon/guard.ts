/** How a program is started so that it cannot outlive its parent. */
import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { join } from "node:path";

const script = join(import.meta.dirname, "guard.sh");

/**
 * Wraps the argv of a program that knows nothing of our lifeline: it runs as it stands, in the very process that is
 * spawned, while a watcher beside it ends it and all that it started when the lifeline at descriptor 3 ends: SIGTERM,
 * three seconds later SIGKILL. The program itself does not inherit descriptor 3.
 *
 * To be spawned detached (as the leader of its group) with a pipe at descriptor 3 whose other end the parent closes when
 * the program has exited, which ends what the program left behind: `spawnOnLifeline` does both.
 */
export const guarded = (argv: readonly string[]): string[] => ["/bin/sh", script, ...argv];

type Stream = "ignore" | "inherit" | "pipe" | number;

export type LifelineOptions = {
  cwd?: string;
  env: Record<string, string>;
  /** stdin, stdout and stderr; a number is a descriptor of ours */
  stdio: readonly [Stream, Stream, Stream];
  /** descriptors of ours that become the program's 4, 5, … */
  inherited?: readonly number[];
};

export type OnLifeline = {
  child: ChildProcess;
  /** Ends the lifeline: the program is asked to stop. */
  cut(): void;
};

/** Starts a program as the leader of its own process group, with its lifeline at descriptor 3 in our hands. */
export function spawnOnLifeline(argv: readonly string[], options: LifelineOptions): OnLifeline {
  const [program = "", ...parameters] = argv;
  const child = spawn(program, parameters, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env,
    detached: true, // Ctrl-C in the terminal reaches only us, who stop the others in order
    stdio: [...options.stdio, "pipe", ...(options.inherited ?? [])],
  });
  const lifeline = child.stdio[3];
  const cut = () => {
    if (lifeline instanceof Socket) lifeline.destroy();
  };
  if (lifeline instanceof Socket) {
    lifeline.on("error", cut);
    lifeline.resume();
  }
  child.once("exit", cut);
  return { child, cut };
}

/** Sends a signal to a program that was spawned detached, and to its group; nothing happens when it is gone. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
