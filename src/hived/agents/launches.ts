/** The table of launches: each life of an agent's process. */
import type { AgentName, LaunchId, ObjectId } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";

export type LaunchRow = {
  id: LaunchId;
  agent: AgentName;
  /** the version that it runs */
  tree: ObjectId;
  started_at: number;
  ended_at: number | null;
  /** why the process ended by itself; null when it was ended, or went with its runner */
  problem: string | null;
};

const BEGIN = "INSERT INTO launches (id, agent, tree, started_at) VALUES (:id, :agent, :tree, :now)";
const FIND = "SELECT * FROM launches WHERE id = :id";
const ALIVE = "SELECT * FROM launches WHERE ended_at IS NULL ORDER BY agent, started_at, id";
const NEWEST_ENDED = `SELECT * FROM launches WHERE agent = :agent AND ended_at IS NOT NULL
  ORDER BY ended_at DESC, started_at DESC LIMIT :limit`;
const FORGET = `DELETE FROM launches WHERE id IN (
  SELECT id FROM launches WHERE ended_at IS NOT NULL AND ended_at <= :before ORDER BY ended_at LIMIT :limit)`;
const END = "UPDATE launches SET ended_at = :now, problem = :problem WHERE id = :id AND ended_at IS NULL";

export function beginLaunch(tx: Transaction, core: Core, launch: Pick<LaunchRow, "id" | "agent" | "tree">): void {
  tx.run(BEGIN, { ...launch, now: core.clock.now() });
}

export const findLaunch = (reader: Reader, id: LaunchId) => reader.get<LaunchRow>(FIND, { id });

/** Launches whose process may be alive, as far as anybody has told. */
export const aliveLaunches = (reader: Reader) => reader.all<LaunchRow>(ALIVE);

type EndedLaunch = LaunchRow & { ended_at: number };

/** More than these make no difference to anybody. */
const mostFalls = 12;

/**
 * How often in a row a version of an agent has lost its process, though nobody asked for that, within `shortLifeMs` of its
 * start; and the last time.
 */
export function fallsInARow(
  reader: Reader,
  agent: AgentName,
  tree: ObjectId,
  shortLifeMs: number,
): { count: number; last: EndedLaunch | undefined } {
  const newest = reader.all<EndedLaunch>(NEWEST_ENDED, { agent, limit: mostFalls });
  const isFall = (launch: EndedLaunch) =>
    launch.tree === tree && launch.problem !== null && launch.ended_at - launch.started_at < shortLifeMs;
  const end = newest.findIndex((launch) => !isFall(launch));
  const falls = end < 0 ? newest : newest.slice(0, end);
  return { count: falls.length, last: falls[0] };
}

/** Removes launches that ended before a time, oldest first. @returns how many */
export const forgetOldLaunches = (tx: Transaction, bite: { before: number; limit: number }): number =>
  tx.run(FORGET, bite).changes;

/** The first report of an end stands; `problem` says why the process ended by itself, and is null when it was ended. */
export function endLaunch(tx: Transaction, core: Core, id: LaunchId, problem: string | null): void {
  tx.run(END, { id, problem, now: core.clock.now() });
}
