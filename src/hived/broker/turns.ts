/** The tables of turns and of their logs: each run of a coding agent, and what it did in it. */
import type { InboxEntry } from "../../contract/message.ts";
import type { Address, AgentName, EpochMs, LaunchId, MessageId, TurnId } from "../../contract/names.ts";
import { Context, Evidence, type Outcome, type Turn, TurnMessage, type Usage } from "../../contract/turn.ts";
import { TurnLog } from "../../contract/turn-log.ts";
import type { Addition, Reader, Transaction } from "../database/write.ts";
import { keptLogs } from "./limits.ts";

type Row = {
  id: TurnId;
  agent: AgentName;
  launch: LaunchId;
  trigger_message: MessageId | null;
  trigger_from: Address | null;
  message_count: number;
  /** what it held at its end, as JSON; null while it runs */
  messages: string | null;
  started_at: EpochMs;
  ended_at: EpochMs | null;
  outcome: Outcome | null;
  evidence: string | null;
  model: string | null;
  input_tokens: number | null;
  cost_usd: number | null;
  context: string | null;
  session: string | null;
  problem: string | null;
};

/** A message as a turn's record keeps it; how its delivery is now is looked up when somebody asks. */
export const HeldMessage = TurnMessage.omit({ now: true });
export type HeldMessage = Omit<TurnMessage, "now">;

const TURNS: Addition = {
  table: "turns",
  columns: ["id", "agent", "launch", "trigger_message", "trigger_from", "message_count", "started_at"],
};
const FIND = "SELECT * FROM turns WHERE id = :id";
const RUNNING = "SELECT * FROM turns WHERE ended_at IS NULL ORDER BY started_at, id";
const STARTS = "SELECT started_at FROM turns WHERE agent = :agent AND started_at > :since ORDER BY started_at";
const FINISH = `UPDATE turns SET ended_at = :now, outcome = :outcome, evidence = :evidence, problem = :problem,
    message_count = :count, messages = :messages, session = :session, model = :model, input_tokens = :inputTokens,
    cost_usd = :costUsd, context = :context
  WHERE id = :id`;
const NEWEST = `SELECT * FROM (SELECT * FROM turns ORDER BY started_at DESC, id DESC LIMIT :limit)
  ORDER BY started_at, id`;
const OF_AGENT = "SELECT * FROM turns WHERE agent = :agent ORDER BY started_at DESC, id DESC LIMIT :limit";
const OF_AGENT_BEFORE = `SELECT * FROM turns
  WHERE agent = :agent AND (started_at, id) < (SELECT started_at, id FROM turns WHERE id = :before)
  ORDER BY started_at DESC, id DESC LIMIT :limit`;
// The plus keeps the agent's index out: few ids begin so, and many turns are the agent's.
const BEGINNING_WITH = "SELECT * FROM turns WHERE id >= :from AND id < :to AND +agent = :agent LIMIT 2";
const ADD_LOG = "INSERT INTO turn_logs (turn, log) VALUES (:turn, :log)";
const FORGET_LOG = "DELETE FROM turn_logs WHERE id <= :upTo";
const FIND_LOG = "SELECT log FROM turn_logs WHERE turn = :turn";
// A record stays as long as a delivery names it: so whatever was handled can be traced to the turn that did it.
const FORGET = `DELETE FROM turns WHERE id IN (
    SELECT id FROM turns WHERE started_at <= :before AND ended_at <= :before
      AND started_at < (SELECT min(started_at) FROM (SELECT started_at FROM turns ORDER BY started_at DESC LIMIT :newest))
      AND NOT EXISTS (SELECT 1 FROM json_each(coalesce(turns.messages, '[]')) AS held
        JOIN inbox ON inbox.id = held.value ->> 'entry' AND inbox.turn = turns.id)
    ORDER BY started_at LIMIT :limit)
  RETURNING id`;
const FORGET_LOG_OF = "DELETE FROM turn_logs WHERE turn = :turn";

const toTurn = (row: Row): Turn => ({
  id: row.id,
  agent: row.agent,
  launch: row.launch,
  trigger:
    row.trigger_message === null || row.trigger_from === null
      ? null
      : { message: row.trigger_message, from: row.trigger_from },
  messages: row.message_count,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  outcome: row.outcome,
  evidence: row.evidence === null ? null : Evidence.parse(JSON.parse(row.evidence)),
  usage: {
    ...{ model: row.model, inputTokens: row.input_tokens, costUsd: row.cost_usd },
    ...(row.context !== null && { context: Context.parse(JSON.parse(row.context)) }),
  },
  session: row.session,
  problem: row.problem,
});
const one = (row: Row | undefined) => row && toTurn(row);

type Started = {
  id: TurnId;
  agent: AgentName;
  launch: LaunchId;
  /** the messages that it begins with, oldest first */
  messages: readonly { message: MessageId; from: Address }[];
};

