/** Moments and spans as a person says them: one unit, no false precision. */
import type { EpochMs } from "../../contract/names.ts";

const units = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;

/** A span in its largest unit, rounded down: `12 s`, `3 min`, `2 h`, `5 d`. */
export function spanText(ms: number): string {
  const unit = units.find((each) => ms >= each.ms) ?? units[units.length - 1];
  return `${Math.max(0, Math.floor(ms / (unit?.ms ?? 1_000)))} ${unit?.name ?? "s"}`;
}

/** How long ago; a clock that runs behind the hive's shows `just now`, never the future. */
export function agoText(at: EpochMs, now: EpochMs): string {
  return now - at < 5_000 ? "just now" : `${spanText(now - at)} ago`;
}

/** In how long; what is overdue happens `now`. */
export function untilText(at: EpochMs, now: EpochMs): string {
  return at - now < 1_000 ? "now" : `in ${spanText(at - now)}`;
}
