/** Which turn an agent is in, and since when it is idle: read from what is leased and from the turns that have ended. */
import type { AgentName, EpochMs, TurnId } from "../../contract/names.ts";
import type { Reader } from "../database/write.ts";

/** Of an inbox entry: a turn holds it, not a client outside of a sandbox. */
export const isHeldByTurn = "inbox.state = 'leased' AND inbox.turn NOT IN (SELECT id FROM outside_leases)";

const RUNNING = `SELECT recipient AS agent, turn, min(leased_at) AS began_at FROM inbox WHERE ${isHeldByTurn} GROUP BY turn`;
const LAST_END = `SELECT ended_at FROM turns WHERE agent = :agent AND trigger_message IS NOT NULL
  ORDER BY started_at DESC LIMIT 1`;

type RunningTurn = { agent: AgentName; turn: TurnId; began_at: EpochMs };

/** The running turn of each agent that is in one. */
export const turnsByAgent = (reader: Reader): Map<AgentName, RunningTurn> =>
  new Map(reader.all<RunningTurn>(RUNNING).map((row) => [row.agent, row]));

/** When the newest of an agent's turns that messages began has ended; null when there is none. */
export const lastEndOf = (reader: Reader, agent: AgentName): EpochMs | null =>
  reader.get<{ ended_at: EpochMs }>(LAST_END, { agent })?.ended_at ?? null;
