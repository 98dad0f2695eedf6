/** Ends a turn: its record, what becomes of each entry that it held, and what its agent does next, in one transaction. */
import type { TurnEnd } from "../../contract/link.ts";
import type { InboxEntry } from "../../contract/message.ts";
import type { AgentName, EpochMs, TurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Turn } from "../../contract/turn.ts";
import { type AgentRow, changeAgent, requireAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { heldBy, settleEntry } from "./inbox.ts";
import { maxFailures } from "./limits.ts";
import { isCertain } from "./marks.ts";
import { findMessage } from "./messages.ts";
import { notify } from "./send.ts";
import { type End, hasFailed, problemOf, restAfter, settlementOf } from "./settlement.ts";
import { addLog, type Finished, findTurn, finishTurn, toHeld } from "./turns.ts";
import { enqueueWake } from "./waiters.ts";

/**
 * Takes the runner's report. The first report of a turn stands; a second one changes nothing.
 * @throws Refusal for a turn that this agent's launch never had
 */
export function endTurn(core: Core, end: TurnEnd): Promise<void> {
  return core.db.write((tx) => {
    const turn = findTurn(tx, end.turn);
    if (turn?.agent !== end.agent || turn.launch !== end.launch) {
      throw new Refusal("stale_turn", `${end.agent} has no such turn.`, "Forget it, and ask for a lease.");
    }
    if (turn.endedAt !== null) return;
    changeAgent(tx, core, end.agent, { session: end.session });
    if (end.log) addLog(tx, end.turn, end.log);
    const answeredMarks = end.answeredMarks.filter((mark) => isCertain(mark, end.boot));
    conclude(tx, core, turn, { ...end, answeredMarks });
  });
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

function conclude(tx: Transaction, core: Core, turn: Turn, end: End): void {
  const now = core.clock.now();
  const held = heldBy(tx, turn.id);
  const settled = held.map((entry) => settleEntry(tx, entry.id, settlementOf(end, entry, now), now));
  for (const entry of settled) core.events.append(tx, { kind: "EntryChanged", entry }, now);
  const messages = settled.map((entry, index) =>
    toHeld(entry, held[index]?.from ?? "system", held[index]?.mark ?? null),
  );
  const ended = finishTurn(tx, { ...recordOf(end), id: turn.id, messages }, now);
  if (ended) core.events.append(tx, { kind: "TurnEnded", turn: ended }, now);
  const dead = settled.filter(({ state }) => state === "dead");
  const agent = noteFailures(tx, core, requireAgent(tx, turn.agent), { end, deadLetters: dead.length });
  if (agent.turn === turn.id) rest(tx, core, agent, end);
  for (const entry of dead) tellSender(tx, core, entry);
  const retries = settled.filter(({ state, notBefore }) => state === "queued" && notBefore > now);
  if (retries.length > 0) enqueueWake(tx, core, turn.agent, earliest(retries));
}

const recordOf = (end: End): Omit<Finished, "id" | "messages"> => ({
  outcome: end.outcome,
  evidence: end.evidence,
  problem: problemOf(end),
  session: end.session ?? null,
  usage: end.usage ?? { model: null, inputTokens: null, costUsd: null },
});

const earliest = (entries: InboxEntry[]) => Math.min(...entries.map(({ notBefore }) => notBefore)) as EpochMs;

/** Counts on the agent's row what somebody should see: turns that failed in a row, and messages that were given up. */
function noteFailures(
  tx: Transaction,
  core: Core,
  agent: AgentRow,
  { end, deadLetters }: { end: End; deadLetters: number },
): AgentRow {
  const spared = end.outcome === "ok" ? 0 : agent.failed_turns; // a lost or cancelled turn says nothing of its agent
  const failed_turns = hasFailed(end) ? agent.failed_turns + 1 : spared;
  if (failed_turns === agent.failed_turns && deadLetters === 0) return agent;
  return changeAgent(tx, core, agent.name, { failed_turns, dead_letters: agent.dead_letters + deadLetters });
}

/** The agent is idle again, or parked. What converge makes of it meanwhile (`converging`, `stopped`) is left alone. */
function rest(tx: Transaction, core: Core, agent: AgentRow, end: End): void {
  const until = restAfter(end, core.clock.now());
  if (agent.state !== "working" || until === null) {
    const isFree = agent.state === "working";
    changeAgent(tx, core, agent.name, isFree ? { turn: null, state: "idle", problem: null } : { turn: null });
    return;
  }
  const problem = problemOf(end);
  const retryAt = until === "stuck" ? null : until;
  changeAgent(tx, core, agent.name, { turn: null, state: "parked", problem, retry_at: retryAt });
  if (retryAt === null) tellOperator(tx, core, agent.name, problem);
  else enqueueWake(tx, core, agent.name, retryAt);
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
