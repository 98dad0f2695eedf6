/** The one table of what is due later or may have to be tried again. */
import type { WorkTrouble } from "../../contract/facts.ts";
import type { EpochMs } from "../../contract/names.ts";
import type { Reader, Transaction } from "../database/write.ts";

export type Work = {
  id: number;
  kind: string;
  key: string;
  due_at: EpochMs;
  attempts: number;
  /** attempts that failed by something else than a fault outside */
  bugs: number;
  again: number;
  last_error: string | null;
  state: "pending" | "failed";
};

const ENQUEUE = `INSERT INTO work (kind, key, due_at) VALUES (:kind, :key, :due)
  ON CONFLICT (kind, key) DO UPDATE SET again = 1, state = 'pending',
    attempts = CASE WHEN state = 'failed' THEN 0 ELSE attempts END, bugs = CASE WHEN state = 'failed' THEN 0 ELSE bugs END,
    due_at = CASE WHEN state = 'failed' THEN :due ELSE min(due_at, :due) END`;
// From kind to kind through the index: a DISTINCT would read all that is due, after each piece of a long queue again.
const DUE_KINDS = `WITH RECURSIVE kinds(kind) AS (
    SELECT min(kind) FROM work WHERE state = 'pending'
    UNION ALL SELECT (SELECT min(kind) FROM work WHERE state = 'pending' AND kind > kinds.kind) FROM kinds WHERE kind IS NOT NULL)
  SELECT kind FROM kinds WHERE EXISTS (
    SELECT 1 FROM work WHERE state = 'pending' AND kind = kinds.kind AND due_at <= :now)`;
const DUE = `SELECT * FROM work WHERE state = 'pending' AND kind = :kind AND due_at <= :now
  ORDER BY due_at, id LIMIT :limit`;
const NEXT_DUE = "SELECT min(due_at) AS at FROM work WHERE state = 'pending' AND due_at > :now";
const BEGIN = "UPDATE work SET attempts = attempts + 1, again = 0 WHERE id = :id AND state = 'pending' RETURNING *";
const FINISH = "DELETE FROM work WHERE id = :id AND again = 0";
const REPEAT = "UPDATE work SET again = 0, attempts = 0, bugs = 0, last_error = NULL, due_at = :due WHERE id = :id";
const POSTPONE = `UPDATE work SET again = 0, attempts = 0, bugs = 0, last_error = NULL,
    due_at = CASE WHEN again = 1 THEN min(due_at, :due) ELSE :due END
  WHERE id = :id`;
const RETRY = `UPDATE work SET due_at = CASE WHEN again = 1 THEN min(due_at, :due) ELSE :due END, last_error = :error,
    bugs = bugs + :bug
  WHERE id = :id RETURNING *`;
const GIVE_UP = "UPDATE work SET state = 'failed', last_error = :error WHERE id = :id RETURNING *";
const REVIVE = "UPDATE work SET state = 'pending', attempts = 0, bugs = 0, due_at = :now WHERE state = 'failed'";
const RETRY_NOW = "UPDATE work SET due_at = :now WHERE state = 'pending' AND last_error IS NOT NULL AND due_at > :now";
const COUNT = "SELECT count(*) AS count FROM (SELECT 1 FROM work WHERE kind = :kind LIMIT :atMost)";
const TROUBLED = "SELECT * FROM work WHERE last_error IS NOT NULL ORDER BY id";

/**
 * Asks for a piece of work. One that is waiting already is only made due sooner; one that is running runs once more;
 * one that was given up is tried again.
 */
export function enqueue(tx: Transaction, work: { kind: string; key: string; due: EpochMs }): void {
  tx.run(ENQUEUE, work);
}

/** The kinds that have due rows. */
export function dueKinds(reader: Reader, now: EpochMs): string[] {
  return reader.all<{ kind: string }>(DUE_KINDS, { now }).map(({ kind }) => kind);
}

/** The oldest due rows of a kind, those that are being worked on among them. */
export function dueWork(reader: Reader, due: { kind: string; now: EpochMs; limit: number }): Work[] {
  return reader.all<Work>(DUE, due);
}

/** When the next row after `now` is due; null when none waits. */
export function nextDue(reader: Reader, now: EpochMs): EpochMs | null {
  return reader.get<{ at: EpochMs | null }>(NEXT_DUE, { now })?.at ?? null;
}

/** Counts the attempt, in a commit of its own before the handler runs: so a row that crashes the process is found out. */
export function beginAttempt(tx: Transaction, id: number): Work | undefined {
  return tx.get<Work>(BEGIN, { id });
}

/** Removes a row that is done, unless it was asked for again meanwhile: then it is due at once. */
export function finishAttempt(tx: Transaction, id: number, now: EpochMs): void {
  if (tx.run(FINISH, { id }).changes === 0) tx.run(REPEAT, { id, due: now });
}

/** Puts a row that went well off to a later time, unless it was asked for again meanwhile. */
export function postpone(tx: Transaction, id: number, due: EpochMs): void {
  tx.run(POSTPONE, { id, due });
}

/**
 * Notes a failure: to be tried again at `due`, or at once when it was asked for again meanwhile, as what it failed at may be
 * over; given up when `due` is null. Faults outside are not counted as bugs.
 */
export function failAttempt(
  tx: Transaction,
  id: number,
  { error, due, isOutside }: { error: string; due: EpochMs | null; isOutside: boolean },
): Work | undefined {
  if (due === null) return tx.get<Work>(GIVE_UP, { id, error });
  return tx.get<Work>(RETRY, { id, error, due, bug: Number(!isOutside) });
}

/** Tries what was given up once more: a start may bring the program that can do it. */
export function reviveFailed(tx: Transaction, now: EpochMs): void {
  tx.run(REVIVE, { now });
}

/** Ends the wait of what has failed and is to be tried again; how long it waits after the next failure stays. */
export function retryNow(tx: Transaction, now: EpochMs): void {
  tx.run(RETRY_NOW, { now });
}

/** How many rows of a kind there are, waiting or under way; counts no further than `atMost`. */
export const countWork = (reader: Reader, kind: string, atMost: number): number =>
  reader.get<{ count: number }>(COUNT, { kind, atMost })?.count ?? 0;

/** Work whose last attempt failed. */
export function troubledWork(reader: Reader): WorkTrouble[] {
  return reader.all<Work>(TROUBLED).map(toTrouble);
}

export const toTrouble = (work: Work): WorkTrouble => ({
  id: work.id,
  kind: work.kind,
  key: work.key,
  attempts: work.attempts,
  state: work.state,
  dueAt: work.due_at,
  lastError: work.last_error ?? "",
});
