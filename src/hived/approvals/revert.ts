/**
 * Puts an agent's directory on `main` back to the version that runs: the operator's click, in one pull request of the bot's
 * that the operator's token approves. From there on it is followed like any other, and ends in a deployment of its own.
 */
import type { AgentName, ObjectId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { type AgentRow, requireAgent } from "../agents/agents.ts";
import type { Reader } from "../database/write.ts";
import type { Pull } from "../forge/client.ts";
import { agentsRepo, bot } from "../forge/plan.ts";
import { type Deployment, lastReadyDeployment } from "../lifecycle/deployments.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { findApproval } from "./approvals.ts";
import { approveHead, ringApproval } from "./operator.ts";
import { openScratch, type ScratchParts } from "./scratch.ts";

type Parts = ScratchParts & Pick<LifecycleParts, "forge">;

/** Asks for it; found done when it is under way. @throws Refusal when main has the version that runs, or none has ever run */
export const askForRevert = ({ core }: Pick<Parts, "core">, name: AgentName): Promise<void> =>
  core.db.write((tx) => {
    const agent = requireAgent(tx, name);
    if (!lastReadyDeployment(tx, name))
      throw new Refusal("never_ran", `No version of ${name} has ever run.`, "Push one to main that can be started.");
    if (agent.wish === "destroyed")
      throw new Refusal("destroyed", `main has no ${name} any more.`, "Propose it anew if it is still wanted.");
    if (!whatRuns(tx, agent))
      throw new Refusal("no_difference", `${name} runs the version that main wants.`, "There is nothing to revert.");
    core.scheduler.enqueue(tx, "revert", name);
  });

/** The version to go back to; undefined where main wants nothing else. */
function whatRuns(reader: Reader, { name, wish, wanted_tree }: AgentRow): Deployment | undefined {
  const deployed = lastReadyDeployment(reader, name);
  return wish === "running" && deployed?.tree !== wanted_tree ? deployed : undefined;
}

/** Work `revert`: looks for what is there already of the pull request and its approval, and makes what is not. */
export async function revertAgent(parts: Parts, name: AgentName): Promise<void> {
  const { core } = parts;
  const deployed = core.db.read((reader) => whatRuns(reader, requireAgent(reader, name)));
  if (!deployed) return;
  const pull = await proposeBack(parts, deployed);
  if (!pull) return core.db.write((tx) => core.scheduler.enqueue(tx, "follow-main", "")); // it has moved
  await approveHead(parts, pull);
  await ringApproval(parts, pull.number);
}

/** @returns the open pull request that puts it back, or null when main has that version, or has lost the agent meanwhile */
async function proposeBack(parts: Parts, { agent, number, tree }: Deployment): Promise<Pull | null> {
  const directory = agentDirectory(agent);
  const git = openScratch(parts, bot);
  try {
    const made = await git.putOnMain(directory, tree);
    if (made.before === tree || made.before === "") return null;
    const open = (await listOwn(parts)).find(({ title }) => title === titleOf(agent, number));
    if (open && (await isGood(parts, open, { directory, tree, before: made.before }))) return open;
    const { commit } = await git.push(made, `revert-${agent}-${number}`, `${titleOf(agent, number)}\n`);
    const pull = (await listOwn(parts)).find(({ head }) => head === commit);
    if (!pull) throw new Error(`${commit} was pushed, and is the head of no pull request`);
    return pull;
  } finally {
    git.remove();
  }
}

const titleOf = (agent: AgentName, number: number) => `Put ${agent} back to version ${number}`;

const listOwn = async ({ forge }: Parts): Promise<Pull[]> =>
  (await forge.as(bot).listPulls(agentsRepo, { state: "open" })).filter(
    ({ author, base }) => author === bot && base === "main",
  );

/** Whether it still does that, from main as it is: one that was refused, or that main went past, is pushed anew. */
async function isGood(
  { core, forge }: Parts,
  { number, head, mergeBase }: Pull,
  { directory, tree, before }: { directory: string; tree: ObjectId; before: string },
): Promise<boolean> {
  const row = core.db.read((reader) => findApproval(reader, number));
  if (row?.head === head && (row.state === "refused" || row.state === "invalid")) return false;
  const treeAt = (ref: string) => forge.as(bot).readDirectoryTree(agentsRepo, ref, directory);
  return (await treeAt(head)) === tree && (await treeAt(mergeBase)) === before;
}
