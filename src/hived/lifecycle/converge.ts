/**
 * Work `converge`: brings one agent from whatever is to what is wanted. Each step looks at the rows and at the runner
 * first, so that it may be cut off at any line and run again.
 *
 *   wanted version ≠ running version, or no process → prepare → stop the old launch → start the new one → idle
 *   the wanted version cannot be started → its deployment has failed, and the version before it goes on running
 */
import { Fault } from "../../contract/fault.ts";
import type { AgentName, EpochMs, LaunchId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { backoffMs } from "../../daemon/fault.ts";
import type { AgentConfig } from "../agents/agent-yaml.ts";
import { type AgentRow, changeAgent, requireAgent } from "../agents/agents.ts";
import { beginLaunch, endLaunch, fallsInARow, findLaunch } from "../agents/launches.ts";
import { loseLaunch } from "../broker/adopt.ts";
import { releaseTurn } from "../broker/end-turn.ts";
import { newLaunchId } from "../core.ts";
import { emailOf } from "../forge/addresses.ts";
import { specFor } from "../runtimes/choose.ts";
import { secretsFor } from "../runtimes/secrets.ts";
import { type Deployment, endDeployment, lastReadyDeployment, newestDeployment } from "./deployments.ts";
import type { LifecycleParts } from "./parts.ts";
import { prepareVersion } from "./prepare.ts";
import { enqueueConverge, enqueueTelling } from "./wishes.ts";

/** @returns when to go on, for an agent whose process has ended again and again soon after its start */
export async function converge(parts: LifecycleParts, agent: AgentName): Promise<{ again: EpochMs } | undefined> {
  const row = parts.core.db.read((reader) => requireAgent(reader, agent));
  if (row.wish !== "running") return done(stop(parts, row));
  const target = parts.core.db.read((reader) => targetOf(reader, agent));
  if (!target) return done(fail(parts, agent, "No version of it has ever run."));
  const isThere = row.launch !== null && row.running_tree === target.tree && row.state !== "converging";
  // A deployment of what runs already, after a revert, still has to end.
  if (isThere && target.state !== "converging") return undefined;
  const rest = await restAfterFalls(parts, row, target);
  if (rest) return rest;
  try {
    await moveTo(parts, row, target);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await giveUp(parts, agent, target, `${error.message} ${error.next}`);
  }
  return undefined;
}

const done = async (work: Promise<void>): Promise<undefined> => {
  await work;
};

/** After a life of this much, opening included, an end is no sign of a program that can't live. */
const shortLifeMs = 120_000;
const longestRestMs = 5 * 60_000;

/**
 * A process that ends soon after each start is not started again at once, for ever: one second later after the first time,
 * then twice as long each time. Another version starts at once.
 */
async function restAfterFalls(
  { core }: LifecycleParts,
  row: AgentRow,
  target: Deployment,
): Promise<{ again: EpochMs } | undefined> {
  if (row.launch !== null || row.state !== "converging") return undefined;
  const { count, last } = core.db.read((reader) => fallsInARow(reader, row.name, target.tree, shortLifeMs));
  if (!last) return undefined;
  const again = (last.ended_at + backoffMs(count + 1, longestRestMs)) as EpochMs;
  if (again <= core.clock.now()) return undefined;
  const times = count === 1 ? "once" : `${count} times in a row`;
  const problem = `${last.problem} That was ${times} soon after its start; the next try is at ${new Date(again).toISOString()}.`;
  await core.db.write((tx) => changeAgent(tx, core, row.name, { problem }));
  return { again };
}

/** The newest version, or when that has failed the one that ran before it. */
function targetOf(reader: Parameters<typeof newestDeployment>[0], agent: AgentName): Deployment | undefined {
  const newest = newestDeployment(reader, agent);
  return newest?.state === "failed" ? lastReadyDeployment(reader, agent) : newest;
}

async function moveTo(parts: LifecycleParts, row: AgentRow, target: Deployment): Promise<void> {
  const { core } = parts;
  const config = await prepareVersion(parts, row.name, target);
  const alive = row.launch && core.db.read((reader) => findLaunch(reader, row.launch as LaunchId));
  if (alive && alive.tree !== target.tree && !(await endCurrent(parts, row.name, alive.id))) return;
  const launch = alive && alive.tree === target.tree ? alive.id : newLaunchId();
  if (launch !== row.launch) {
    await core.db.write((tx) => {
      beginLaunch(tx, core, { id: launch, agent: row.name, tree: target.tree });
      changeAgent(tx, core, row.name, { launch, state: "converging", problem: null, role: config.role });
    });
  }
  const { spec, session } = await start(parts, { ...row, role: config.role }, target, launch, config);
  await core.db.write((tx) => {
    const now = requireAgent(tx, row.name);
    if (now.launch !== launch) throw new Fault(`the process of ${row.name} has ended again`); // a report came first
    changeAgent(tx, core, row.name, {
      role: config.role,
      config: JSON.stringify(config),
      running_tree: target.tree,
      deployment: target.number,
      runtime: spec.runtime,
      session,
      state: now.turn ? "working" : "idle",
      problem: null,
      ...(now.wanted_tree === target.tree && { difference: null }),
    });
    if (target.state !== "converging") return;
    endDeployment(tx, target, "ready", null);
    enqueueTelling(tx, core, row.name, target.number);
  });
}

async function start(parts: LifecycleParts, row: AgentRow, target: Deployment, launch: LaunchId, config: AgentConfig) {
  await parts.sockets.open(launch, row.name);
  const agent = { name: row.name, role: row.role, session: row.session, config, tree: target.tree };
  const place = parts.runner.place();
  const spec = specFor(agent, place, launch, { url: parts.forgeUrl });
  const token = parts.tokens.read(row.name);
  if (!token) throw new Error(`${row.name} was prepared, but has no forge token`);
  const secrets = secretsFor(row.name, { url: parts.forgeUrl, token, email: emailOf(parts.core, row.name) }, place);
  const { session } = await parts.runner.call("launch", { launch, agent: row.name, tree: target.tree, spec, secrets });
  return { spec, session };
}

/**
 * Ends a launch, after its running turn.
 * @returns false while that turn runs, which may be long: the report of its end asks for this work again
 */
async function endCurrent(parts: LifecycleParts, agent: AgentName, launch: LaunchId): Promise<boolean> {
  const { core } = parts;
  await core.db.write((tx) => {
    const { turn } = requireAgent(tx, agent);
    changeAgent(tx, core, agent, { state: "converging", problem: turn ? "It stops after its running turn." : null });
  });
  const { ended } = await parts.runner.call("stopLaunch", { launch, now: false });
  if (!ended) return false;
  await parts.sockets.close(launch);
  await core.db.write((tx) => {
    const row = findLaunch(tx, launch);
    if (row) loseLaunch(tx, core, row, null, () => undefined); // we go on by ourselves
  });
  return true;
}

/**
 * A version that cannot be started: told as failed when it is new, while what runs is left alone and what ran is started
 * again; one that ran before is tried again, for ever.
 */
async function giveUp(parts: LifecycleParts, agent: AgentName, target: Deployment, problem: string): Promise<void> {
  const { core } = parts;
  const ended = await core.db.write((tx) => {
    const { launch, turn, state } = requireAgent(tx, agent);
    const isOfTarget = launch !== null && findLaunch(tx, launch)?.tree === target.tree;
    if (target.state === "converging") {
      endDeployment(tx, target, "failed", problem);
      enqueueTelling(tx, core, agent, target.number);
      if (lastReadyDeployment(tx, agent)) changeAgent(tx, core, agent, { difference: differenceOf(target, problem) });
    }
    if (launch && !isOfTarget) {
      if (state === "converging") changeAgent(tx, core, agent, { state: turn ? "working" : "idle", problem: null });
      return null;
    }
    if (turn) releaseTurn(tx, core, turn, problem);
    if (launch) endLaunch(tx, core, launch, problem);
    changeAgent(tx, core, agent, { launch: null, turn: null, state: "failed", problem });
    if (target.state === "converging" && lastReadyDeployment(tx, agent)) enqueueConverge(tx, core, agent);
    return launch;
  });
  if (ended) await parts.sockets.close(ended);
  if (target.state !== "converging") throw new Fault(problem);
}

async function stop(parts: LifecycleParts, row: AgentRow): Promise<void> {
  if (row.launch && !(await endCurrent(parts, row.name, row.launch))) return;
  await parts.core.db.write((tx) => changeAgent(tx, parts.core, row.name, { state: "stopped", problem: null }));
  if (row.wish !== "destroyed") return;
  await parts.retireAgent(row.name);
  await parts.tellDestroyed(row.name);
}

const fail = (parts: LifecycleParts, agent: AgentName, problem: string): Promise<void> =>
  parts.core.db.write((tx) => {
    const before = requireAgent(tx, agent);
    changeAgent(tx, parts.core, agent, { state: "failed", problem: before.problem ?? problem });
  });

/** What stays visible until `main` wants another version. */
const differenceOf = ({ number }: Deployment, problem: string): string =>
  `Version ${number}, which main wants, is not what runs. ${problem}`;
