/** What agents do in their turns, passed on to whoever watches that turn, and to nobody else; kept nowhere. */
import type { TurnId } from "../../contract/names.ts";
import type { LiveBatch } from "../../contract/turn-log.ts";

export type Live = {
  /** The runner tells what came. */
  report(turn: TurnId, batch: LiveBatch): void;
  /** Calls back with each batch of a turn until the signal is aborted. */
  watch(turn: TurnId, tell: (batch: LiveBatch) => void, signal: AbortSignal): void;
};

export function openLive(): Live {
  const watchers = new Map<TurnId, Set<(batch: LiveBatch) => void>>();
  return {
    report(turn, batch) {
      for (const tell of [...(watchers.get(turn) ?? [])]) tell(batch);
    },
    watch(turn, tell, signal) {
      if (signal.aborted) return;
      const own = watchers.get(turn) ?? new Set();
      watchers.set(turn, own.add(tell));
      const leave = () => {
        own.delete(tell);
        if (own.size === 0) watchers.delete(turn);
      };
      signal.addEventListener("abort", leave, { once: true });
    },
  };
}
