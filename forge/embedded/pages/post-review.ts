/** Carries out the forms of a review, on the head that their page showed and on no other. */
import { z } from "zod";
import { commentOfReview } from "../domain/comments.ts";
import { deleteReview } from "../domain/dismiss-review.ts";
import { giveReview } from "../domain/give-review.ts";
import { Refusal } from "../domain/refusal.ts";
import { pendingReview, reviewCommentsOf } from "../domain/reviews.ts";
import { lineId } from "./diff-view.ts";
import { formText } from "./form-fields.ts";
import { issuePath } from "./paths.ts";
import { sentenceOf } from "./problem.ts";
import { pullFilesPage } from "./pull-files.ts";
import { type PullVisit, visitPull } from "./pull-frame.ts";
import { entryPath } from "./thread-pages.ts";
import type { GoTo, Page, Posted, RefusedForm } from "./visit.ts";

const VerdictForm = z.object({
  commit_id: z.string().max(40),
  content: formText,
  type: z.enum(["comment", "reject", "approve"]),
});
const EVENTS = { comment: "COMMENT", reject: "REQUEST_CHANGES", approve: "APPROVED" } as const;

export async function postReview(visit: Posted): Promise<Page | GoTo> {
  const { forge, user } = visit;
  const at = visitPull(visit);
  const form = VerdictForm.parse(visit.form);
  try {
    demandShownHead(at, form.commit_id);
    demandWords(visit, at, form);
    const wish = { event: EVENTS[form.type], body: form.content, commit_id: form.commit_id };
    const review = await giveReview(forge, user, at.repo, at, wish);
    const entry = commentOfReview(forge.db, review.id);
    return { goTo: entry ? entryPath(forge.db, at.repo, at.issue, entry) : issuePath(at.repo, at.issue) };
  } catch (error) {
    return pullFilesPage(visit, refusedForm(error, { content: form.content }));
  }
}

/** Text may be left out of an approval, and of a comment whose words stand on the lines. */
function demandWords({ forge, user }: Posted, { issue }: PullVisit, form: z.infer<typeof VerdictForm>): void {
  if (form.content.trim() !== "" || form.type === "approve") return;
  if (form.type === "reject") throw new Refusal(422, "Say what should change: a request for changes needs a text.");
  const pending = pendingReview(forge.db, issue.id, user.id);
  if (!pending || reviewCommentsOf(forge.db, pending).length === 0) {
    throw new Refusal(422, "Write something first: the comment is empty.");
  }
}

const LineForm = z.object({
  commit_id: z.string().max(40),
  path: z.string().max(4096),
  line: z.coerce
    .number()
    .int()
    .refine((line) => line !== 0),
  content: formText,
  mode: z.enum(["single", "review"]).default("single"),
});

/** A pending review needs a text, as in Forgejo's API; that of the verdict takes its place. */
const PENDING_TEXT = "Comments on lines";

/** A comment on a line, sent at once or kept for the review that its writer is about to finish. */
export async function postLineComment(visit: Posted): Promise<Page | GoTo> {
  const { forge, user } = visit;
  const at = visitPull(visit);
  const { commit_id, path, line, content, mode } = LineForm.parse(visit.form);
  try {
    demandShownHead(at, commit_id);
    if (content.trim() === "") throw new Refusal(422, "Write something first: the comment is empty.");
    const kept = mode === "single" ? { event: "COMMENT" } : { event: "PENDING", body: PENDING_TEXT };
    await giveReview(forge, user, at.repo, at, { ...kept, commit_id, comments: [{ path, line, body: content }] });
    return { goTo: `${issuePath(at.repo, at.issue)}/files#${lineId(path, line)}` };
  } catch (error) {
    return pullFilesPage(visit, { ...refusedForm(error, { content }), line: { path, line } });
  }
}

/** Throws away the comments that were kept for a review. */
export function discardPending(visit: Posted): GoTo {
  const { forge, user } = visit;
  const { repo, issue } = visitPull(visit);
  const pending = pendingReview(forge.db, issue.id, user.id);
  if (pending) deleteReview(forge, user, repo, pending);
  return { goTo: `${issuePath(repo, issue)}/files` };
}

/** @throws Refusal 409 when the head has moved since the page was made: nobody approves what was not seen */
function demandShownHead({ pull }: PullVisit, shown: string): void {
  if (shown === pull.head_sha) return;
  const heads = `from ${shown.slice(0, 10) || "another commit"} to ${pull.head_sha.slice(0, 10)}`;
  throw new Refusal(
    409,
    `The pull request has moved ${heads} since this page was opened, so nothing was sent. Look at the changes as they are now, and send it again.`,
  );
}

function refusedForm(error: unknown, typed: Record<string, string>): RefusedForm {
  if (!(error instanceof Refusal)) throw error;
  return { status: error.status, sentence: sentenceOf(error), typed };
}
