/** The table of browsers that are at the forge to sign in: each may come back once, within ten minutes. */
import type { EpochMs } from "../../contract/names.ts";
import type { Transaction } from "../database/write.ts";
import { hashOf, newSecret } from "./secrets.ts";

const visitLivesMs = 10 * 60_000;
/** Anybody may begin one: the oldest make room. */
const mostVisits = 100;

/** What has to come back from the forge, and what proves to the forge that we are the ones who asked (PKCE). */
export type ForgeVisit = { state: string; nonce: string; verifier: string };

const FORGET = `DELETE FROM forge_sign_ins WHERE expires_at <= :now OR hash IN
  (SELECT hash FROM forge_sign_ins ORDER BY expires_at DESC LIMIT -1 OFFSET ${mostVisits - 1})`;
const ADD = `INSERT INTO forge_sign_ins (hash, state, nonce, verifier, expires_at)
  VALUES (:hash, :state, :nonce, :verifier, :expiresAt)`;
const TAKE = "DELETE FROM forge_sign_ins WHERE hash = :hash RETURNING state, nonce, verifier, expires_at";

/** @returns the ticket for the browser's cookie */
export function addVisit(tx: Transaction, visit: ForgeVisit, now: EpochMs): { ticket: string; expiresAt: EpochMs } {
  tx.run(FORGET, { now });
  const ticket = newSecret();
  const expiresAt = (now + visitLivesMs) as EpochMs;
  tx.run(ADD, { ...visit, hash: hashOf(ticket), expiresAt });
  return { ticket, expiresAt };
}

/** Uses a ticket up; undefined when there is none such, or its time has passed. */
export function takeVisit(tx: Transaction, ticket: string, now: EpochMs): ForgeVisit | undefined {
  const found = tx.get<ForgeVisit & { expires_at: EpochMs }>(TAKE, { hash: hashOf(ticket) });
  return found && found.expires_at > now ? found : undefined;
}
