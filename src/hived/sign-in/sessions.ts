/** The table of the operator's sessions: each ends twelve hours after its last use. */
import type { EpochMs } from "../../contract/names.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { hashOf, newSecret } from "./secrets.ts";

const idleMs = 12 * 60 * 60_000;
/** A session in use is prolonged no more often than this, so that reading does not write. */
const prolongEveryMs = 5 * 60_000;

const ADD = "INSERT INTO sessions (hash, expires_at) VALUES (:hash, :expiresAt)";
const FIND = "SELECT expires_at FROM sessions WHERE hash = :hash";
const PROLONG = "UPDATE sessions SET expires_at = :expiresAt WHERE hash = :hash";
const END = "DELETE FROM sessions WHERE hash = :hash";
const FORGET = "DELETE FROM sessions WHERE expires_at <= :now";

export function addSession(tx: Transaction, now: EpochMs): { session: string; expiresAt: EpochMs } {
  tx.run(FORGET, { now });
  const session = newSecret();
  const expiresAt = (now + idleMs) as EpochMs;
  tx.run(ADD, { hash: hashOf(session), expiresAt });
  return { session, expiresAt };
}

/** When a session ends unless it is used; undefined when it has ended, or never was. */
export function sessionEnd(reader: Reader, session: string, now: EpochMs): EpochMs | undefined {
  const found = reader.get<{ expires_at: EpochMs }>(FIND, { hash: hashOf(session) });
  return found && found.expires_at > now ? found.expires_at : undefined;
}

export const isWorthProlonging = (expiresAt: EpochMs, now: EpochMs): boolean =>
  expiresAt < now + idleMs - prolongEveryMs;

export function prolongSession(tx: Transaction, session: string, now: EpochMs): void {
  tx.run(PROLONG, { hash: hashOf(session), expiresAt: now + idleMs });
}

export function endSession(tx: Transaction, session: string): void {
  tx.run(END, { hash: hashOf(session) });
}
