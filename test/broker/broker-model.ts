/** What the broker promises, as plain data without a database: the test compares the real one with it after every step. */

import type { AgentState } from "../../src/contract/agent.ts";
import type { Outcome } from "../../src/contract/turn.ts";
import { keptMs, maxFailures, retryDelayMs } from "../../src/hived/broker/limits.ts";

export type ModelEntry = {
  id: number;
  message: number;
  recipient: string;
  state: "queued" | "leased" | "handled" | "dead" | "cancelled" | "read";
  attempt: number;
  failures: number;
  notBefore: number;
  turn: string | null;
  settledAt: number | null;
};
type ModelAgent = {
  name: string;
  launch: string | null;
  state: AgentState;
  retryAt: number | null;
  turn: string | null;
};
type ModelTurn = { id: string; agent: string; launch: string; startedAt: number; outcome: Outcome | null };
export type Model = {
  messages: { id: number; from: string; to: string }[];
  entries: ModelEntry[];
  agents: ModelAgent[];
  turns: ModelTurn[];
  /** ids that were given, also of what is forgotten */
  lastMessage: number;
  lastEntry: number;
};

/** The turns that this agent may have within an hour. */
export const budgetOf = (agent: string): number => (agent === "alice" ? 4 : 120);
export const names = ["alice", "bob", "boss"] as const;
export type Name = (typeof names)[number];
/** How many of the newest messages are never forgotten. */
export const keptMessages = 3;

const hourMs = 3_600_000;

export const agentOf = (model: Model, name: string): ModelAgent => {
  const agent = model.agents.find((row) => row.name === name);
  if (!agent) throw new Error(`the model has no ${name}`);
  return agent;
};
export const queuedFor = (model: Model, name: string): ModelEntry[] =>
  model.entries.filter(({ recipient, state }) => recipient === name && state === "queued");
const heldBy = (model: Model, turn: string) =>
  model.entries.filter((entry) => entry.turn === turn && entry.state === "leased");

export function sendTo(model: Model, from: string, to: string): void {
  const everybody = names.filter((name) => name !== from);
  model.lastMessage += 1;
  model.messages.push({ id: model.lastMessage, from, to });
  for (const recipient of to === "*" ? everybody : [to]) {
    model.lastEntry += 1;
    model.entries.push({
      ...{ id: model.lastEntry, message: model.lastMessage, recipient, state: "queued", attempt: 0, failures: 0 },
      ...{ notBefore: 0, turn: null, settledAt: null },
    });
  }
}

/** What a lease or `recv` takes: the oldest, up to the first that waits for its time. */
export function dueFor(model: Model, name: string, now: number, limit: number): ModelEntry[] {
  const queued = queuedFor(model, name);
  const waiting = queued.findIndex(({ notBefore }) => notBefore > now);
  return queued.slice(0, waiting < 0 ? undefined : waiting).slice(0, limit);
}

export function take(entries: ModelEntry[], turn: string): void {
  for (const entry of entries)
    Object.assign(entry, { state: "leased", turn, attempt: entry.attempt + 1, settledAt: null });
}

/** A lease: the ids that it hands out; none when the agent may not work, or has nothing to do. */
export function startTurn(
  model: Model,
  name: string,
  { id, now, limit }: { id: string; now: number; limit: number },
): number[] {
  const agent = agentOf(model, name);
  if (agent.state !== "idle" || agent.launch === null || agent.turn !== null || (agent.retryAt ?? 0) > now) return [];
  const due = dueFor(model, name, now, limit);
  const recent = model.turns
    .filter((turn) => turn.agent === name && turn.startedAt > now - hourMs && turn.startedAt <= now)
    .map(({ startedAt }) => startedAt)
    .sort((a, b) => b - a);
  const nth = recent[budgetOf(name) - 1];
  if (nth !== undefined) {
    if (due.length > 0) Object.assign(agent, { state: "parked", retryAt: nth + hourMs });
    return [];
  }
  if (due.length === 0) return [];
  take(due, id);
  model.turns.push({ id, agent: name, launch: agent.launch, startedAt: now, outcome: null });
  Object.assign(agent, { state: "working", turn: id });
  return due.map((entry) => entry.id);
}

