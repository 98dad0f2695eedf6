/**
 * How an approval's way ends, or goes on outside of it. The forge's status comes first, as setting it again does nothing;
 * then state, event and message in one write, so that whatever is cut off is told once.
 */
import { notify } from "../broker/send.ts";
import type { Transaction } from "../database/write.ts";
import type { Pull } from "../forge/client.ts";
import { isRefused } from "../forge/errors.ts";
import { agentsRepo, bot, operator } from "../forge/plan.ts";
import { ringItem } from "../forge/refresh.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import { setStatusOnce } from "./announce.ts";
import { type ApprovalRow, convergingApprovals, findApproval, moveApproval } from "./approvals.ts";
import { agentsChangedBy } from "./look.ts";
import { wasPassedOn } from "./talk.ts";

type Parts = Pick<LifecycleParts, "core" | "forge">;

/** Merged, by us or by the operator: from here on `main` is what counts. What changes no agent is done with that. */
export async function recordMerge(parts: Parts, pull: Pull): Promise<void> {
  const { core } = parts;
  const row = core.db.read((reader) => findApproval(reader, pull.number));
  if (!row) throw new Error(`approval ${pull.number} is merged and has no row`);
  const isOfAgent =
    ["spawn", "config", "destroy"].includes(row.kind) ||
    (row.kind === "other" && (await agentsChangedBy(parts.forge.as(bot), pull.number)).length > 0);
  if (!isOfAgent) await setDeployStatus(parts, row, "success", "merged");
  await core.db.write((tx) => {
    const state = isOfAgent ? "converging" : "deployed";
    const merged = moveApproval(tx, core, pull.number, { state, problem: null, mergeCommit: pull.mergeCommit });
    if (!isOfAgent) tell(tx, parts, merged, `${howMerged(merged)}, and main has it.`);
    core.scheduler.enqueue(tx, "follow-main", "");
    ringItem(tx, core, agentsRepo, pull.number); // what the bot did rings no bell
  });
}

/** What we merged was approved; the operator's own merge needs no approval. */
export function isApproved({ course }: ApprovalRow): boolean {
  const merged = course.findIndex(({ state }) => state === "converging" || state === "deployed");
  return course[merged - 1]?.state === "merging";
}

export const howMerged = (row: ApprovalRow): string => (isApproved(row) ? "it was approved" : "it was merged by hand");

/** Closed without being merged: withdrawn by whoever proposed it, else denied. */
export async function recordClose(parts: Parts, row: ApprovalRow, { author }: Pull): Promise<void> {
  if (row.state === "denied" || row.state === "withdrawn") return;
  const forge = parts.forge.as("hive-bot");
  const closer = (await forge.findClose(agentsRepo, row.number))?.user;
  const comments = (await forge.listComments(agentsRepo, row.number)).filter(({ user }) => user !== bot);
  const said = comments.findLast(({ user }) => user === closer) ?? comments.at(-1);
  if (closer === author) {
    const problem = "Whoever proposed it has closed it.";
    const told = () => "you have closed it, so nothing is done with it.";
    return end(parts, row, { state: "withdrawn", problem, told });
  }
  const problem = said?.body.trim() || "no reason was given";
  const told = (tx: Transaction) =>
    said && wasPassedOn(tx, row, said)
      ? "it was closed without being merged."
      : `it was closed without being merged: ${problem}`;
  return end(parts, row, { state: "denied", problem, told });
}

/** A newer head takes its place; the older one may be gone from the forge, which then takes no status of it. */
export async function markSuperseded(parts: Parts, row: ApprovalRow, by: string): Promise<void> {
  try {
    await parts.forge.as("hive-bot").readTree(agentsRepo, row.head);
  } catch (error) {
    if (!isRefused(error, 400, 404)) throw error;
    return;
  }
  await setDeployStatus(parts, row, "failure", `superseded by ${by.slice(0, 10)}`);
}

