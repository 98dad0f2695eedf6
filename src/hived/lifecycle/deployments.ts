/**
 * The table of deployments: each move of an agent to another version.
 * converging → ready | failed; converging → superseded when `main` moved on meanwhile.
 */
import type { AgentName, EpochMs, ObjectId } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";

export type Deployment = {
  agent: AgentName;
  /** counts up from 1 per agent */
  number: number;
  /** the commit of `main`, and the git tree of the agent's directory in it */
  commit: ObjectId;
  tree: ObjectId;
  /** merged pull requests that it settles */
  approvals: number[];
  state: "converging" | "ready" | "failed" | "superseded";
  problem: string | null;
  /** when it began */
  at: EpochMs;
  /** its tag, statuses and messages are out */
  isTold: boolean;
};

type Stored = Omit<Deployment, "commit" | "approvals" | "isTold"> & {
  commit_id: ObjectId;
  approvals: string;
  told: number;
};

const NEWEST = "SELECT * FROM deployments WHERE agent = :agent ORDER BY number DESC LIMIT :limit";
const LAST_READY = "SELECT * FROM deployments WHERE agent = :agent AND state = 'ready' ORDER BY number DESC LIMIT 1";
const FIND = "SELECT * FROM deployments WHERE agent = :agent AND number = :number";
const SUPERSEDE = "UPDATE deployments SET state = 'superseded' WHERE agent = :agent AND state = 'converging'";
const ADD = `INSERT INTO deployments (agent, number, commit_id, tree, approvals, state, at)
  VALUES (:agent, :number, :commit, :tree, :approvals, 'converging', :now)`;
const END =
  "UPDATE deployments SET state = :state, problem = :problem WHERE agent = :agent AND number = :number AND state = 'converging'";
const SETTLE = "UPDATE deployments SET approvals = :approvals, told = 0 WHERE agent = :agent AND number = :number";
const TOLD = "UPDATE deployments SET told = 1 WHERE agent = :agent AND number = :number AND approvals = :approvals";

const fromStored = ({ commit_id, approvals, told, ...rest }: Stored): Deployment => ({
  ...rest,
  commit: commit_id,
  approvals: JSON.parse(approvals),
  isTold: told === 1,
});

const one = (row: Stored | undefined) => row && fromStored(row);

export const newestDeployments = (reader: Reader, agent: AgentName, limit: number): Deployment[] =>
  reader.all<Stored>(NEWEST, { agent, limit }).map(fromStored);

export const newestDeployment = (reader: Reader, agent: AgentName): Deployment | undefined =>
  newestDeployments(reader, agent, 1)[0];

/** The version that ran last, and runs on when a newer one fails. */
export const lastReadyDeployment = (reader: Reader, agent: AgentName) => one(reader.get<Stored>(LAST_READY, { agent }));

export const findDeployment = (reader: Reader, agent: AgentName, number: number) =>
  one(reader.get<Stored>(FIND, { agent, number }));

/** Begins a move; what an unfinished one was to settle, this one settles. */
export function addDeployment(
  tx: Transaction,
  core: Core,
  wanted: Pick<Deployment, "agent" | "commit" | "tree" | "approvals">,
): number {
  const newest = newestDeployment(tx, wanted.agent);
  const carried = newest?.state === "converging" ? newest.approvals : [];
  const number = (newest?.number ?? 0) + 1;
  supersede(tx, wanted.agent);
  tx.run(ADD, {
    ...wanted,
    number,
    approvals: JSON.stringify([...new Set([...carried, ...wanted.approvals])]),
    now: core.clock.now(),
  });
  return number;
}

/** Ends an unfinished move, which nobody is told of: `main` has moved on. */
export function supersede(tx: Transaction, agent: AgentName): void {
  tx.run(SUPERSEDE, { agent });
}

/** Lets a deployment settle further pull requests, which brought nothing that it does not have. */
export function addApprovals(tx: Transaction, deployment: Deployment, approvals: number[]): void {
  const all = [...new Set([...deployment.approvals, ...approvals])];
  tx.run(SETTLE, { agent: deployment.agent, number: deployment.number, approvals: JSON.stringify(all) });
}

export function endDeployment(
  tx: Transaction,
  deployment: Pick<Deployment, "agent" | "number">,
  state: "ready" | "failed",
  problem: string | null,
): void {
  tx.run(END, { agent: deployment.agent, number: deployment.number, state, problem });
}

/** False when it has been given more to settle meanwhile: then those are to be told too. */
export function markTold(tx: Transaction, deployment: Deployment): boolean {
  const { agent, number } = deployment;
  return tx.run(TOLD, { agent, number, approvals: JSON.stringify(deployment.approvals) }).changes > 0;
}
