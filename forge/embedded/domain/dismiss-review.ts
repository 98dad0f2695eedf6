/** Taking reviews away: their writer deletes them, the repository's admin takes them out of count. */
import type { Forge } from "../forge.ts";
import { insertComment } from "./comments.ts";
import { isDecision } from "./give-review.ts";
import { accessOf, demandRepoAdmin, isRepoAdmin } from "./permissions.ts";
import type { PullRequest } from "./pulls.ts";
import { Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { deleteReviewRow, type Review, requireReview, updateReview } from "./reviews.ts";
import type { User } from "./users.ts";

/** @throws Refusal 403 neither the reviewer nor an admin of the repository */
export function deleteReview(forge: Forge, actor: User, repo: Repo, review: Review): void {
  const mayDelete = review.reviewer_id === actor.id || isRepoAdmin(accessOf(forge.db, actor, repo));
  if (!mayDelete) throw new Refusal(403, "Only the reviewer or an admin may delete a review");
  forge.db.write(() => deleteReviewRow(forge.db, review.id));
}

/**
 * Takes an approval or a rejection out of count, or back into it. Rings no webhook, as in Forgejo.
 * @throws Refusal 403 not an admin of the repository, or another kind of review
 */
export function setDismissed(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  review: Review,
  wish: { isDismissed: boolean; message: string },
): Review {
  demandRepoAdmin(accessOf(forge.db, actor, repo));
  if (!isDecision(review.state)) {
    throw new Refusal(403, "not need to dismiss this review because it's type is not Approve or change request");
  }
  return forge.db.write(() => {
    const { isDismissed, message } = wish;
    const { issue } = request;
    updateReview(forge.db, review.id, { dismissed: Number(isDismissed) }, forge.now());
    if (isDismissed) {
      const entry = { kind: "dismiss_review" as const, body: message, review_id: review.id };
      insertComment(forge.db, { issue, author: actor, ...entry, now: forge.now() });
    }
    return requireReview(forge.db, review.id);
  });
}
