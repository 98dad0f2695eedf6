/**
 * What is said under an approval comes to its submitter as messages of whoever said it, like any pull request's; what the
 * approval itself tells is not told twice.
 */
import { findByClientId } from "../broker/messages.ts";
import { pullLetterId, speakerOf } from "../broker/relay.ts";
import type { Reader } from "../database/write.ts";
import type { TimelineEntry } from "../forge/client.ts";
import { agentsRepo, operator } from "../forge/plan.ts";
import { type ApprovalRow, findApproval } from "./approvals.ts";

type Review = { state: string; body: string; lineCount: number };

/** Where the operator's request for changes decides, now or with the next look. */
const judged: readonly ApprovalRow["state"][] = ["opened", "waiting", "changes_requested"];

/** Whether the submitter hears of it from the approval. @param review the one that the entry is about */
export function isToldAsApproval(
  reader: Reader,
  number: number,
  { type, user, body }: Pick<TimelineEntry, "type" | "user" | "body">,
  review: Review | undefined,
): boolean {
  if (type === "close" || type === "merge_pull") return true;
  const row = findApproval(reader, number);
  if (type === "comment") return row?.state === "denied" && row.problem === body.trim();
  if (type !== "review" || user !== operator) return false;
  if (review?.state === "APPROVED") return review.body.trim() === "" && review.lineCount === 0;
  return review?.state === "REQUEST_CHANGES" && row !== undefined && judged.includes(row.state);
}

/** Whether a message has told the submitter what somebody said with this entry of the timeline. */
export const wasPassedOn = (reader: Reader, { number, submitter }: ApprovalRow, said: { user: string; id: number }) =>
  findByClientId(
    reader,
    speakerOf(reader, said.user),
    pullLetterId({ repo: agentsRepo, number }, said.id, submitter),
  ) !== undefined;
