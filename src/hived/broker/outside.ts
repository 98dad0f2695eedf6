/**
 * `recv` of a client outside of a sandbox, which has no turn whose end could settle what it received. It acknowledges by ids
 * in its next call; what it does not, is queued again after a time, as nothing is handled merely because it was read.
 *
 *   queued → leased (by an id that no turn has) → (acknowledged) handled
 *                                               → (the time is over: work `release-outside`) queued
 *
 * All of it is rows, so a restart of hived changes nothing.
 */
import { randomBytes } from "node:crypto";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, EpochMs, MessageId, TurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { type HeldEntry, heldBy, settleEntry } from "./inbox.ts";
import { leaseIn, nextPage, type Received, waitForMail } from "./lease.ts";
import { mostHeldOutside, outsideLeaseMs } from "./limits.ts";
import { atOnce } from "./queues.ts";

const ADD = "INSERT INTO outside_leases (id, agent) VALUES (:id, :agent)";
const OF_AGENT = "SELECT id FROM outside_leases WHERE agent = :agent";
const FORGET = "DELETE FROM outside_leases WHERE id = :id";

type Asked = { agent: AgentName; limit: number; waitMs: number; handled: readonly MessageId[]; cancelled: AbortSignal };

/** `unknown`: ids that were acknowledged, but are not held (any more) */
export type OutsideReceiver = (asked: Asked) => Promise<Received & { unknown: MessageId[] }>;

/** @param signal ends the waiting when hived stops */
export function openOutsideReceiver(core: Core, signal: AbortSignal): OutsideReceiver {
  return async ({ agent, limit, waitMs, handled, cancelled }) => {
    const untilCut = AbortSignal.any([signal, cancelled]);
    const unknown = handled.length > 0 ? await core.db.write((tx) => acknowledge(tx, core, agent, handled)) : [];
    if (waitMs > 0) await waitForMail(core, agent, { check: () => undefined, waitMs, signal: untilCut });
    const page = core.db.read((reader) => nextPage(reader, core, agent, limit));
    const received =
      page.count > 0 || page.isOversized
        ? await core.db.write((tx) => {
            if (cancelled.aborted) throw new Fault("the call was cancelled"); // nobody would read it
            return lease(tx, core, agent, limit);
          })
        : nothing;
    return { ...received, unknown };
  };
}

const nothing: Received = { entries: [], more: 0, oversized: false };

function lease(tx: Transaction, core: Core, agent: AgentName, limit: number): Received {
  const room = mostHeldOutside - heldOutside(tx, agent).length;
  if (room <= 0)
    throw new Refusal(
      "too_many_held",
      `You hold ${mostHeldOutside} messages that you have not acknowledged.`,
      "Name the ids of those that you are done with in `handled`.",
    );
  const { count, isOversized } = nextPage(tx, core, agent, Math.min(limit, room));
  const id = `turn-${randomBytes(16).toString("hex")}` as TurnId;
  // One that is too long for a turn's answer comes by itself: there is no next turn that it could come with.
  const now = core.clock.now();
  const asked = { agent, turn: id, mark: null, limit: isOversized ? 1 : count, now };
  const { entries, more } = leaseIn(tx, core, asked).lease;
  if (entries.length === 0) return nothing;
  tx.run(ADD, { id, agent });
  core.scheduler.enqueue(tx, "release-outside", id, (now + outsideLeaseMs) as EpochMs);
  return { entries, more, oversized: false };
}

/** @returns the ids of what is not held */
function acknowledge(tx: Transaction, core: Core, agent: AgentName, handled: readonly MessageId[]): MessageId[] {
  const held = heldOutside(tx, agent);
  for (const entry of held.filter(({ message }) => handled.includes(message)))
    settle(tx, core, entry, { state: "handled", problem: null });
  for (const { id } of tx.all<{ id: TurnId }>(OF_AGENT, { agent }))
    if (heldBy(tx, id).length === 0) tx.run(FORGET, { id });
  return handled.filter((id) => !held.some(({ message }) => message === id));
}

/** Work `release-outside`: what nobody acknowledged in time is queued again. */
export const releaseOutside = (core: Core, id: string): Promise<void> =>
  core.db.write((tx) => {
    const problem = `Its client outside of a sandbox did not acknowledge it within ${outsideLeaseMs / 60_000} minutes.`;
    for (const entry of heldBy(tx, id as TurnId)) settle(tx, core, entry, { state: "queued", problem });
    tx.run(FORGET, { id });
  });

const heldOutside = (reader: Reader, agent: AgentName): HeldEntry[] =>
  reader.all<{ id: TurnId }>(OF_AGENT, { agent }).flatMap(({ id }) => heldBy(reader, id));

function settle(
  tx: Transaction,
  core: Core,
  held: HeldEntry,
  change: { state: "handled" | "queued"; problem: string | null },
): void {
  const now = core.clock.now();
  const entry = settleEntry(tx, held, { failures: held.failures, notBefore: atOnce, ...change }, now);
  core.events.append(tx, { kind: "EntryChanged", entry }, now);
}