export function startTurn(tx: Transaction, { id, agent, launch, messages }: Started, now: EpochMs): Turn {
  const [first] = messages;
  startsOf(tx, agent, now).push(now); // which may be read from the table: so before the row is added
  tx.add(TURNS, [id, agent, launch, first?.message ?? null, first?.from ?? null, messages.length, now]);
  const turn: Turn = {
    id,
    agent,
    launch,
    trigger: first ? { message: first.message, from: first.from } : null,
    messages: messages.length,
    startedAt: now,
    endedAt: null,
    outcome: null,
    evidence: null,
    usage: { model: null, inputTokens: null, costUsd: null },
    session: null,
    problem: null,
  };
  runningOf(tx).set(id, turn);
  return turn;
}

/** Those that run, in memory: each end of a turn looks for one. */
const runningOf = (reader: Reader): Map<TurnId, Turn> =>
  reader.remember("running turns", () => new Map(reader.all<Row>(RUNNING).map((row) => [row.id, toTurn(row)])));

export const findTurn = (reader: Reader, id: TurnId): Turn | undefined =>
  runningOf(reader).get(id) ?? one(reader.get<Row>(FIND, { id }));

export const runningTurns = (reader: Reader): Turn[] => [...runningOf(reader).values()];

export type Finished = {
  outcome: Outcome;
  evidence: Evidence | null;
  problem: string | null;
  messages: HeldMessage[];
  session: string | null;
  usage: Usage;
};

/** Ends a turn that runs. @returns its row as it is now */
export function finishTurn(tx: Transaction, turn: Turn, { messages, ...end }: Finished, now: EpochMs): Turn {
  const { outcome, evidence, problem, session, usage } = end;
  tx.run(FINISH, {
    id: turn.id,
    outcome,
    problem,
    session,
    ...usage,
    context: usage.context ? JSON.stringify(usage.context) : null,
    evidence: evidence && JSON.stringify(evidence),
    messages: JSON.stringify(messages),
    count: messages.length,
    now,
  });
  runningOf(tx).delete(turn.id);
  return { ...turn, ...end, messages: messages.length, endedAt: now };
}

const hourMs = 60 * 60_000;

/** When an agent's turns of the last hour began, in their order, in memory: each lease asks. */
function startsOf(reader: Reader, agent: AgentName, now: EpochMs): EpochMs[] {
  const since = now - hourMs;
  const starts = reader.remember(`starts of ${agent}`, () =>
    reader.all<{ started_at: EpochMs }>(STARTS, { agent, since }).map(({ started_at }) => started_at),
  );
  while (starts[0] !== undefined && starts[0] <= since) starts.shift();
  return starts;
}

/** Until when an agent has had `most` turns within an hour; null while it may have another. */
export function hourSpentUntil(reader: Reader, agent: AgentName, most: number, now: EpochMs): EpochMs | null {
  const starts = startsOf(reader, agent, now);
  if (starts.length < most) return null;
  const began = starts.filter((at) => at <= now).at(-most); // a clock that is set back must hold nothing up
  return began === undefined ? null : ((began + hourMs) as EpochMs);
}

/** The newest turns, oldest first. */
export const newestTurns = (reader: Reader, limit: number): Turn[] => reader.all<Row>(NEWEST, { limit }).map(toTurn);

/** An agent's turns, newest first; those older than `before`, where that is given. */
export const turnsOf = (
  reader: Reader,
  { agent, before, limit }: { agent: AgentName; before: TurnId | null; limit: number },
): Turn[] =>
  (before === null
    ? reader.all<Row>(OF_AGENT, { agent, limit })
    : reader.all<Row>(OF_AGENT_BEFORE, { agent, before, limit })
  ).map(toTurn);

/** The turns of an agent whose id begins so; two are enough to know that it is not one. */
export const turnsBeginningWith = (reader: Reader, agent: AgentName, beginning: string): Turn[] =>
  reader.all<Row>(BEGINNING_WITH, { agent, from: beginning, to: `${beginning}~` }).map(toTurn);

/** What an ended turn held; undefined while it runs, and in records from before this was kept. */
export function heldAtEnd(reader: Reader, turn: TurnId): HeldMessage[] | undefined {
  const messages = reader.get<Row>(FIND, { id: turn })?.messages ?? null;
  return messages === null ? undefined : HeldMessage.array().parse(JSON.parse(messages));
}

export const toHeld = ({ id, message, state }: InboxEntry, from: Address, mark: number | null): HeldMessage => ({
  entry: id,
  message,
  from,
  isTrigger: mark === null,
  became: state,
});

/** Keeps a turn's log, and the newest of all of them. */
export function addLog(tx: Transaction, turn: TurnId, log: TurnLog): void {
  const { id } = tx.run(ADD_LOG, { turn, log: JSON.stringify(log) });
  tx.run(FORGET_LOG, { upTo: id - keptLogs }); // one, as for the log before it: never a pause
}

export function findLog(reader: Reader, turn: TurnId): TurnLog | null {
  const row = reader.get<{ log: string }>(FIND_LOG, { turn });
  return row ? TurnLog.parse(JSON.parse(row.log)) : null;
}

/**
 * Removes records of turns that ended before a time, oldest first, with their logs; none of the `newest` ones of all.
 * @returns how many
 */
export function forgetOldTurns(tx: Transaction, bite: { before: number; newest: number; limit: number }): number {
  const forgotten = tx.all<{ id: TurnId }>(FORGET, bite);
  for (const { id } of forgotten) tx.run(FORGET_LOG_OF, { turn: id });
  return forgotten.length;
}
