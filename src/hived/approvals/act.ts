/**
 * What follows the operator's approval of a head: refuse what is outdated, prepare the agent, merge exactly that head.
 * Each step looks first; a merge that was cut off before it was recorded is read from the forge at the next run.
 */
import { Fault } from "../../contract/fault.ts";
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Pull } from "../forge/client.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { prepareVersion } from "../lifecycle/prepare.ts";
import { setStatusOnce } from "./announce.ts";
import { type ApprovalRow, findApproval, moveApproval } from "./approvals.ts";
import { recordMerge, refuse } from "./outcomes.ts";
import { decide } from "./review.ts";

/** Forgejo says "try again later" both while it looks for conflicts and when it has found one; looking takes seconds. */
const conflictCheckMs = 30_000;

export async function act(parts: LifecycleParts, pull: Pull): Promise<void> {
  const { core, forge } = parts;
  const bot = forge.as("hive-bot");
  const known = core.db.read((reader) => findApproval(reader, pull.number));
  if (known?.state === "merging") return mergeHead(parts, known); // cut off, or to be tried again: it is prepared
  const row = await core.db.write((tx) => moveApproval(tx, core, pull.number, { state: "preparing", problem: null }));
  const agent = AgentName.parse(row.agent);
  const tree = await bot.readDirectoryTree(agentsRepo, pull.head, agentDirectory(agent));
  if (!tree) throw new Error(`${pull.head} of approval ${pull.number} lost its directory`);
  if (await isOutdated(parts, pull, agent)) return refuse(parts, row, outdated(agent));
  try {
    await prepareVersion(parts, agent, { commit: pull.head, tree });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await setStatusOnce(bot, pull.head, "hive/deploy", { state: "failure", description: error.message });
    return refuse(parts, row, `${error.message} ${error.next}`);
  }
  await setStatusOnce(bot, pull.head, "hive/deploy", { state: "pending", description: `${agent} is prepared` });
  await mergeHead(parts, await core.db.write((tx) => moveApproval(tx, core, pull.number, { state: "merging" })));
}

const outdated = (agent: AgentName) =>
  `agents/${agent} changed on main since this was proposed. Rebase it, and push it again.`;

/** Whether `main` has another version of the agent than the one that the proposal began from. */
async function isOutdated(parts: LifecycleParts, pull: Pull, agent: AgentName): Promise<boolean> {
  const bot = parts.forge.as("hive-bot");
  const [began, now] = await Promise.all(
    [pull.mergeBase, "main"].map((ref) => bot.readDirectoryTree(agentsRepo, ref, agentDirectory(agent))),
  );
  return began !== now;
}

/** Looks once more, for preparing may have taken a while, and merges. */
async function mergeHead(parts: LifecycleParts, row: ApprovalRow): Promise<void> {
  const { core, forge } = parts;
  const bot = forge.as("hive-bot");
  const pull = await bot.readPull(agentsRepo, row.number);
  if (pull?.state === "merged") return recordMerge(parts, pull);
  const isStillApproved =
    pull?.state === "open" &&
    pull.base === "main" &&
    pull.head === row.head &&
    decide(pull, await bot.listGivenReviews(agentsRepo, row.number)).kind === "approved";
  if (!isStillApproved) return lookAgain(parts, row.number);
  const agent = AgentName.parse(row.agent);
  if (await isOutdated(parts, pull, agent)) return refuse(parts, row, outdated(agent));
  const title = `Merge pull request #${row.number}: ${row.summary}`;
  const answer = await bot.merge(agentsRepo, row.number, {
    head: row.head,
    title,
    message: `Approved by the operator.\n\n${row.url}`,
  });
  if (answer === "head_moved") return lookAgain(parts, row.number);
  if (answer !== "merged") {
    const after = await bot.readPull(agentsRepo, row.number);
    if (after?.state === "merged") return recordMerge(parts, after);
    const mergingMs = core.clock.now() - (row.course.at(-1)?.at ?? 0);
    if (/try again later/i.test(answer.refused) && mergingMs < conflictCheckMs)
      throw new Fault(`the forge can't merge #${row.number} yet`);
    return refuse(parts, row, `the forge does not merge it: ${answer.refused}. Rebase it on main, and push it again.`);
  }
  const merged = await bot.readPull(agentsRepo, row.number);
  if (merged?.state !== "merged") throw new Fault(`pull request ${row.number} is merged, but does not say so yet`);
  await recordMerge(parts, merged);
}

const lookAgain = (parts: LifecycleParts, number: number): Promise<void> =>
  parts.core.db.write((tx) => {
    if (findApproval(tx, number)) moveApproval(tx, parts.core, number, { state: "waiting" });
    parts.core.scheduler.enqueue(tx, "approval", String(number));
  });
