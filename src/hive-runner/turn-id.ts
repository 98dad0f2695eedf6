/** Names turns. */
import { randomBytes } from "node:crypto";
import type { EpochMs, TurnId } from "../contract/names.ts";

/**
 * An id that nobody can guess. Its first eleven digits count milliseconds: so the rows of turns, and what is looked up by
 * their ids, lie in the order of their times, and a commit writes a tenth of the pages.
 */
export function newTurnId(now: EpochMs): TurnId {
  const digits = now.toString(16).padStart(11, "0") + randomBytes(11).toString("hex");
  return `turn-${digits.slice(0, 32)}` as TurnId;
}
