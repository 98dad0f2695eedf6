/** What a new head does to reviews, in the transaction that stores the head: no old approval is ever seen beside it. */
import type { Forge } from "../forge.ts";
import { insertComment } from "./comments.ts";
import type { Issue } from "./issues.ts";
import type { Protection } from "./protection.ts";
import { approvalsNotDismissed, markReviewsStale, updateReview } from "./reviews.ts";
import type { User } from "./users.ts";

const DISMISSED = "New commits pushed, approval review dismissed automatically according to repository settings";

/** The head proposes another change: all reviews are stale, and approvals are dismissed if the branch's rule says so. */
export function outdateReviews(forge: Forge, actor: User, issue: Issue, rule: Protection | undefined): void {
  markReviewsStale(forge.db, issue.id);
  if (!rule?.dismiss_stale_approvals) return;
  for (const review of approvalsNotDismissed(forge.db, issue.id)) {
    updateReview(forge.db, review.id, { dismissed: 1 }, forge.now());
    insertComment(forge.db, {
      issue,
      author: actor,
      kind: "dismiss_review",
      body: DISMISSED,
      review_id: review.id,
      now: forge.now(),
    });
  }
}
