/** All children of a hive: started in order, watched, and stopped in the opposite order. */
import { join } from "node:path";
import type { Process } from "../../contract/routes.ts";
import { systemClock } from "../../daemon/clock.ts";
import { Child, type ChildSpec } from "./child.ts";
import { capLogFile } from "./log-file.ts";

const capEveryMs = 60_000;

export class Fleet {
  readonly #logs: string;
  readonly #onChange: (row: Process) => void;
  readonly #children: Child[] = [];

  /** `logs` is the directory of the children's logs; `onChange` is told of every change of any of them. */
  constructor(logs: string, onChange: (row: Process) => void) {
    this.#logs = logs;
    this.#onChange = onChange;
  }

  rows(): Process[] {
    return this.#children.map((child) => child.row());
  }

  /**
   * Starts children beside each other and waits until all of them serve; those started first are stopped last.
   * @throws Refusal of one that refuses to start; the signal's reason when it is aborted before.
   */
  async start(specs: readonly ChildSpec[], signal: AbortSignal): Promise<void> {
    const children = specs.map((spec) => new Child(spec, this.#logOf(spec.name), this.#onChange));
    this.#children.push(...children);
    for (const child of children) child.start();
    await orAborted(Promise.all(children.map((child) => child.ready)), signal);
  }

  /** Stops one after the other, each with its own time to end by itself. */
  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) await child.stop();
  }

  /** Keeps the logs from growing without bound, until the signal is aborted. */
  async capLogs(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const child of this.#children) capLogFile(this.#logOf(child.name));
      await systemClock.wait(capEveryMs, signal);
    }
  }

  #logOf(name: string): string {
    return join(this.#logs, `${name}.log`);
  }
}

/** What is awaited, or the reason of the abort, whatever comes first. */
export function orAborted<Result>(awaited: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([awaited, promise]).finally(() => signal.removeEventListener("abort", abort));
}
