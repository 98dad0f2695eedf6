import { setTimeout as delay } from "node:timers/promises";
import type { EpochMs } from "../contract/names.ts";

/** Time as a value, so that a test can steer it. */
export type Clock = {
  /** milliseconds since 1970: for due times */
  now(): EpochMs;
  /** resolves after so many milliseconds, or as soon as the signal is aborted; never rejects */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

/** The longest timer that Node can set; a longer wait is cut there, and its caller looks again. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
  async wait(ms, signal) {
    if (signal.aborted) return;
    await delay(Math.min(ms, longestTimerMs), undefined, { signal }).catch((error: Error) => {
      if (error.name !== "AbortError") throw error;
    });
  },
};
