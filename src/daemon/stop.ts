import { Socket } from "node:net";

/**
 * The descriptor on which a child of ours holds its lifeline: a pipe whose other end its parent holds and never writes
 * to. When the parent is gone, however it went, the pipe ends.
 */
export const lifelineDescriptor = 3;

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

/**
 * Runs a program of ours: starts it, says on stdout that it is ready (one JSON line, which the supervisor waits for),
 * waits for the stop signal, and stops it in its own order. A start or stop that throws ends the process with code 1.
 */
export async function runProgram(start: (signal: AbortSignal) => Promise<{ stop(): Promise<void> }>): Promise<void> {
  const signal = stopSignal();
  const program = await start(signal);
  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
  await stopped(signal);
  await program.stop();
  process.exit(0);
}
