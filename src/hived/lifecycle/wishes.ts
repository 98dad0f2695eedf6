/** What is wanted of an agent: written here, made so by converge. */
import { AgentName } from "../../contract/names.ts";
import { addAgent, changeAgent, findAgent } from "../agents/agents.ts";
import { revokeMcpTokensOf } from "../agents/mcp-tokens.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { addApprovals, addDeployment, newestDeployment, supersede } from "./deployments.ts";
import type { Version } from "./parts.ts";

/** Asks for a run of converge(agent); cheap, and only one is ever waiting. */
export const enqueueConverge = (tx: Transaction, core: Core, agent: AgentName) =>
  core.scheduler.enqueue(tx, "converge", agent);

/** A deployment as the key of work, and back. */
const deploymentKey = (agent: AgentName, number: number) => `${agent}/${number}`;
export function parseDeploymentKey(key: string): [agent: AgentName, number: number] {
  const [agent, number] = key.split("/");
  return [AgentName.parse(agent), Number(number)];
}

/** Asks that the forge, the submitters and the agent be told how a deployment ended. */
export const enqueueTelling = (tx: Transaction, core: Core, agent: AgentName, number: number) =>
  core.scheduler.enqueue(tx, "tell-deployment", deploymentKey(agent, number));

/**
 * `main` has this version of an agent. A new version begins a deployment; pull requests that brought nothing new are
 * settled by the deployment that is there.
 */
export function wantVersion(
  tx: Transaction,
  core: Core,
  agent: AgentName,
  version: Version,
  approvals: number[],
): void {
  const row = findAgent(tx, agent);
  const wanted = {
    wish: "running" as const,
    wanted_tree: version.tree,
    wanted_commit: version.commit,
    difference: null,
  };
  const newest = newestDeployment(tx, agent);
  if (row?.wish === "running" && row.wanted_tree === version.tree && newest) {
    if (approvals.length === 0) return;
    addApprovals(tx, newest, approvals);
    if (newest.state !== "converging") enqueueTelling(tx, core, agent, newest.number);
    return;
  }
  // The role is known once the version's agent.yaml has been read.
  if (row) changeAgent(tx, core, agent, wanted);
  else addAgent(tx, core, { name: agent, role: "worker", ...wanted });
  addDeployment(tx, core, { agent, ...version, approvals });
  enqueueConverge(tx, core, agent);
}

/** `main` has the agent's directory no more. Its state is kept; a version that is on its way comes no more. */
export function wantDestroyed(tx: Transaction, core: Core, agent: AgentName): void {
  supersede(tx, agent);
  revokeMcpTokensOf(tx, agent);
  changeAgent(tx, core, agent, { wish: "destroyed", difference: null });
  enqueueConverge(tx, core, agent);
}
