/** The table of one-time links: each lets its bearer in once, within five minutes. */
import type { EpochMs } from "../../contract/names.ts";
import type { Transaction } from "../database/write.ts";
import { hashOf, newSecret } from "./secrets.ts";

const linkLivesMs = 5 * 60_000;

const ADD = "INSERT INTO sign_in_links (hash, expires_at) VALUES (:hash, :expiresAt)";
const TAKE = "DELETE FROM sign_in_links WHERE hash = :hash RETURNING expires_at";
const FORGET = "DELETE FROM sign_in_links WHERE expires_at <= :now";

export function addLink(tx: Transaction, now: EpochMs): { secret: string; expiresAt: EpochMs } {
  tx.run(FORGET, { now });
  const secret = newSecret();
  const expiresAt = (now + linkLivesMs) as EpochMs;
  tx.run(ADD, { hash: hashOf(secret), expiresAt });
  return { secret, expiresAt };
}

/** Uses a link up; false when there is none of that secret, or its time has passed. The work is the same for each. */
export function takeLink(tx: Transaction, secret: string, now: EpochMs): boolean {
  const link = tx.get<{ expires_at: EpochMs }>(TAKE, { hash: hashOf(secret) });
  return link !== undefined && link.expires_at > now;
}
