/**
 * Starts an agent's process anew, for the operator or the manager: work `restart` ends the launch that there was when it was
 * asked for, after its running turn or at once; what is left to do is converge's.
 */
import { type AgentName, LaunchId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { type AgentRow, changeAgent, requireAgent } from "../agents/agents.ts";
import { findLaunch } from "../agents/launches.ts";
import { loseLaunch } from "../broker/adopt.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { noteIn } from "../events/note.ts";
import { addDeployment, newestDeployment } from "./deployments.ts";
import type { LifecycleParts } from "./parts.ts";
import { enqueueConverge } from "./wishes.ts";

export type Restarter = AgentName | "operator";

/**
 * @param now whether its running turn is cut off; its messages are then queued again
 * @returns a sentence about what happens now
 * @throws Refusal when it is not to run
 */
export const restartAgent = (
  core: Core,
  by: Restarter,
  { agent, now }: { agent: AgentName; now: boolean },
): Promise<string> =>
  core.db.write((tx) => {
    const row = requireWanted(tx, agent);
    noteIn(tx, core, `${named(by)} had ${agent} started anew.`);
    return endThenStart(tx, core, row, now);
  });

/** Makes an agent anew from what `main` wants; a version that failed is tried once more. As `restartAgent` otherwise. */
export const rebuildAgent = (core: Core, by: Restarter, agent: AgentName): Promise<string> =>
  core.db.write((tx) => {
    const row = requireWanted(tx, agent);
    noteIn(tx, core, `${named(by)} had ${agent} made anew from main.`);
    core.scheduler.enqueue(tx, "follow-main", "");
    const { wanted_commit: commit, wanted_tree: tree } = row;
    if (newestDeployment(tx, agent)?.state !== "failed" || !commit || !tree) return endThenStart(tx, core, row, false);
    addDeployment(tx, core, { agent, commit, tree, approvals: [] });
    enqueueConverge(tx, core, agent);
    return `The version of ${agent} that failed is tried once more; what runs goes on until it is ready.`;
  });

/** Work `restart`; the key names the launch, and whether it is to end at once. */
export async function restart({ core, runner, sockets }: LifecycleParts, key: string): Promise<void> {
  const [id, how] = key.split("/");
  const launch = LaunchId.parse(id);
  const isAlive = () => core.db.read((reader) => findLaunch(reader, launch))?.ended_at === null;
  if (!isAlive()) return;
  const { ended } = await runner.call("stopLaunch", { launch, now: how === "now" });
  if (!ended) return; // after its turn, which the runner then tells
  await sockets.close(launch);
  await core.db.write((tx) => {
    const row = findLaunch(tx, launch);
    if (row?.ended_at === null) loseLaunch(tx, core, row, null, (inTx, agent) => enqueueConverge(inTx, core, agent));
  });
}

function endThenStart(tx: Transaction, core: Core, { name, launch, turn, state }: AgentRow, now: boolean): string {
  if (launch === null) {
    enqueueConverge(tx, core, name);
    return `${name} has no process just now (it is ${state}): it gets one as soon as that can be.`;
  }
  core.scheduler.enqueue(tx, "restart", `${launch}${now ? "/now" : ""}`);
  const waits = turn !== null && !now;
  changeAgent(tx, core, name, {
    state: "converging",
    problem: waits ? "It is started anew after its running turn." : "It is started anew.",
  });
  return waits ? `${name} is started anew after its running turn.` : `${name} is started anew.`;
}

function requireWanted(tx: Transaction, agent: AgentName): AgentRow {
  const row = requireAgent(tx, agent);
  if (row.wish === "running") return row;
  throw new Refusal("not_wanted", `${agent} is ${row.wish}: it is not to run.`, "Ask the operator.");
}

const named = (by: Restarter): string => (by === "operator" ? "The operator" : by);
