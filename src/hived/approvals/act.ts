/**
 * What follows the operator's approval of a head: refuse what is outdated, prepare the agent, merge exactly that head.
 * Each step looks first; a merge that was cut off before it was recorded is read from the forge at the next run.
 */
import { Fault } from "../../contract/fault.ts";
import { AgentName, type ObjectId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Forge, Pull } from "../forge/client.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { prepareVersion } from "../lifecycle/prepare.ts";
import { type ApprovalRow, findApproval, moveApproval } from "./approvals.ts";
import { recordMerge, refuse, setDeployStatus } from "./outcomes.ts";
import { decide } from "./review.ts";
import { inputsFile } from "./subject.ts";

/** Forgejo says "try again later" both while it looks for conflicts and when it has found one; looking takes seconds. */
const conflictCheckMs = 30_000;

export async function act(parts: LifecycleParts, pull: Pull): Promise<void> {
  const { core } = parts;
  const known = core.db.read((reader) => findApproval(reader, pull.number));
  if (known?.state === "merging") return mergeHead(parts, known); // cut off, or to be tried again: it is prepared
  const row = await core.db.write((tx) => moveApproval(tx, core, pull.number, { state: "preparing", problem: null }));
  if (await isOutdated(parts, pull, row)) return refuse(parts, row, outdated(row));
  try {
    if (row.kind === "spawn" || row.kind === "config") await prepare(parts, row);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refuse(parts, row, `${error.message} ${error.next}`);
  }
  await setDeployStatus(parts, row, "pending", row.agent === null ? "approved" : `${row.agent} is prepared`);
  await mergeHead(parts, await core.db.write((tx) => moveApproval(tx, core, pull.number, { state: "merging" })));
}

async function prepare(parts: LifecycleParts, { number, head, agent: name }: ApprovalRow): Promise<void> {
  const agent = AgentName.parse(name);
  const tree = await parts.forge.as("hive-bot").readDirectoryTree(agentsRepo, head, agentDirectory(agent));
  if (!tree) throw new Error(`${head} of approval ${number} lost its directory`);
  await prepareVersion(parts, agent, { commit: head, tree });
}

const outdated = ({ agent }: ApprovalRow) =>
  `${agent === null ? inputsFile : agentDirectory(agent)} changed on main since this was proposed. Rebase it, and push it again.`;

/** Whether `main` has another version of what is replaced than the one that the proposal began from. */
async function isOutdated({ forge }: LifecycleParts, pull: Pull, row: ApprovalRow): Promise<boolean> {
  const [began, now] = await Promise.all([pull.mergeBase, "main"].map((ref) => replacedAt(forge, row, ref)));
  return began !== now;
}

/** The git object that an approval replaces; null where the forge's own look for conflicts is enough. */
async function replacedAt(forge: Forge, { kind, agent }: ApprovalRow, ref: string): Promise<ObjectId | null> {
  const bot = forge.as("hive-bot");
  if (agent !== null) return bot.readDirectoryTree(agentsRepo, ref, agentDirectory(agent));
  if (kind !== "inputs") return null;
  return (await bot.readTree(agentsRepo, ref)).find(({ path }) => path === inputsFile)?.sha ?? null;
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
    !pull.isDraft &&
    pull.head === row.head &&
    decide(pull, await bot.listGivenReviews(agentsRepo, row.number)).kind === "approved";
  if (!isStillApproved) return lookAgain(parts, row.number);
  if (await isOutdated(parts, pull, row)) return refuse(parts, row, outdated(row));
  const answer = await bot.merge(agentsRepo, row.number, {
    head: row.head,
    title: `Merge pull request #${row.number}`, // the proposer's words might close issues with the bot's authority
    message: `Approved by the operator.\n\n${row.url}`,
  });
  if (answer === "head_moved") return lookAgain(parts, row.number);
  if (answer !== "merged") {
    const after = await bot.readPull(agentsRepo, row.number);
    if (after?.state === "merged") return recordMerge(parts, after);
    const isLater = answer !== "conflict" && /try again later/i.test(answer.refused);
    const mergingMs = core.clock.now() - (row.course.at(-1)?.at ?? 0);
    if (isLater && mergingMs < conflictCheckMs) throw new Fault(`the forge can't merge #${row.number} yet`);
    const why =
      isLater || answer === "conflict" ? "it conflicts with main" : `the forge does not merge it: ${answer.refused}`;
    return refuse(parts, row, `${why}. Rebase it on main, and push it again.`);
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
