/**
 * Runs due work: sleeps until the next due time, or until something is asked for. Handlers look first and then do, so
 * that running one again after a crash at any line does no harm.
 */

import type { EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Clock } from "../../daemon/clock.ts";
import { backoffMs, describe, isOutsideFault } from "../../daemon/fault.ts";
import type { Log } from "../../daemon/log.ts";
import type { Database, Transaction } from "../database/write.ts";
import type { EventLog } from "../events/event-log.ts";
import * as table from "./work.ts";

/** Does the work of one key. Resolves when it is done, with a time when it is to be done again. */
export type Handler = {
  run(key: string, signal: AbortSignal): Promise<{ again: EpochMs } | undefined>;
  /** how many keys may be worked on at once; 1 where order matters */
  atOnce: number;
};

export type Scheduler = {
  /** Asks for work in the transaction that makes it necessary. */
  enqueue(tx: Transaction, kind: string, key: string, due?: EpochMs): void;
  /** Tries at once what has failed and waits: what stood in its way may be gone. */
  retryNow(tx: Transaction): void;
  /** Works until the signal is aborted; then waits for what is in flight. `handlers` has one for each kind. */
  run(handlers: Record<string, Handler>, signal: AbortSignal): Promise<void>;
};

type Parts = { db: Database; events: EventLog; clock: Clock; log: Log };

/** A bug or a refusal is tried this often before it is given up; a fault outside is tried for ever. */
const attemptsOfABug = 5;
const retryCapMs = 5 * 60_000;

export function openScheduler({ db, events, clock, log }: Parts): Scheduler {
  const running = new Map<number, { kind: string; ended: Promise<void> }>();
  let woken = new AbortController();
  const wake = () => woken.abort();
  const attempt = async (id: number, handler: Handler, signal: AbortSignal) => {
    const work = await db.write((tx) => table.beginAttempt(tx, id));
    if (!work) return;
    try {
      const later = await handler.run(work.key, signal);
      await db.write((tx) => {
        if (later) table.postpone(tx, id, later.again);
        else table.finishAttempt(tx, id, clock.now());
        if (work.last_error !== null) events.append(tx, { kind: "WorkRecovered", id }, clock.now());
      });
    } catch (error) {
      if (signal.aborted) return; // what was cut short is due at the next start
      await db.write((tx) => noteFailure(tx, work, error));
    }
  };
  const noteFailure = (tx: Transaction, work: table.Work, error: unknown) => {
    const isOutside = isOutsideFault(error);
    const isGivenUp = !isOutside && work.bugs + 1 >= attemptsOfABug;
    const due = isGivenUp ? null : ((clock.now() + backoffMs(work.attempts, retryCapMs)) as EpochMs);
    const problem = error instanceof Refusal ? `${error.message} ${error.next}` : describe(error);
    const failed = table.failAttempt(tx, work.id, { error: problem, due, isOutside });
    log[isOutside ? "warn" : "error"](
      { kind: work.kind, key: work.key, attempts: work.attempts, err: error },
      "work failed",
    );
    if (failed) events.append(tx, { kind: "WorkTroubled", work: table.toTrouble(failed) }, clock.now());
  };
  /** A database that can't be written just now: the row is as it was, and is looked at again after a pause. */
  const outlive = async (attempted: Promise<void>, work: table.Work, signal: AbortSignal) => {
    try {
      await attempted;
    } catch (error) {
      if (!isOutsideFault(error)) throw error;
      log.warn({ kind: work.kind, key: work.key, problem: describe(error) }, "an attempt could not be noted");
      await clock.wait(backoffMs(1), signal);
    }
  };
  const start = (work: table.Work, handler: Handler, signal: AbortSignal) => {
    const ended = outlive(attempt(work.id, handler, signal), work, signal).finally(() => {
      running.delete(work.id);
      wake();
    });
    running.set(work.id, { kind: work.kind, ended });
  };
  /** Each kind by itself, up to its free slots: so none waits behind the others' queues. */
  const startDue = (handlers: Record<string, Handler>, now: EpochMs, signal: AbortSignal) => {
    for (const kind of db.read((reader) => table.dueKinds(reader, now))) {
      const handler = handlers[kind];
      if (!handler) throw new Error(`nobody handles work of kind ${kind}`);
      let free = handler.atOnce - [...running.values()].filter((other) => other.kind === kind).length;
      if (free <= 0) continue;
      // The rows of those that run are due, too, and at most as many as there are slots.
      for (const work of db.read((reader) => table.dueWork(reader, { kind, now, limit: handler.atOnce }))) {
        if (running.has(work.id) || free === 0) continue;
        start(work, handler, signal);
        free -= 1;
      }
    }
  };
  return {
    enqueue(tx, kind, key, due = clock.now()) {
      table.enqueue(tx, { kind, key, due });
      tx.afterCommit(wake);
    },
    retryNow(tx) {
      table.retryNow(tx, clock.now());
      tx.afterCommit(wake);
    },
    async run(handlers, signal) {
      while (!signal.aborted) {
        woken = new AbortController();
        const now = clock.now(); // one for both: what fell due between them would be slept over
        startDue(handlers, now, signal);
        const next = db.read((reader) => table.nextDue(reader, now));
        const either = AbortSignal.any([signal, woken.signal]);
        await clock.wait(next === null ? Number.MAX_SAFE_INTEGER : next - clock.now(), either);
      }
      await Promise.allSettled([...running.values()].map(({ ended }) => ended));
    },
  };
}
