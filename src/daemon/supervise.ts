import { systemClock } from "./clock.ts";
import { backoffMs, describe, isOutsideFault } from "./fault.ts";
import type { Log } from "./log.ts";

export type Step = (signal: AbortSignal) => Promise<void>;

/**
 * Repeats a step until the signal says stop. A fault outside is logged and tried again with backoff, for ever; anything
 * else is a bug and is thrown, so that the process dies loudly and its parent starts it again.
 * @param longestPauseMs the cap of the backoff, for a step that has to be quick when the other side is back
 */
export async function supervise(
  name: string,
  step: Step,
  log: Log,
  signal: AbortSignal,
  longestPauseMs?: number,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await step(signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (!isOutsideFault(error)) throw error;
      failures += 1;
      log.warn({ step: name, failures, problem: describe(error) }, "step failed, will be tried again");
      await systemClock.wait(backoffMs(failures, longestPauseMs), signal);
    }
  }
}
