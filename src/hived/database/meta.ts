/** The table of single values. */
import type { BootId } from "../../contract/names.ts";
import type { Database } from "./write.ts";

const COUNT_BOOT = `INSERT INTO meta (key, value) VALUES ('boot', '1')
  ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value`;

/** Begins a life of hived: its number is durable before any socket is opened, so that no two lives share one. */
export function countBoot(db: Database): Promise<BootId> {
  return db.write((tx) => Number(tx.get<{ value: string }>(COUNT_BOOT)?.value) as BootId);
}
