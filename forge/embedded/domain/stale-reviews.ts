/** What a new head does to the reviews of a pull request. In the transaction that stores the head: no old approval is ever seen beside it. */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { insertComment } from "./comments.ts";
import type { Issue } from "./issues.ts";
import type { Protection } from "./protection.ts";
import { type Review, updateReview } from "./reviews.ts";
import type { User } from "./users.ts";

/** The head proposes another change: all reviews are stale, and approvals are dismissed if the branch's rule says so. */
export function outdateReviews(forge: Forge, actor: User, issue: Issue, rule: Protection | undefined): void {
  const { db } = forge;
  db.run("UPDATE reviews SET stale = 1 WHERE issue_id = :issue AND state <> 'REQUEST_REVIEW'", { issue: issue.id });
  if (!rule?.dismiss_stale_approvals) return;
  const approvals = db.all<Review>(
    "SELECT * FROM reviews WHERE issue_id = :issue AND state = 'APPROVED' AND dismissed = 0 ORDER BY id",
    { issue: issue.id },
  );
  for (const review of approvals) {
    updateReview(db, review.id, { dismissed: 1 }, forge.now());
    insertComment(db, { issue, author: actor, kind: "dismiss_review", review_id: review.id, now: forge.now() });
  }
}

/** Reviews of exactly this head are not stale, be it that the head went back to what they saw. */
export function markReviewsOfHead(db: Database, issue: Issue, headSha: string): void {
  db.run("UPDATE reviews SET stale = 0 WHERE issue_id = :issue AND commit_id = :head", {
    issue: issue.id,
    head: headSha,
  });
}
