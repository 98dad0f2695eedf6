/**
 * Work `forget-messages` and `forget-turns`: what was settled long ago is removed, a small bite at a time. What is queued or
 * dead stays, and so does a turn that a delivery still names. The pages of the file that become free so are used again.
 */
import { stateLimits } from "../../contract/fold.ts";
import type { EpochMs, MessageId } from "../../contract/names.ts";
import { forgetOldLaunches } from "../agents/launches.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { forgetEveryMs, forgottenAtOnce, keptMs } from "./limits.ts";
import { forgetOldTurns } from "./turns.ts";

// The newest messages are the state that a page has: an event tells of nothing that is removed from there.
const FORGET_ENTRIES = `DELETE FROM inbox WHERE id IN (
    SELECT id FROM inbox WHERE state IN ('handled', 'cancelled', 'read') AND settled_at <= :before
      AND message <= (SELECT max(id) FROM messages) - :newest
    ORDER BY settled_at LIMIT :limit)
  RETURNING message`;
const FORGET_MESSAGE = `DELETE FROM messages WHERE id = :id
  AND NOT EXISTS (SELECT 1 FROM inbox WHERE id BETWEEN messages.first_entry AND messages.last_entry)`;

/**
 * Removes one bite.
 * @param newest how many of the newest messages are kept however old they are; a test keeps fewer
 * @returns when to go on: at once while there is more, else later
 */
export const forgetMessages = (core: Core, newest: number = stateLimits.messages): Promise<{ again: EpochMs }> =>
  core.db.write((tx) => {
    const now = core.clock.now();
    return { again: nextTime(now, forgetBite(tx, now, newest) < forgottenAtOnce) };
  });

/**
 * Removes one bite of turns' records, with their logs, and of launches.
 * @param newest how many of the newest turns are kept however old they are; a test keeps fewer
 * @returns when to go on, as `forgetMessages`
 */
export const forgetTurns = (core: Core, newest: number = stateLimits.turns): Promise<{ again: EpochMs }> =>
  core.db.write((tx) => {
    const now = core.clock.now();
    const bite = { before: now - keptMs, limit: forgottenAtOnce };
    const turns = forgetOldTurns(tx, { ...bite, newest });
    const launches = forgetOldLaunches(tx, bite);
    return { again: nextTime(now, Math.max(turns, launches) < forgottenAtOnce) };
  });

const nextTime = (now: EpochMs, isAll: boolean): EpochMs => (isAll ? now + forgetEveryMs : now) as EpochMs;

function forgetBite(tx: Transaction, now: EpochMs, newest: number): number {
  const bite = { before: now - keptMs, newest, limit: forgottenAtOnce };
  const forgotten = tx.all<{ message: MessageId }>(FORGET_ENTRIES, bite);
  for (const id of new Set(forgotten.map(({ message }) => message))) tx.run(FORGET_MESSAGE, { id });
  return forgotten.length;
}
