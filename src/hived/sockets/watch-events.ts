/** The event log as a stream: what came after a place in it, then each new event in the tick of its commit; between them, whether anything can be stored. */
import { ZodError } from "zod";
import type { Event, StorageTrouble } from "../../contract/facts.ts";
import type { Sequence } from "../../contract/names.ts";
import type { routes } from "../../contract/routes.ts";
import type { ResponseOf } from "../../contract/table.ts";
import type { Batches } from "../../rpc/serve.ts";
import type { Core } from "../core.ts";
import { eventsAfter, logEnds } from "../events/event-log.ts";
import { type Frames, following, type Until } from "./following.ts";

type Row = ResponseOf<typeof routes.watchEvents>;

/** The most events that are read and written at once: whoever is far behind holds nobody else up. */
const largestBatch = 200;

/**
 * Yields every event after a place in the log. Nothing is buffered: a slow reader reads the log later, and one that falls
 * behind what is kept, or comes to what this program can't read, is told to `resync`, and ends.
 */
export function watchEvents(core: Core, { after: start, ...until }: { after: Sequence } & Until): Batches<Row> {
  return following<Row>(until, ({ wake, end, ended }) => {
    let after = start;
    let told: StorageTrouble | null = null;
    core.events.watch(wake, ended);
    core.db.watchTrouble(wake, ended);
    const storageNews = (): Frames<Row> => {
      const trouble = core.db.trouble();
      if (trouble?.problem === told?.problem) return [];
      told = trouble;
      return [{ id: null, data: { kind: "storage", trouble } }];
    };
    return () => {
      const events = readOn(core, after);
      if (!events) {
        end();
        return [{ id: null, data: { kind: "resync" } }];
      }
      after = events.at(-1)?.sequence ?? after;
      const news: Frames<Row> = events.map((event) => ({ id: event.sequence, data: { kind: "event", event } }));
      return [...storageNews(), ...news];
    };
  });
}

/** The next events; null when the reader has to begin anew. */
function readOn(core: Core, after: Sequence): Event[] | null {
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
}
