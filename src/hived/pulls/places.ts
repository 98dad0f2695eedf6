/** The table of how far each pull request's timeline has been told. */
import type { EpochMs } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { ItemPlace } from "../forge/forge-items.ts";

/** The newest entry that was seen to, null before the first one, and the time from which on to look. */
export type SeenTo = { entry: number | null; at: EpochMs };

const FIND = "SELECT seen_entry AS entry, seen_at AS at FROM pull_places WHERE repo = :repo AND number = :number";
const NOTE = `INSERT INTO pull_places (repo, number, seen_entry, seen_at) VALUES (:repo, :number, :entry, :at)
  ON CONFLICT (repo, number) DO UPDATE SET seen_entry = :entry, seen_at = :at`;
const FORGET = "DELETE FROM pull_places WHERE repo = :repo AND number = :number";
const FORGET_ALL = "DELETE FROM pull_places";

/** Where to go on: nothing is told that is older than the hive's acquaintance with its forge. */
export const seenTo = (reader: Reader, { repo, number }: ItemPlace): SeenTo =>
  reader.get<SeenTo>(FIND, { repo, number }) ?? { entry: null, at: Number(readMeta(reader, sinceKey) ?? 0) as EpochMs };

export function noteSeenTo(tx: Transaction, { repo, number }: ItemPlace, { entry, at }: SeenTo): void {
  tx.run(NOTE, { repo, number, entry, at });
}

/** The forge has no such pull request any more. */
export function forgetPlace(tx: Transaction, { repo, number }: ItemPlace): void {
  tx.run(FORGET, { repo, number });
}

const sinceKey = "pulls-told-since";
const forgeKey = "pulls-told-of";

/** At each start. Of another forge, to which everything was moved, all that is there was told before; its entries have other ids. */
export function beginTelling(tx: Transaction, core: Core, forge: { kind: string; url: string }): void {
  const told = `${forge.kind} ${forge.url}`;
  if (readMeta(tx, forgeKey) === told) return;
  writeMeta(tx, forgeKey, told);
  writeMeta(tx, sinceKey, String(core.clock.now()));
  tx.run(FORGET_ALL);
}
