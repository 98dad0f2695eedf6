/** Time that stands still until a test moves it. */
import type { EpochMs } from "../../src/contract/names.ts";
import type { Clock } from "../../src/daemon/clock.ts";

export type FakeClock = Clock & {
  /** Moves the time on; whoever waited for no longer is let go, in the order of their times. */
  advance(ms: number): void;
};

export function openFakeClock(start = 1_700_000_000_000): FakeClock {
  let now = start;
  const waiting = new Set<{ at: number; resolve(): void }>();
  return {
    now: () => now as EpochMs,
    wait(ms, signal) {
      if (signal.aborted || ms <= 0) return Promise.resolve();
      return new Promise((done) => {
        const waiter = { at: now + ms, resolve: done };
        waiting.add(waiter);
        const cut = () => {
          waiting.delete(waiter);
          done();
        };
        signal.addEventListener("abort", cut, { once: true });
      });
    },
    advance(ms) {
      now += ms;
      const due = [...waiting].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      for (const waiter of due) {
        waiting.delete(waiter);
        waiter.resolve();
      }
    },
  };
}

/** The same time, moved on by whoever waits: nothing comes in time. */
export function impatient(clock: FakeClock): FakeClock {
  return {
    ...clock,
    wait(ms, signal) {
      const waited = clock.wait(ms, signal);
      clock.advance(ms);
      return waited;
    },
  };
}
