/** The tables of turns and of their logs: each run of a coding agent, and what it did in it. */
import type { InboxEntry } from "../../contract/message.ts";
import type { Address, AgentName, EpochMs, LaunchId, MessageId, TurnId } from "../../contract/names.ts";
import { Evidence, type Outcome, type Turn, TurnMessage, type Usage } from "../../contract/turn.ts";
import { TurnLog } from "../../contract/turn-log.ts";
import type { Reader, Transaction } from "../database/write.ts";
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
  session: string | null;
  problem: string | null;
};

/** A message as a turn's record keeps it; how its delivery is now is looked up when somebody asks. */
export const HeldMessage = TurnMessage.omit({ now: true });
export type HeldMessage = Omit<TurnMessage, "now">;

const START = `INSERT INTO turns (id, agent, launch, trigger_message, trigger_from, message_count, started_at)
  VALUES (:id, :agent, :launch, :message, :from, :count, :now) RETURNING *`;
const FIND = "SELECT * FROM turns WHERE id = :id";
const RUNNING = "SELECT * FROM turns WHERE ended_at IS NULL ORDER BY started_at, id";
const NTH_NEWEST = `SELECT started_at FROM turns WHERE agent = :agent AND started_at > :since AND started_at <= :now
  ORDER BY started_at DESC LIMIT 1 OFFSET :before`;
const FINISH = `UPDATE turns SET ended_at = :now, outcome = :outcome, evidence = :evidence, problem = :problem,
    message_count = :count, messages = :messages, session = :session, model = :model, input_tokens = :inputTokens,
    cost_usd = :costUsd
  WHERE id = :id AND ended_at IS NULL RETURNING *`;
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
  usage: { model: row.model, inputTokens: row.input_tokens, costUsd: row.cost_usd },
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
  const trigger = { message: first?.message ?? null, from: first?.from ?? null, count: messages.length };
  const row = tx.get<Row>(START, { id, agent, launch, ...trigger, now });
  if (!row) throw new Error("a turn that was just written is not there");
  return toTurn(row);
}

export const findTurn = (reader: Reader, id: TurnId) => one(reader.get<Row>(FIND, { id }));

export const runningTurns = (reader: Reader): Turn[] => reader.all<Row>(RUNNING).map(toTurn);

export type Finished = {
  id: TurnId;
  outcome: Outcome;
  evidence: Evidence | null;
  problem: string | null;
  messages: HeldMessage[];
  session: string | null;
  usage: Usage;
};

/** Ends a running turn; undefined when it has ended already: the first report stands. */
export const finishTurn = (tx: Transaction, { evidence, messages, usage, ...end }: Finished, now: EpochMs) =>
  one(
    tx.get<Row>(FINISH, {
      ...end,
      ...usage,
      evidence: evidence && JSON.stringify(evidence),
      messages: JSON.stringify(messages),
      count: messages.length,
      now,
    }),
  );

/** When the `n`th newest turn of an agent began; undefined when it has had fewer since then. */
export const nthNewestStart = (
  reader: Reader,
  { agent, n, since, now }: { agent: AgentName; n: number; since: number; now: EpochMs },
) => reader.get<{ started_at: EpochMs }>(NTH_NEWEST, { agent, since, now, before: n - 1 })?.started_at;

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
