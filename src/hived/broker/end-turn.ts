/** Ends a turn: its record, what becomes of each entry that it held, and what its agent does next, in one transaction. */
import type { TurnEnd } from "../../contract/link.ts";
import type { InboxEntry } from "../../contract/message.ts";
import type { AgentName, EpochMs, TurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Turn } from "../../contract/turn.ts";
import { type AgentRow, changeAgent, requireAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { settleEntry } from "./inbox.ts";
import { maxFailures } from "./limits.ts";
import { isCertain } from "./marks.ts";
import { findMessage } from "./messages.ts";
import { notify } from "./send.ts";
import { type End, hasFailed, problemOf, restAfter, settlementOf, withEvidence } from "./settlement.ts";
import { addLog, type Finished, findTurn, finishTurn, heldIn, startTurn, toHeld } from "./turns.ts";
import { enqueueWake } from "./waiters.ts";

/**
 * Takes the runner's report. The first report of a turn stands; a second one changes nothing.
 * @throws Refusal for a turn that this agent's launch never had
 */
export function endTurn(core: Core, end: TurnEnd): Promise<void> {
  return core.db.write((tx) => {
    const turn = findTurn(tx, end.turn) ?? ownTurn(tx, end);
    if (turn?.agent !== end.agent || turn.launch !== end.launch) {
      throw new Refusal("stale_turn", `${end.agent} has no such turn.`, "Forget it, and ask for a lease.");
    }
    if (turn.endedAt !== null) return;
    if (end.log) addLog(tx, end.turn, end.log);
    const answeredMarks = end.answeredMarks.filter((mark) => isCertain(mark, end.boot));
    conclude(tx, core, turn, { ...end, answeredMarks });
  });
}

/** A turn that the agent has begun by itself: it holds no message, so nothing is settled by it. */
function ownTurn(tx: Transaction, { turn: id, agent, launch, beganAt }: TurnEnd): Turn | undefined {
  if (beganAt === undefined || requireAgent(tx, agent).launch !== launch) return undefined;
  return startTurn(tx, { id, agent, launch, held: [] }, beganAt);
}

/**
 * Ends a running turn whose runner or launch is gone, as `lost`: its entries are queued again, uncounted.
 * Nothing happens when it has ended already.
 */
export function releaseTurn(tx: Transaction, core: Core, id: TurnId, problem: string): void {
  const turn = findTurn(tx, id);
  if (!turn || turn.endedAt !== null) return;
  conclude(tx, core, turn, { outcome: "lost", evidence: null, problem, answeredMarks: [], retryAt: null });
}

function conclude(tx: Transaction, core: Core, turn: Turn, reported: End): void {
  const end = withEvidence(reported);
  const now = core.clock.now();
  const messages: Finished["messages"] = [];
  const settled = heldIn(tx, turn.id).map((held) => {
    const entry = settleEntry(tx, held, settlementOf(end, held, now), now);
    core.events.append(tx, { kind: "EntryChanged", entry }, now);
    messages.push(toHeld(entry, held.from, held.mark));
    return entry;
  });
  const ended = finishTurn(tx, turn, { ...recordOf(end), messages }, now);
  core.events.append(tx, { kind: "TurnEnded", turn: ended }, now);
  const dead = settled.filter(({ state }) => state === "dead");
  settleAgent(tx, core, turn, end, { deadLetters: dead.length, now });
  for (const entry of dead) tellSender(tx, core, entry);
  const retries = settled.filter(({ state, notBefore }) => state === "queued" && notBefore > now);
  if (retries.length > 0) enqueueWake(tx, core, turn.agent, earliest(retries));
}

const recordOf = (end: End): Omit<Finished, "messages"> => ({
  outcome: end.outcome,
  evidence: end.evidence,
  problem: problemOf(end),
  session: end.session ?? null,
  usage: end.usage ?? { model: null, inputTokens: null, costUsd: null },
});

const earliest = (entries: InboxEntry[]) => Math.min(...entries.map(({ notBefore }) => notBefore)) as EpochMs;

/** What the agent's row says of a turn's end, and whether it needs the operator or a rest before the next one. */
function settleAgent(
  tx: Transaction,
  core: Core,
  turn: Turn,
  end: End,
  { deadLetters, now }: { deadLetters: number; now: EpochMs },
): void {
  const agent = requireAgent(tx, turn.agent);
  const after = agent.turn === turn.id ? restOf(agent, end, now) : {};
  const session = end.session === undefined ? {} : { session: end.session };
  changeAgent(tx, core, agent.name, { ...session, ...failuresOf(agent, end, deadLetters), ...after }, now);
  if (after.state !== "parked") return;
  if (after.retry_at === null) tellOperator(tx, core, agent.name, after.problem);
  else enqueueWake(tx, core, agent.name, after.retry_at);
}

/** What somebody should see: turns that failed in a row, and messages that were given up. */
function failuresOf(agent: AgentRow, end: End, deadLetters: number) {
  const spared = end.outcome === "ok" ? 0 : agent.failed_turns; // a lost or cancelled turn says nothing of its agent
  const failed_turns = hasFailed(end) ? agent.failed_turns + 1 : spared;
  return { failed_turns, dead_letters: agent.dead_letters + deadLetters };
}

type Rest =
  | { turn: null; state?: undefined }
  | { turn: null; state: "idle"; problem: null }
  | { turn: null; state: "parked"; problem: string | null; retry_at: EpochMs | null };

/** The agent is idle again, or parked. What converge makes of it meanwhile (`converging`, `stopped`) is left alone. */
function restOf({ state }: AgentRow, end: End, now: EpochMs): Rest | Record<string, never> {
  if (state !== "working") return { turn: null };
  const until = restAfter(end, now);
  if (until === null) return { turn: null, state: "idle", problem: null };
  return { turn: null, state: "parked", problem: problemOf(end), retry_at: until === "stuck" ? null : until };
}

function tellOperator(tx: Transaction, core: Core, agent: AgentName, problem: string | null): void {
  const body = `${agent} is parked until you help: ${problem ?? "it gave no reason"} Its messages are kept.`;
  notify(tx, core, { to: "operator", body });
}

/** Whoever waits for an answer is told that none will come; of what the hive itself sent, the operator is. */
function tellSender(tx: Transaction, core: Core, entry: InboxEntry): void {
  const message = findMessage(tx, entry.message);
  if (!message) return;
  const to = message.from === "system" ? "operator" : message.from;
  const body = `Message ${message.id} to ${entry.recipient} was given up after ${maxFailures} failed turns. ${entry.problem ?? ""}`;
  const reply = to === message.from ? message.id : undefined;
  notify(tx, core, { to, body: body.trim(), inReplyTo: reply });
}
