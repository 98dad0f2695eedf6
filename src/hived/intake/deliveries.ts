/** The table of webhook deliveries that were taken. */
import type { EpochMs } from "../../contract/names.ts";
import type { Transaction } from "../database/write.ts";

const ADD = "INSERT INTO deliveries (id, at) VALUES (:id, :now) ON CONFLICT (id) DO NOTHING";
const FORGET = "DELETE FROM deliveries WHERE at < :before";

/** False when this delivery was taken before. */
export function addDelivery(tx: Transaction, id: string, now: EpochMs): boolean {
  return tx.run(ADD, { id, now }).changes > 0;
}

/** A replay of one that is forgotten rings a bell in vain, and does nothing else. */
export function forgetDeliveries(tx: Transaction, before: number): void {
  tx.run(FORGET, { before });
}