/** Only what is against `main` is acted on; merged elsewhere it starts nothing either. */
export const refuseBase = (parts: Parts, row: ApprovalRow, { base, state }: Pull): Promise<void> =>
  state === "merged"
    ? refuse(parts, row, `it was merged into ${base}, and only main counts. Propose it for main.`, "denied")
    : refuse(parts, row, `it is against ${base}, and only main counts. Set its base to main, or propose it anew.`);

/** Nothing more is done with this head; the submitter hears why. */
export const refuse = (
  parts: Parts,
  row: ApprovalRow,
  problem: string,
  state: "refused" | "denied" = "refused",
): Promise<void> => end(parts, row, { state, problem, told: () => `it was not carried out: ${problem}` });

type End = { state: "refused" | "denied" | "withdrawn"; problem: string; told: (tx: Transaction) => string };

async function end(parts: Parts, row: ApprovalRow, { state, problem, told }: End): Promise<void> {
  if (row.state === state) return;
  await setDeployStatus(parts, row, "failure", `${state}: ${problem}`);
  await parts.core.db.write((tx) => {
    if (findApproval(tx, row.number)?.state === state) return;
    tell(tx, parts, moveApproval(tx, parts.core, row.number, { state, problem }), told(tx));
  });
}

/** The operator asks for changes: told once for each such review. */
export async function recordChangesRequested(
  parts: Parts,
  row: ApprovalRow,
  { reason, entry }: { reason: string; entry: number },
): Promise<void> {
  if (row.state === "changes_requested" && row.problem === reason) return;
  await setDeployStatus(parts, row, "failure", "the operator asks for changes");
  await parts.core.db.write((tx) => {
    const after = moveApproval(tx, parts.core, row.number, { state: "changes_requested", problem: reason });
    if (wasPassedOn(tx, row, { user: operator, id: entry })) return;
    tell(tx, parts, after, `the operator asks for changes: ${reason}\n\nPush a new version with the same topic.`);
  });
}

/** Merged, but `main` has no such agent (any more): nothing will come of it. */
export async function failApproval(parts: Parts, number: number, problem: string): Promise<void> {
  const { core } = parts;
  const row = core.db.read((reader) => findApproval(reader, number));
  if (row?.state !== "converging") return;
  await setDeployStatus(parts, row, "failure", problem);
  await core.db.write((tx) => {
    if (findApproval(tx, number)?.state !== "converging") return;
    tell(tx, parts, moveApproval(tx, core, number, { state: "failed", problem }), `it was merged, but ${problem}`);
  });
}

/** An agent is gone from `main`, stopped and retired: what removed it is carried out. Found done when nothing waits for it. */
export async function tellDestroyed(parts: Parts, agent: string): Promise<void> {
  const { core } = parts;
  const removals = core.db
    .read(convergingApprovals)
    .filter((approval) => approval.kind === "destroy" && approval.agent === agent);
  for (const removal of removals) {
    await setDeployStatus(parts, removal, "success", `${agent} is stopped for good`);
    await core.db.write((tx) => {
      if (findApproval(tx, removal.number)?.state !== "converging") return;
      const row = moveApproval(tx, core, removal.number, { state: "deployed", problem: null });
      tell(tx, parts, row, `${howMerged(row)}, and ${agent} is stopped for good. Its state is kept.`);
    });
  }
}

export const setDeployStatus = (
  { forge }: Pick<Parts, "forge">,
  { head }: Pick<ApprovalRow, "head">,
  state: "pending" | "success" | "failure",
  description: string,
): Promise<void> => setStatusOnce(forge.as("hive-bot"), head, "hive/deploy", { state, description });

/** Tells the submitter, if that is an agent of ours. */
export function tell(
  tx: Transaction,
  parts: Pick<LifecycleParts, "core">,
  approval: ApprovalRow,
  text: string,
  clientId?: string,
): void {
  if (approval.submitter === operator || approval.submitter === "system") return;
  const body = `Your proposal #${approval.number} (${approval.summary}): ${text}\n${approval.url}`;
  notify(tx, parts.core, { to: approval.submitter, body, clientId });
}
