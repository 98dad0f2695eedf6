/**
 * What an agent does in a running turn, as a stream: first all of it so far, which the runner has, then each batch as it
 * comes. Where one is missing, because somebody read too slowly or a link broke, all of it comes again.
 */
import { Fault } from "../../contract/fault.ts";
import type { TurnId } from "../../contract/names.ts";
import type { routes } from "../../contract/routes.ts";
import type { ResponseOf } from "../../contract/table.ts";
import { emptyLog, type LiveBatch } from "../../contract/turn-log.ts";
import type { Batches } from "../../rpc/serve.ts";
import type { Live } from "../broker/live.ts";
import { findLog } from "../broker/turns.ts";
import type { Core, Runner } from "../core.ts";
import { type Frames, following, type Until } from "./following.ts";

type Row = ResponseOf<typeof routes.watchTurn>;

/** What is kept for a reader that is slow; beyond it, it gets all of the log again. */
const mostWaiting = 100;

export type TurnWatcher = { core: Core; live: Live; runner: Pick<Runner, "call"> };

/** Silent once the turn has ended. */
export function watchTurn(parts: TurnWatcher, { turn, ...until }: { turn: TurnId } & Until): Batches<Row> {
  return following<Row>(until, ({ wake, ended }) => {
    let waiting: LiveBatch[] = [];
    /** the number of the newest batch that the reader has; null: it is to get all of the log */
    let newest: number | null = null;
    const take = (batch: LiveBatch) => {
      waiting.push(batch);
      if (waiting.length > mostWaiting) {
        waiting = [];
        newest = null;
      }
      wake();
    };
    parts.live.watch(turn, take, ended);
    const readWhole = async (): Promise<Frames<Row>> => {
      const log = await wholeLog(parts, turn);
      newest = log.newest;
      return [{ id: null, data: { kind: "log", log } }];
    };
    return async () => {
      if (newest === null) return readWhole();
      const due = waiting.filter(({ number }) => number > (newest ?? 0));
      waiting = [];
      const [first] = due;
      if (first && first.number !== newest + 1) return readWhole();
      newest = due.at(-1)?.number ?? newest;
      return due.map((batch) => ({ id: null, data: { kind: "batch", batch } }));
    };
  });
}

/** The runner's, while it has one; else the record's. */
async function wholeLog({ core, runner }: TurnWatcher, turn: TurnId) {
  const running = await runner.call("readTurnLog", { turn }).catch((error: unknown) => {
    if (error instanceof Fault) return { log: null };
    throw error;
  });
  return running.log ?? core.db.read((reader) => findLog(reader, turn)) ?? emptyLog;
}
