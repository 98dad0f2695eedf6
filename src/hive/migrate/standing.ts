/** What of the reviews of a pull request still counts. */
import type { Item, Pull, Review } from "./source.ts";

/** A reviewer's last word on the head of an open pull request, where it asks for changes: it goes on to count. */
export function standingRequests({ state }: Item, { head, reviews }: Pull): Review[] {
  if (state !== "open") return [];
  return reviews.filter(
    (review) =>
      review.state === "REQUEST_CHANGES" &&
      !review.dismissed &&
      review.commit_id === head.sha &&
      review === lastWordOf(review.user, reviews),
  );
}

export const lastWordOf = (user: string | null, reviews: readonly Review[]): Review | undefined =>
  reviews.findLast((review) => review.user === user && /^(APPROVED|REQUEST_CHANGES)$/.test(review.state));
