/** Folds facts into the state of the hive: the same on the page, in hived's snapshot and in the test. */
import { z } from "zod";
import { Agent } from "./agent.ts";
import { Approval } from "./approval.ts";
import { type Event, ForgeHealth, WorkTrouble } from "./facts.ts";
import { entriesOf, InboxEntry, Message } from "./message.ts";
import { EpochMs, Sequence } from "./names.ts";
import { Pair } from "./pair.ts";
import { Question } from "./question.ts";
import { ThreadPage } from "./thread.ts";
import { byStart, Turn } from "./turn.ts";

const Note = z.object({ sequence: Sequence, at: EpochMs, text: z.string() });

/** How many of the newest rows the state holds of what grows without bound; older ones are looked up when asked for. */
export const stateLimits = { messages: 200, turns: 100, approvals: 100, questions: 100, notes: 50 } as const;

/** All that the front page shows, each list newest last, and the place in the event log that it stands for. */
export const HiveState = z.object({
  sequence: Sequence,
  forge: ForgeHealth.nullable(),
  agents: z.array(Agent),
  messages: z.array(Message),
  /** the entries of those messages */
  entries: z.array(InboxEntry),
  /** the pairs of agents that rest from each other */
  restingPairs: z.array(Pair),
  turns: z.array(Turn),
  approvals: z.array(Approval),
  questions: z.array(Question),
  /** open threads by agent */
  threads: z.record(z.string(), ThreadPage),
  troubles: z.array(WorkTrouble),
  notes: z.array(Note),
});
export type HiveState = z.infer<typeof HiveState>;

export const emptyState: HiveState = {
  sequence: Sequence.parse(0),
  forge: null,
  agents: [],
  messages: [],
  entries: [],
  restingPairs: [],
  turns: [],
  approvals: [],
  questions: [],
  threads: {},
  troubles: [],
  notes: [],
};

/** The state after an event; the state before it is left as it was. */
export function fold(state: HiveState, event: Event): HiveState {
  return { ...apply(state, event), sequence: event.sequence };
}

function apply(state: HiveState, { fact, sequence, at }: Event): HiveState {
  switch (fact.kind) {
    case "AgentChanged":
      return { ...state, agents: put(state.agents, fact.agent, (agent) => agent.name).sort(byName) };
    case "MessageSent":
      return trimMessages({
        ...state,
        messages: put(state.messages, fact.message, (message) => message.id),
        entries: [...state.entries, ...(fact.queued ? entriesOf(fact.message, fact.queued) : [])],
      });
    case "EntryChanged":
      return trimMessages({ ...state, entries: put(state.entries, fact.entry, (entry) => entry.id) });
    case "PairChanged":
      return { ...state, restingPairs: resting(state.restingPairs, fact.pair) };
    case "TurnStarted":
    case "TurnEnded":
      return {
        ...state,
        agents: state.agents.map((agent) => (agent.name === fact.turn.agent ? afterTurn(agent, fact.turn) : agent)),
        turns: newest(put(state.turns, fact.turn, (turn) => turn.id).sort(byStart), stateLimits.turns),
      };
    case "ApprovalChanged":
      return { ...state, approvals: newest(ranked(state.approvals, fact.approval, byNumber), stateLimits.approvals) };
    case "QuestionChanged":
      return { ...state, questions: newest(ranked(state.questions, fact.question, byId), stateLimits.questions) };
    case "ThreadsChanged":
      return { ...state, threads: { ...state.threads, [fact.agent]: fact.page } };
    case "ForgeChanged":
      return { ...state, forge: fact.forge };
    case "WorkTroubled":
      return { ...state, troubles: ranked(state.troubles, fact.work, byId) };
    case "WorkRecovered":
      return { ...state, troubles: state.troubles.filter((work) => work.id !== fact.id) };
    case "Note":
      return { ...state, notes: newest([...state.notes, { sequence, at, text: fact.text }], stateLimits.notes) };
  }
}

/** An agent as a turn's beginning or end leaves it; an end that brings more than that is followed by an event of the agent. */
function afterTurn(agent: Agent, { id, startedAt, endedAt }: Turn): Agent {
  if (endedAt === null) return { ...agent, turn: id, ...(agent.state === "idle" && working(startedAt)) };
  if (agent.turn !== id) return agent; // of one that the agent had begun by itself
  return { ...agent, turn: null, ...(agent.state === "working" && { state: "idle" as const, since: endedAt }) };
}

const working = (since: EpochMs) => ({ state: "working" as const, since });

const byId = (row: { id: number }) => row.id;
const byNumber = (row: { number: number }) => row.number;
const byName = (a: Agent, b: Agent) => (a.name < b.name ? -1 : 1);

/** The list with the row in the place of the one with the same key, else at its end. */
function put<Row, Key>(rows: readonly Row[], row: Row, key: (row: Row) => Key): Row[] {
  const at = rows.findIndex((other) => key(other) === key(row));
  return at < 0 ? [...rows, row] : rows.with(at, row);
}

/** The same in the order of the key: so an old row that changes is not taken for a new one, and a snapshot is alike. */
function ranked<Row>(rows: readonly Row[], row: Row, key: (row: Row) => number): Row[] {
  return put(rows, row, key).sort((a, b) => key(a) - key(b));
}

function resting(pairs: readonly Pair[], pair: Pair): Pair[] {
  const others = pairs.filter(({ one, other }) => one !== pair.one || other !== pair.other);
  const key = ({ one, other }: Pair) => `${one} ${other}`; // a blank sorts before whatever a name has
  return pair.restsUntil === null ? others : [...others, pair].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function newest<Row>(rows: Row[], limit: number): Row[] {
  return rows.slice(-limit);
}

/** Keeps the newest messages, and no entry whose message is gone. */
function trimMessages(state: HiveState): HiveState {
  const messages = newest(state.messages, stateLimits.messages);
  const oldest = messages[0]?.id ?? 0;
  return { ...state, messages, entries: state.entries.filter((entry) => entry.message >= oldest) };
}