type End = {
  outcome: Outcome;
  isProven: boolean;
  retryAt: number | null;
  requeues: boolean;
  now: number;
  isAnswered(entry: number): boolean;
};

const parking: readonly Outcome[] = ["needs_login", "billing", "model_unavailable", "budget", "refused"];
const uncounted: readonly Outcome[] = [...parking, "rate_limited", "lost"];

/** The table of HARNESS section 8. */
function settle(entry: ModelEntry, end: End): void {
  const back = { state: "queued", turn: null, settledAt: null };
  const isOk = end.outcome === "ok" && end.isProven;
  if (isOk && end.isAnswered(entry.id)) Object.assign(entry, { state: "handled", settledAt: end.now });
  else if (end.outcome === "cancelled" && end.requeues) Object.assign(entry, { ...back, notBefore: 0 });
  else if (end.outcome === "cancelled") Object.assign(entry, { state: "cancelled", settledAt: end.now });
  else if (isOk || uncounted.includes(end.outcome)) Object.assign(entry, { ...back, notBefore: 0 });
  else if (entry.failures + 1 >= maxFailures)
    Object.assign(entry, { state: "dead", failures: entry.failures + 1, settledAt: end.now });
  else {
    const failures = entry.failures + 1;
    const notBefore = Math.max(end.now + retryDelayMs(failures), end.retryAt ?? 0);
    Object.assign(entry, { ...back, failures, notBefore });
  }
}

export function endTurn(model: Model, id: string, end: End): void {
  const turn = model.turns.find((row) => row.id === id);
  if (!turn || turn.outcome !== null) return;
  const held = heldBy(model, id);
  for (const entry of held) settle(entry, end);
  turn.outcome = end.outcome === "ok" && !end.isProven ? "no_evidence" : end.outcome;
  const agent = agentOf(model, turn.agent);
  if (agent.turn === id) rest(model, agent, end);
  for (const entry of held.filter(({ state }) => state === "dead")) {
    const from = model.messages.find((message) => message.id === entry.message)?.from;
    sendTo(model, "system", from === "system" || from === undefined ? "operator" : from);
  }
}

function rest(model: Model, agent: ModelAgent, { outcome, retryAt, now }: End): void {
  const isWorking = agent.state === "working";
  Object.assign(agent, { turn: null, ...(isWorking && { state: "idle" }) });
  if (!isWorking) return;
  if (outcome === "rate_limited") Object.assign(agent, { state: "parked", retryAt: retryAt ?? now + 60_000 });
  if (!parking.includes(outcome)) return;
  Object.assign(agent, { state: "parked", retryAt: null });
  sendTo(model, "system", "operator");
}

const lost = (now: number): End => ({
  outcome: "lost",
  isProven: false,
  retryAt: null,
  requeues: false,
  now,
  isAnswered: () => false,
});

/** The process of an agent is gone, and so is its turn. */
export function loseLaunch(model: Model, name: string, now: number): void {
  const agent = agentOf(model, name);
  if (agent.launch === null) return;
  for (const turn of model.turns) if (turn.launch === agent.launch) endTurn(model, turn.id, lost(now));
  Object.assign(agent, { launch: null, turn: null, state: "converging" });
}

/** An agent's rest and the backoffs in its inbox end, if they are over. */
export function tick(model: Model, name: string, now: number): void {
  for (const entry of queuedFor(model, name)) if (entry.notBefore <= now) entry.notBefore = 0;
  const agent = agentOf(model, name);
  if (agent.retryAt === null || agent.retryAt > now) return;
  agent.retryAt = null;
  if (agent.state === "parked") agent.state = "idle";
}

export function forget(model: Model, now: number): void {
  const isOld = ({ state, settledAt, message }: ModelEntry) =>
    ["handled", "cancelled", "read"].includes(state) &&
    settledAt !== null &&
    settledAt <= now - keptMs &&
    message <= model.lastMessage - keptMessages;
  const forgotten = new Set(model.entries.filter(isOld).map(({ message }) => message));
  model.entries = model.entries.filter((entry) => !isOld(entry));
  const kept = new Set(model.entries.map(({ message }) => message));
  model.messages = model.messages.filter(({ id }) => kept.has(id) || !forgotten.has(id));
}
