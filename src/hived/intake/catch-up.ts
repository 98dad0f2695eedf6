/** Shows how far hived is, when many items of the forge have changed at once: after a night in which one of them was down. */
import type { Core } from "../core.ts";
import type { ForgeHealthKeeper } from "../forge/health.ts";
import { countWork } from "../work/work.ts";

/** Fewer are done before anybody has read the number. */
const worthShowing = 100;
/** As many may be under way at once, and are no queue. */
const few = 4;
const tellEveryMs = 1000;

/** @returns what to call after each item that was fetched */
export function openCatchUp(core: Core, health: Pick<ForgeHealthKeeper, "noteCatchUp">): () => void {
  let done = 0;
  let toldAt = 0;
  const waiting = (atMost: number) => core.db.read((reader) => countWork(reader, "refresh", atMost));
  return () => {
    done += 1;
    if (waiting(few + 1) <= few) {
      if (toldAt > 0) health.noteCatchUp(null);
      done = 0;
      toldAt = 0;
      return;
    }
    if (core.clock.now() < toldAt + tellEveryMs) return;
    const of = done + waiting(Number.MAX_SAFE_INTEGER) - 1; // the row of the one that was fetched goes after this
    if (of < worthShowing) return;
    toldAt = core.clock.now();
    health.noteCatchUp({ done, of });
  };
}
