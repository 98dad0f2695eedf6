/** The event log: facts in the order of their commits, the newest of them kept, and whoever watches them. */
import { type Event, Fact } from "../../contract/facts.ts";
import type { HiveState } from "../../contract/fold.ts";
import type { AgentName, EpochMs, Sequence } from "../../contract/names.ts";
import type { Addition, Reader, Transaction } from "../database/write.ts";

type Row = { sequence: number; at: number; fact: string };

const toEvent = (row: Row): Event => ({
  sequence: row.sequence as Sequence,
  at: row.at as EpochMs,
  fact: Fact.parse(JSON.parse(row.fact)),
});

export type EventLog = {
  /** Appends a fact to the transaction that makes it true; watchers are told after the commit. */
  append(tx: Transaction, fact: Fact, now: EpochMs): void;
  /**
   * Calls back after each commit that brought events, with their facts, until the signal is aborted. A hint: the log is
   * the truth.
   */
  watch(tell: (facts: readonly Fact[]) => void, signal: AbortSignal): void;
};

/** How many events are kept; whoever resumes after an older one starts anew. */
const keptEvents = 50_000;

const EVENTS: Addition = { table: "events", columns: ["sequence", "at", "kind", "fact"] };
const FORGET = "DELETE FROM events WHERE sequence <= :upTo";
const AFTER = "SELECT * FROM events WHERE sequence > :after ORDER BY sequence LIMIT :limit";
const ENDS = "SELECT coalesce(min(sequence), 0) AS oldest, coalesce(max(sequence), 0) AS newest FROM events";
const PAGES = `SELECT json_extract(fact, '$.agent') AS agent, json_extract(fact, '$.page') AS page, max(sequence)
  FROM events WHERE kind = 'ThreadsChanged' GROUP BY 1`;
const NOTES = `SELECT * FROM (SELECT * FROM events WHERE kind = 'Note' ORDER BY sequence DESC LIMIT :limit)
  ORDER BY sequence`;

/** @param kept how many of the newest events to keep; a test keeps fewer */
export function openEventLog(kept = keptEvents): EventLog {
  const forgottenAtOnce = Math.ceil(kept / 100); // few: never a pause
  const watchers = new Set<(facts: readonly Fact[]) => void>();
  let committed: Fact[] = [];
  const tell = () => {
    const facts = committed;
    committed = [];
    for (const watcher of [...watchers]) watcher(facts);
  };
  return {
    append(tx, fact, now) {
      const sequence = tx.nextId("events");
      tx.add(EVENTS, [sequence, now, fact.kind, JSON.stringify(fact)]);
      if (sequence % forgottenAtOnce === 0) tx.run(FORGET, { upTo: sequence - kept });
      tx.afterCommit(() => {
        if (committed.length === 0) queueMicrotask(tell); // one call for all events of a commit, however many there are
        committed.push(fact);
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

/** Each agent's page of open threads as it was told last, as JSON; of an agent whose telling is not kept any more, none. */
export function toldPages(reader: Reader): Map<AgentName, string> {
  return new Map(reader.all<{ agent: AgentName; page: string }>(PAGES).map(({ agent, page }) => [agent, page]));
}

/** The newest notes, oldest first. */
export function newestNotes(reader: Reader, limit: number): HiveState["notes"] {
  return reader
    .all<Row>(NOTES, { limit })
    .map(toEvent)
    .flatMap(({ sequence, at, fact }) => (fact.kind === "Note" ? [{ sequence, at, text: fact.text }] : []));
}
