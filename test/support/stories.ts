/**
 * How many random stories a property test tells, and which. `npm test` tells the same ones each time, so that what fails
 * is what was changed; `npm run soak` tells new ones. HIVE_RUNS says how many, HIVE_SEED and HIVE_PATH repeat a failure as
 * fast-check names it, HIVE_SHRINK=1 makes it small.
 */
import type { Parameters } from "fast-check";

const asked = (name: string): string | undefined => process.env[`HIVE_${name}`] || undefined;

/** @param inTest how many stories when nobody asks for another number */
export function howMany(inTest: number): number {
  return Number(asked("RUNS") ?? inTest);
}

export function whichStories(inTest: number): Parameters<unknown> & { seed: number } {
  const seed = asked("SEED") ?? (asked("RUNS") ? Date.now() % 2 ** 31 : 20_261_128);
  const path = asked("PATH");
  return {
    numRuns: howMany(inTest),
    seed: Number(seed),
    endOnFailure: !asked("SHRINK"),
    ...(path === undefined ? {} : { path }),
  };
}
