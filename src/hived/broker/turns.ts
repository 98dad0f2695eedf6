/** The table of turns: each run of a coding agent. */
import type { AgentName, EpochMs, LaunchId, TurnId } from "../../contract/names.ts";
import { Evidence, type Outcome, type Turn } from "../../contract/turn.ts";
import type { Reader, Transaction } from "../database/write.ts";

type Row = {
  id: TurnId;
  agent: AgentName;
  launch: LaunchId;
  started_at: EpochMs;
  ended_at: EpochMs | null;
  outcome: Outcome | null;
  evidence: string | null;
  problem: string | null;
};

const START = `INSERT INTO turns (id, agent, launch, started_at)
  VALUES (:id, :agent, :launch, :now) RETURNING *`;
const FIND = "SELECT * FROM turns WHERE id = :id";
const RUNNING = "SELECT * FROM turns WHERE ended_at IS NULL ORDER BY started_at, id";
const NTH_NEWEST = `SELECT started_at FROM turns WHERE agent = :agent AND started_at > :since AND started_at <= :now
  ORDER BY started_at DESC LIMIT 1 OFFSET :before`;
const FINISH = `UPDATE turns SET ended_at = :now, outcome = :outcome, evidence = :evidence, problem = :problem
  WHERE id = :id AND ended_at IS NULL RETURNING *`;
const NEWEST = `SELECT * FROM (SELECT * FROM turns ORDER BY started_at DESC, id DESC LIMIT :limit)
  ORDER BY started_at, id`;

const toTurn = (row: Row): Turn => ({
  id: row.id,
  agent: row.agent,
  launch: row.launch,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  outcome: row.outcome,
  evidence: row.evidence === null ? null : Evidence.parse(JSON.parse(row.evidence)),
  problem: row.problem,
});
const one = (row: Row | undefined) => row && toTurn(row);

export function startTurn(
  tx: Transaction,
  turn: { id: TurnId; agent: AgentName; launch: LaunchId },
  now: EpochMs,
): Turn {
  const row = tx.get<Row>(START, { ...turn, now });
  if (!row) throw new Error("a turn that was just written is not there");
  return toTurn(row);
}

export const findTurn = (reader: Reader, id: TurnId) => one(reader.get<Row>(FIND, { id }));

export const runningTurns = (reader: Reader): Turn[] => reader.all<Row>(RUNNING).map(toTurn);

/** Ends a running turn; undefined when it has ended already: the first report stands. */
export const finishTurn = (
  tx: Transaction,
  end: { id: TurnId; outcome: Outcome; evidence: Evidence | null; problem: string | null },
  now: EpochMs,
) => one(tx.get<Row>(FINISH, { ...end, evidence: end.evidence && JSON.stringify(end.evidence), now }));

/** When the `n`th newest turn of an agent began; undefined when it has had fewer since then. */
export const nthNewestStart = (
  reader: Reader,
  { agent, n, since, now }: { agent: AgentName; n: number; since: number; now: EpochMs },
) => reader.get<{ started_at: EpochMs }>(NTH_NEWEST, { agent, since, now, before: n - 1 })?.started_at;

/** The newest turns, oldest first. */
export const newestTurns = (reader: Reader, limit: number): Turn[] => reader.all<Row>(NEWEST, { limit }).map(toTurn);
