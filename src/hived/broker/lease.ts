/** Hands an agent's mail to a turn: at its start, and during it by `recv`. */
import type { Fact } from "../../contract/facts.ts";
import { Fault } from "../../contract/fault.ts";
import type { hivedCalls, LeasedEntry } from "../../contract/link.ts";
import type { AgentName, BootId, EpochMs, LaunchId, TurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { RequestOf, ResponseOf } from "../../contract/table.ts";
import { type AgentRow, canaryOf, changeAgent, configOf, requireAgent } from "../agents/agents.ts";
import type { Core, Runner } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { dueLengths, type HeldEntry, heldMessages, leaseDue } from "./inbox.ts";
import { recvCharacters } from "./limits.ts";
import { firstMark } from "./marks.ts";
import { headDueAt, queuedFor } from "./queues.ts";
import { findTurn, heldIn, hourSpentUntil, startTurn } from "./turns.ts";
import { enqueueWake, isFree } from "./waiters.ts";

type LeaseRequest = RequestOf<typeof hivedCalls.lease>;
type Lease = ResponseOf<typeof hivedCalls.lease>;

/** What of an agent's has been open for long: what a turn that begins is to mention, and what one that has begun was. */
export type Nudges = {
  mention(tx: Transaction, turn: { agent: AgentName; turn: TurnId }): string[];
  mentionedIn(reader: Reader, turn: TurnId): string[];
};

/**
 * Starts a turn with the oldest due entries of the agent's inbox. No entries: there is nothing to do, or the agent is to
 * do nothing just now. A lease that is asked for again, because its answer was lost, is the same lease.
 * @throws Refusal for a launch that is not the agent's, or a turn that is not its newest
 */
export function lease(core: Core, request: LeaseRequest, nudges?: Nudges): Promise<Lease> {
  return core.db.write((tx) => {
    const agent = requireAgent(tx, request.agent);
    if (agent.launch !== request.launch) throw staleLaunch(request.agent);
    if (agent.turn === request.turn) return nudged(leaseOf(tx, request, agent), nudges?.mentionedIn(tx, request.turn));
    if (agent.turn !== null || findTurn(tx, request.turn)) throw staleTurn(request.agent);
    const now = core.clock.now();
    if (!isFree(agent, now)) return { entries: [], more: 0 };
    const spentUntil = hourSpentUntil(tx, agent.name, turnsPerHour(agent), now);
    if (spentUntil !== null) {
      restIfMail(tx, core, agent, spentUntil);
      return { entries: [], more: 0 };
    }
    const found = leaseIn(tx, core, { ...request, mark: null, now });
    if (found.held.length === 0) return found.lease;
    const turn = startTurn(tx, { ...request, id: request.turn, held: found.held }, now);
    core.events.append(tx, { kind: "TurnStarted", turn }, now);
    const isDisproved = canaryOf(agent)?.state === "failed";
    changeAgent(tx, core, agent.name, { state: "working", turn: turn.id, ...(isDisproved && { canary: null }) }, now);
    return nudged(found.lease, nudges?.mention(tx, request));
  }, soon);
}

const nudged = (lease: Lease, nudges: string[] = []): Lease => (nudges.length > 0 ? { ...lease, nudges } : lease);

/** A crash releases a lease anyway, so nobody waits for the disk. */
const soon = { isDurable: false };

const turnsPerHour = (agent: AgentRow) => configOf(agent)?.budgets.turns_per_hour ?? Number.MAX_SAFE_INTEGER;

/** Parks an agent that has mail and may have no turn just now. */
function restIfMail(tx: Transaction, core: Core, agent: AgentRow, until: EpochMs): void {
  if ((headDueAt(tx, agent.name) ?? until) > core.clock.now()) return;
  const problem = `It has had ${turnsPerHour(agent)} turns within an hour, as many as its agent.yaml allows.`;
  changeAgent(tx, core, agent.name, { state: "parked", problem, retry_at: until });
  enqueueWake(tx, core, agent.name, until);
}

const leaseOf = (reader: Reader, { turn }: LeaseRequest, { name }: AgentRow): Lease => ({
  entries: heldMessages(reader, turn, null),
  more: queuedFor(reader, name).length,
});

type LeaseIn = { agent: AgentName; turn: TurnId; mark: number | null; limit: number; now: EpochMs };

/** Leases the oldest due entries, with their events. @returns what the agent gets, and what its turn holds by that */
export function leaseIn(
  tx: Transaction,
  core: Core,
  { agent, turn, mark, limit, now }: LeaseIn,
): { lease: Lease; held: HeldEntry[] } {
  const due = leaseDue(tx, { agent, turn, mark, limit, now });
  for (const { entry } of due) core.events.append(tx, { kind: "EntryChanged", entry }, now);
  const more = due.length < limit ? 0 : queuedFor(tx, agent).length;
  return { lease: { entries: due.map(({ leased }) => leased), more }, held: due.map(({ held }) => held) };
}

/** What `recv` hands out; `oversized` when the next message is too long for an answer and waits for the next turn. */
export type Received = { entries: LeasedEntry[]; more: number; oversized: boolean };

/**
 * @param waitMs how long to wait for mail when there is none; 0 when it is left out
 * @param cancelled aborted when nobody will read the answer: then nothing is handed out
 */
export type Receiver = (asker: {
  agent: AgentName;
  launch: LaunchId;
  limit: number;
  waitMs?: number;
  cancelled?: AbortSignal;
}) => Promise<Received>;

const never = new AbortController().signal;

/**
 * Makes `recv`: leases more to the running turn of the asker's own launch.
 * @param signal ends the waiting when hived stops
 */
export function openReceiver(core: Core, runner: Pick<Runner, "call">, boot: BootId, signal: AbortSignal): Receiver {
  let mark = firstMark(boot);
  return async ({ agent, launch, limit, waitMs = 0, cancelled = never }) => {
    const check = (reader: Reader) => void requireTurn(reader, agent, launch);
    if (waitMs > 0) await waitForMail(core, agent, { check, waitMs, signal: AbortSignal.any([signal, cancelled]) });
    const { turn, page } = core.db.read((reader) => ({
      turn: requireTurn(reader, agent, launch),
      page: nextPage(reader, core, agent, limit),
    }));
    if (page.count === 0) return { entries: [], more: 0, oversized: page.isOversized };
    mark += 1;
    const own = mark;
    // The runner first, so that nothing that the model produced before it saw these entries counts as an answer to them.
    await runner.call("markReceived", { turn, mark: own });
    return core.db.write((tx) => {
      if (requireTurn(tx, agent, launch) !== turn) throw noTurn();
      if (cancelled.aborted) throw new Fault("the call was cancelled");
      const { count, isOversized } = nextPage(tx, core, agent, limit);
      if (count === 0) return { entries: [], more: 0, oversized: isOversized };
      const holdings = heldIn(tx, turn);
      const { lease, held } = leaseIn(tx, core, { agent, turn, mark: own, limit: count, now: core.clock.now() });
      holdings.push(...held);
      holdings.sort((a, b) => a.id - b.id);
      return { ...lease, oversized: isOversized };
    });
  };
}

/**
 * Resolves when something is due for the agent, or the time is over. Every commit is a reason to look, and so is the end of
 * a backoff.
 * @param wait.check throws when whoever waits may receive no more, as when its turn has ended
 * @throws Fault when hived stops
 */
export async function waitForMail(
  core: Core,
  agent: AgentName,
  { check, waitMs, signal }: { check(reader: Reader): void; waitMs: number; signal: AbortSignal },
): Promise<void> {
  const until = core.clock.now() + waitMs;
  for (;;) {
    if (signal.aborted) throw new Fault("hived is stopping, or the call was cancelled");
    const now = core.clock.now();
    const dueAt = core.db.read((reader) => {
      check(reader);
      return headDueAt(reader, agent) ?? until;
    });
    if (dueAt <= now || until <= now) return;
    const news = new AbortController();
    const either = AbortSignal.any([signal, news.signal]);
    core.events.watch((facts) => facts.some((fact) => concerns(fact, agent)) && news.abort(), either);
    await core.clock.wait(Math.min(dueAt, until) - now, either);
    news.abort();
  }
}

const concerns = (fact: Fact, agent: AgentName): boolean =>
  (fact.kind === "MessageSent" && fact.queued?.recipients.includes(agent) === true) ||
  (fact.kind === "EntryChanged" && fact.entry.recipient === agent) ||
  (fact.kind === "AgentChanged" && fact.agent.name === agent) ||
  (fact.kind === "TurnEnded" && fact.turn.agent === agent);

/** How many of the due entries fit into one answer, and whether not even the first does. */
export function nextPage(reader: Reader, core: Core, agent: AgentName, limit: number) {
  const lengths = dueLengths(reader, agent, core.clock.now(), limit);
  let room = recvCharacters;
  let count = 0;
  for (const length of lengths) {
    room -= length;
    if (room < 0) break;
    count += 1;
  }
  return { count, isOversized: count === 0 && lengths.length > 0 };
}

/** The running turn of the agent's current launch. */
function requireTurn(reader: Reader, agent: AgentName, launch: LaunchId): TurnId {
  const row = requireAgent(reader, agent);
  if (row.launch !== launch) throw staleLaunch(agent);
  if (row.turn === null) throw noTurn();
  return row.turn;
}

const noTurn = () =>
  new Refusal("no_turn", "You have no running turn to receive into.", "End: what waits for you starts the next one.");
const staleLaunch = (agent: AgentName) =>
  new Refusal("stale_launch", `${agent} runs in another process by now.`, "End this one.");
const staleTurn = (agent: AgentName) =>
  new Refusal(
    "stale_turn",
    `${agent} has had or still has another turn.`,
    "End that one first, then use a new turn id.",
  );
