/**
 * The tables of turns and of their logs: each run of a coding agent, and what it did in it. A turn gets its row when it ends;
 * while it runs, the entries that are leased to it tell of it.
 */
import type { InboxEntry } from "../../contract/message.ts";
import type { Address, AgentName, EpochMs, LaunchId, MessageId, TurnId } from "../../contract/names.ts";
import { byStart, Context, Evidence, type Outcome, type Turn, TurnMessage, type Usage } from "../../contract/turn.ts";
import { TurnLog } from "../../contract/turn-log.ts";
import type { Addition, Reader, Transaction } from "../database/write.ts";
import { type HeldEntry, heldByTurns } from "./inbox.ts";
import { keptLogs } from "./limits.ts";

type Row = {
  id: TurnId;
  agent: AgentName;
  launch: LaunchId;
  trigger_message: MessageId | null;
  trigger_from: Address | null;
  message_count: number;
  /** what it held at its end, as JSON; null in records from before this was kept */
  messages: string | null;
  started_at: EpochMs;
  ended_at: EpochMs;
  outcome: Outcome;
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
  columns:
    "id agent launch trigger_message trigger_from message_count messages started_at ended_at outcome evidence model input_tokens cost_usd context session problem".split(
      " ",
    ),
};
const FIND = "SELECT * FROM turns WHERE id = :id";
const STARTS = "SELECT started_at FROM turns WHERE agent = :agent AND started_at > :since ORDER BY started_at";
const NEWEST = `SELECT * FROM (SELECT * FROM turns ORDER BY started_at DESC, id DESC LIMIT :limit)
  ORDER BY started_at, id`;
const OF_AGENT = `SELECT * FROM turns WHERE agent = :agent AND (started_at, id) < (:at, :id)
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
  /** what it begins with, oldest first; of one that has gone on, also what `recv` fetched */
  held: HeldEntry[];
};

/** A turn that runs, and what it holds, oldest first. */
type Running = { turn: Turn; held: HeldEntry[] };

function begun({ id, agent, launch, held }: Started, startedAt: EpochMs): Running {
  const started = held.filter(({ mark }) => mark === null);
  const [first] = started;
  const turn: Turn = {
    id,
    agent,
    launch,
    trigger: first ? { message: first.message, from: first.from } : null,
    messages: started.length,
    startedAt,
    endedAt: null,
    outcome: null,
    evidence: null,
    usage: { model: null, inputTokens: null, costUsd: null },
    session: null,
    problem: null,
  };
  return { turn, held };
}

export function startTurn(tx: Transaction, started: Started, now: EpochMs): Turn {
  const starts = startsOf(tx, started.agent, now);
  starts.splice(starts.findLastIndex((at) => at <= now) + 1, 0, now); // one that is told late began before others
  const running = begun(started, now);
  runningOf(tx).set(started.id, running);
  return running.turn;
}

/** Those that run, in memory: each end of a turn looks for one. */
const runningOf = (reader: Reader): Map<TurnId, Running> =>
  reader.remember("running turns", () => {
    const held = Map.groupBy(heldByTurns(reader), ({ turn }) => turn);
    return new Map([...held].map(([id, entries]) => [id, leasedTo(id, entries)]));
  });

function leasedTo(id: TurnId, held: ReturnType<typeof heldByTurns>): Running {
  const [first] = held;
  if (!first) throw new Error(`turn ${id} holds nothing`);
  const beganAt = Math.min(...held.map(({ leasedAt }) => leasedAt ?? 0)) as EpochMs; // as `agents/in-turn` has it
  return begun({ id, agent: first.recipient as AgentName, launch: first.launch, held }, beganAt);
}

export const findTurn = (reader: Reader, id: TurnId): Turn | undefined =>
  runningOf(reader).get(id)?.turn ?? one(reader.get<Row>(FIND, { id }));

export const runningTurns = (reader: Reader): Turn[] => [...runningOf(reader).values()].map(({ turn }) => turn);

/** What a turn that runs holds: the list itself, which `recv` adds to. It may be read from the inbox: so before more is leased. */
export const heldIn = (reader: Reader, turn: TurnId): HeldEntry[] => runningOf(reader).get(turn)?.held ?? [];

export type Finished = {
  outcome: Outcome;
  evidence: Evidence | null;
  problem: string | null;
  messages: HeldMessage[];
  session: string | null;
  usage: Usage;
};

/** Ends a turn that runs, with its row. @returns it as it is now */
export function finishTurn(tx: Transaction, turn: Turn, { messages, ...end }: Finished, now: EpochMs): Turn {
  const { outcome, evidence, problem, session, usage } = end;
  const { id, agent, launch, trigger, startedAt } = turn;
  tx.add(TURNS, [
    ...[id, agent, launch, trigger?.message ?? null, trigger?.from ?? null, messages.length, JSON.stringify(messages)],
    ...[startedAt, now, outcome, evidence && JSON.stringify(evidence), usage.model, usage.inputTokens, usage.costUsd],
    ...[usage.context ? JSON.stringify(usage.context) : null, session, problem],
  ]);
  runningOf(tx).delete(id);
  return { ...turn, ...end, messages: messages.length, endedAt: now };
}

const hourMs = 60 * 60_000;

/** When the turns of the last hour began of an agent that is in none, in their order, in memory: each lease asks. */
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
export const newestTurns = (reader: Reader, limit: number): Turn[] =>
  [...reader.all<Row>(NEWEST, { limit }).map(toTurn), ...runningTurns(reader)].sort(byStart).slice(-limit);

/** An agent's turns, newest first; those older than `before`, where that is given. */
export function turnsOf(
  reader: Reader,
  { agent, before, limit }: { agent: AgentName; before: TurnId | null; limit: number },
): Turn[] {
  const start = before === null ? undefined : findTurn(reader, before);
  if (before !== null && !start) return [];
  const ended = reader
    .all<Row>(OF_AGENT, { agent, limit, at: start?.startedAt ?? 9e15, id: before ?? "~" })
    .map(toTurn);
  const running = runningTurns(reader).filter((turn) => turn.agent === agent && (!start || byStart(turn, start) < 0));
  return [...ended, ...running].sort(byStart).reverse().slice(0, limit);
}

/** The turns of an agent whose id begins so; two are enough to know that it is not one. */
export const turnsBeginningWith = (reader: Reader, agent: AgentName, beginning: string): Turn[] => [
  ...runningTurns(reader).filter((turn) => turn.agent === agent && turn.id.startsWith(beginning)),
  ...reader.all<Row>(BEGINNING_WITH, { agent, from: beginning, to: `${beginning}~` }).map(toTurn),
];

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
