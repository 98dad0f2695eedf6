/** The table of single values. */
import type { BootId } from "../../contract/names.ts";
import type { Database, Reader, Transaction } from "./write.ts";

const COUNT_BOOT = `INSERT INTO meta (key, value) VALUES ('boot', '1')
  ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value`;
const READ = "SELECT value FROM meta WHERE key = :key";
const WRITE = "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = :value";

/** Begins a life of hived: its number is durable before any socket is opened, so that no two lives share one. */
export function countBoot(db: Database): Promise<BootId> {
  return db.write((tx) => Number(tx.get<{ value: string }>(COUNT_BOOT)?.value) as BootId);
}

export const readMeta = (reader: Reader, key: string): string | undefined =>
  reader.get<{ value: string }>(READ, { key })?.value;

export function writeMeta(tx: Transaction, key: string, value: string): void {
  tx.run(WRITE, { key, value });
}
