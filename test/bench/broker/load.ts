/** Drives something as hard as it goes: so many at once, each anew when it is done. */
import { percentile } from "../figure.ts";

export type Load = { perSecond: number; p50Ms: number; p99Ms: number };

/** Calls `once` from `inFlight` places, each as soon as its call before is answered, until `ms` have passed. */
export async function closedLoop(
  inFlight: number,
  ms: number,
  once: (place: number) => Promise<unknown>,
): Promise<Load> {
  const tookMs: number[] = [];
  const began = performance.now();
  const drive = async (place: number) => {
    for (let now = performance.now(); now - began < ms; ) {
      await once(place);
      const after = performance.now();
      tookMs.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, place) => drive(place)));
  return loadOf(tookMs, performance.now() - began);
}

const loadOf = (tookMs: number[], ms: number): Load => ({
  perSecond: (tookMs.length / ms) * 1000,
  p50Ms: percentile(tookMs, 0.5),
  p99Ms: percentile(tookMs, 0.99),
});
