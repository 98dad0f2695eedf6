import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { Fault } from "../contract/fault.ts";
import { refusedExitCode, type StartLine } from "../contract/programs.ts";
import { Refusal } from "../contract/refusal.ts";
import { describe } from "./fault.ts";

/**
 * The descriptor on which a child of ours holds its lifeline: a pipe whose other end its parent holds and never writes
 * to. When the parent is gone, however it went, the pipe ends.
 */
const lifelineDescriptor = 3;

/** Tells a program of ours that it has a lifeline. */
export const lifelineEnvironment = { HIVE_LIFELINE: "1" };

/** A signal that is aborted by SIGTERM, SIGINT, or the end of the lifeline when `HIVE_LIFELINE` says that there is one. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (why: string) => controller.abort(new Error(why));
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("SIGINT", () => stop("SIGINT"));
  if (process.env["HIVE_LIFELINE"]) {
    const lifeline = new Socket({ fd: lifelineDescriptor, readable: true, writable: false });
    lifeline.on("close", () => stop("the parent has ended"));
    lifeline.on("error", () => lifeline.destroy());
    lifeline.resume();
    lifeline.unref();
  }
  return controller.signal;
}

/** Resolves when the signal is aborted. */
export function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A program that has not stopped by itself within this time is ended: it must not outlive a killed supervisor. */
const stopWithinMs = 10_000;

type Program = {
  stop(): Promise<void>;
  /** what the operator should know of how it runs, for `hive status`; a sentence */
  note?: string;
};

/**
 * Runs a program of ours: starts it, says on stdout that it is ready (one JSON line, which the supervisor waits for),
 * waits for the stop signal, and stops it in its own order. A start that is refused says why in that line and ends with
 * `refusedExitCode`, so that nobody starts it again; any other error of start or stop ends the process with code 1.
 */
export async function runProgram(start: (signal: AbortSignal) => Promise<Program>): Promise<void> {
  const signal = stopSignal();
  signal.addEventListener("abort", () => setTimeout(() => process.exit(1), stopWithinMs).unref(), { once: true });
  const program = await start(signal).catch((error: unknown) => {
    if (error instanceof Refusal) {
      say({ refusal: error.toBody() });
      process.exit(refusedExitCode);
    }
    if (!(error instanceof Fault)) throw error;
    writeSync(2, `${describe(error)}\n`); // the last words of a program that is started again, until the cause is gone
    process.exit(1);
  });
  say(program.note === undefined ? { ready: true } : { ready: true, note: program.note });
  await stopped(signal);
  await program.stop();
  process.exit(0);
}

function say(line: StartLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
