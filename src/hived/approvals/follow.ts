/**
 * Work `approval`: one pull request on hive/agents, looked at and moved on as far as it goes. A webhook, a review, a
 * restart and reconciliation all end here; what it was that rang does not matter.
 */
import { openApprovalStates } from "../../contract/approval.ts";
import { findManager } from "../agents/agents.ts";
import type { Pull } from "../forge/client.ts";
import { addressOf } from "../forge/forge-items.ts";
import { agentsRepo } from "../forge/plan.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import { act } from "./act.ts";
import { announce } from "./announce.ts";
import { type ApprovalRow, findApproval, moveApproval, putApproval } from "./approvals.ts";
import { lookAtHead, workInProgress } from "./look.ts";
import {
  markSuperseded,
  recordChangesRequested,
  recordClose,
  recordMerge,
  refuseBase,
  setDeployStatus,
  tell,
} from "./outcomes.ts";
import { decide, reasonOf } from "./review.ts";
import type { Verdict } from "./validate.ts";

export async function followApproval(parts: LifecycleParts, number: number): Promise<void> {
  const { core } = parts;
  try {
    await follow(parts, number);
  } finally {
    // Last, when it is known what of it the approval tells.
    await core.db.write((tx) => core.scheduler.enqueue(tx, "tell-pull", `${agentsRepo}#${number}`));
  }
}

async function follow(parts: LifecycleParts, number: number): Promise<void> {
  const { core, forge } = parts;
  const bot = forge.as("hive-bot");
  const before = core.db.read((reader) => findApproval(reader, number));
  if (before && ["converging", "deployed", "failed"].includes(before.state)) return;
  const pull = await bot.readPull(agentsRepo, number);
  if (!pull) return;
  const known = before && (await followTitle(parts, before, pull));
  if (pull.state === "closed") return known && recordClose(parts, known, pull);
  const isReopened = (known?.state === "denied" || known?.state === "withdrawn") && pull.state === "open";
  const manager = core.db.read(findManager)?.name ?? null;
  const circumstances = circumstancesOf(pull, manager);
  const isSame = known?.head === pull.head && known.circumstances === circumstances;
  const isSeen = isSame && known.state !== "opened" && !isReopened;
  const verdict = isSeen ? null : await lookAtHead(bot, pull, manager);
  if (known && known.head !== pull.head && openApprovalStates.has(known.state))
    await markSuperseded(parts, known, pull.head);
  if (verdict && known?.head === pull.head && (isReopened || known.state === "refused"))
    await setDeployStatus(parts, known, "pending", "it is looked at again"); // else it would be as it ended then
  const row = verdict ? await openCycle(parts, pull, { ...verdict, circumstances }) : known;
  if (!row) throw new Error(`approval ${number} has neither a row nor a verdict`);
  if (pull.base !== "main") return refuseBase(parts, row, pull);
  if (pull.state === "merged") return recordMerge(parts, pull);
  const judged = verdict ? await judge(parts, pull, verdict) : row;
  if (judged.state === "invalid" || judged.state === "refused") return;
  const decision = decide(pull, await bot.listGivenReviews(agentsRepo, number));
  if (decision.kind === "approved") return act(parts, pull);
  if (decision.kind === "changes_requested") {
    const lines = await bot.listReviewComments(agentsRepo, number, decision.review);
    const own = lines.filter(({ id }) => id < decision.entry); // the rest is answers, which are told as such
    return recordChangesRequested(parts, judged, { reason: reasonOf(decision.reason, own), entry: decision.entry });
  }
  await core.db.write((tx) => {
    const { problem } = decision;
    const row = moveApproval(tx, core, number, { state: "waiting", problem });
    if (problem !== null && problem !== judged.problem) tell(tx, parts, row, `it still waits. ${problem}`);
  });
}

/** All that the verdict on a head depends on, but what `main` has there: when that changes, the head is outdated. */
const circumstancesOf = ({ base, isDraft }: Pull, manager: string | null): string =>
  [base, manager ?? "", ...(isDraft ? ["draft"] : [])].join(" ");

/** Lists and messages call it as the forge does. */
const followTitle = async (parts: LifecycleParts, row: ApprovalRow, { title }: Pull): Promise<ApprovalRow> =>
  row.summary === title
    ? row
    : parts.core.db.write((tx) => moveApproval(tx, parts.core, row.number, { summary: title }));

/** A head that was not seen before, or not in these circumstances, opens the cycle anew. */
function openCycle(
  parts: LifecycleParts,
  pull: Pull,
  verdict: Verdict & Pick<ApprovalRow, "circumstances">,
): Promise<ApprovalRow> {
  return parts.core.db.write((tx) =>
    putApproval(tx, parts.core, {
      number: pull.number,
      kind: verdict.kind,
      agent: verdict.agent,
      submitter: addressOf(pull.author),
      summary: pull.title,
      head: pull.head,
      state: "opened",
      problem: null,
      permissions: verdict.permissions.map(({ text }) => text),
      url: pull.url,
      openedAt: pull.createdAt,
      mergeCommit: null,
      circumstances: verdict.circumstances,
    }),
  );
}

async function judge(parts: LifecycleParts, pull: Pull, verdict: Verdict): Promise<ApprovalRow> {
  const { core, forge } = parts;
  await announce(forge.as("hive-bot"), pull, verdict);
  return core.db.write((tx) => {
    const isInvalid = verdict.problems.length > 0;
    const problem = isInvalid ? verdict.problems.join("; ") : null;
    const row = moveApproval(tx, core, pull.number, { state: isInvalid ? "invalid" : "waiting", problem });
    const next = verdict.problems.every((other) => other === workInProgress) ? "" : " Push a version that mends it.";
    if (isInvalid) tell(tx, parts, row, `it can't be acted on yet: ${problem}.${next}`);
    return row;
  });
}
