/** The event log as a stream: what came after a place in it, then each new event in the tick of its commit. */
import { ZodError } from "zod";
import type { Event } from "../../contract/facts.ts";
import type { Sequence } from "../../contract/names.ts";
import type { routes } from "../../contract/routes.ts";
import type { ResponseOf } from "../../contract/table.ts";
import type { Batches } from "../../rpc/serve.ts";
import type { Core } from "../core.ts";
import { eventsAfter, logEnds } from "../events/event-log.ts";

type Row = ResponseOf<typeof routes.watchEvents>;
type Batch = { id: number | null; data: Row }[];

/** The most events that are read and written at once: whoever is far behind holds nobody else up. */
const largestBatch = 200;

/**
 * Yields every event after `after`, until the signal is aborted, the reader goes away or `isAllowed` says no. Nothing is
 * buffered: a slow reader reads the log later, and one that falls behind what is kept, or comes to what this program can't
 * read, is told to `resync`, and ends.
 */
export function watchEvents(
  core: Core,
  { after, signal, isAllowed }: { after: Sequence; signal: AbortSignal; isAllowed: () => boolean },
): Batches<Row> {
  return { [Symbol.asyncIterator]: () => follow(core, after, signal, isAllowed) };
}

/** Written out, as a generator that waits would hear of its reader's going only after the next event. */
function follow(core: Core, start: Sequence, signal: AbortSignal, isAllowed: () => boolean): AsyncIterator<Batch> {
  const ending = new AbortController();
  let after = start;
  let wake: (() => void) | undefined;
  const tell = () => wake?.();
  const end = () => {
    ending.abort();
    tell();
  };
  signal.addEventListener("abort", end, { once: true, signal: ending.signal });
  core.events.watch(tell, ending.signal);
  /** The next events; null when the reader has to begin anew. */
  const readOn = (): Event[] | null => {
    try {
      return core.db.read((reader) => {
        const { oldest, newest } = logEnds(reader);
        return after >= oldest - 1 && after <= newest ? eventsAfter(reader, after, largestBatch) : null;
      });
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      core.log.error({ err: error, after }, "an event of another version's shape: whoever comes to it begins anew");
      return null;
    }
  };
  const nextBatch = (): Batch => {
    const events = readOn();
    if (!events) {
      end();
      return [{ id: null, data: { kind: "resync" } }];
    }
    after = events.at(-1)?.sequence ?? after;
    return events.map((event) => ({ id: event.sequence, data: { kind: "event", event } }));
  };
  return {
    async next() {
      while (!ending.signal.aborted && !signal.aborted && isAllowed()) {
        const batch = nextBatch();
        if (batch.length > 0) return { done: false, value: batch };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      end();
      return { done: true, value: undefined };
    },
    async return() {
      end();
      return { done: true, value: undefined };
    },
  };
}
