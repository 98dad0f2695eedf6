/** The event log: facts in the order of their commits, and whoever watches them. */
import { type Event, Fact } from "../../contract/facts.ts";
import type { EpochMs, Sequence } from "../../contract/names.ts";
import type { Reader, Transaction } from "../database/write.ts";

type Row = { sequence: number; at: number; fact: string };

const toEvent = (row: Row): Event => ({
  sequence: row.sequence as Sequence,
  at: row.at as EpochMs,
  fact: Fact.parse(JSON.parse(row.fact)),
});

export type EventLog = {
  /** Appends a fact to the transaction that makes it true; watchers are told after the commit. */
  append(tx: Transaction, fact: Fact, now: EpochMs): void;
  /** Calls back after each commit that brought events, until the signal is aborted. A hint: the log is the truth. */
  watch(tell: () => void, signal: AbortSignal): void;
};

const APPEND = "INSERT INTO events (at, fact) VALUES (:at, :fact)";
const AFTER = "SELECT * FROM events WHERE sequence > :after ORDER BY sequence LIMIT :limit";
const ENDS = "SELECT coalesce(min(sequence), 0) AS oldest, coalesce(max(sequence), 0) AS newest FROM events";

export function openEventLog(): EventLog {
  const watchers = new Set<() => void>();
  let isTelling = false;
  const tell = () => {
    isTelling = false;
    for (const watcher of [...watchers]) watcher();
  };
  return {
    append(tx, fact, now) {
      tx.run(APPEND, { at: now, fact: JSON.stringify(fact) });
      tx.afterCommit(() => {
        if (isTelling) return;
        isTelling = true; // one call for all events of a commit, however many there are
        queueMicrotask(tell);
      });
    },
    watch(watcher, signal) {
      if (signal.aborted) return;
      watchers.add(watcher);
      signal.addEventListener("abort", () => watchers.delete(watcher), { once: true });
    },
  };
}

/** The oldest events after a place in the log, at most `limit`. */
export function eventsAfter(reader: Reader, after: Sequence, limit: number): Event[] {
  return reader.all<Row>(AFTER, { after, limit }).map(toEvent);
}

/** The sequence numbers of the oldest and newest event that are kept; 0 and 0 when there is none. */
export function logEnds(reader: Reader): { oldest: Sequence; newest: Sequence } {
  return reader.get<{ oldest: Sequence; newest: Sequence }>(ENDS) ?? { oldest: 0 as Sequence, newest: 0 as Sequence };
}
