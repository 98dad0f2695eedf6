/** What the operator's reviews of a pull request say about its head. Forgejo's own marks are not enough for it. */
import type { ObjectId } from "../../contract/names.ts";
import type { GivenReview, Pull, Review, ReviewComment } from "../forge/client.ts";
import { operator } from "../forge/plan.ts";

export type Decision =
  | { kind: "none"; problem: string | null }
  | { kind: "changes_requested"; review: number; entry: number; reason: string }
  | { kind: "approved" };

/**
 * Only the operator's newest word counts, when it is official, not dismissed, and given to this very head on this very base
 * since it was opened for the last time: Forgejo 7.0 keeps an approval alive over an AGit push, later versions dismiss it a
 * moment too late, and all of them keep one over a change of the base, and over a denial that whoever proposed it undoes.
 */
export function decide(pull: Pick<Pull, "head" | "author">, reviews: readonly GivenReview[]): Decision {
  const words = reviews.filter(
    ({ user, state }) => user === operator && (state === "APPROVED" || state === "REQUEST_CHANGES"),
  );
  const last = words.reduce<GivenReview | null>(
    (newest, review) => (newest && newest.id > review.id ? newest : review),
    null,
  );
  if (!last || pull.author === operator) return { kind: "none", problem: null };
  if (last.dismissed)
    return { kind: "none", problem: last.state === "APPROVED" && last.commitId === pull.head ? dismissed : null };
  if (last.outdatedBy !== null)
    return { kind: "none", problem: last.state === "APPROVED" ? outdated[last.outdatedBy] : null };
  if (last.commitId !== pull.head)
    return { kind: "none", problem: last.state === "APPROVED" ? olderHead(last, pull.head) : null };
  if (last.state === "REQUEST_CHANGES") {
    const { id: review, entry, body: reason } = last;
    return { kind: "changes_requested", review, entry, reason };
  }
  if (!last.official)
    return {
      kind: "none",
      problem: "The approval is not official: look at the protection rule of main, then approve again.",
    };
  return { kind: "approved" };
}

/** Also by the forge itself, when a push that came before the approval is dealt with after it (services/pull/pull.go). */
const dismissed = "The operator's approval of this head was dismissed: approve it again if it still holds.";

const outdated: Record<NonNullable<GivenReview["outdatedBy"]>, string> = {
  change_target_branch:
    "The operator approved it while it was against another branch, which says nothing about main: review it again.",
  close:
    "The operator approved it before it was closed, which says nothing about what was opened again: review it again.",
};

const olderHead = (review: Review, head: ObjectId) =>
  `The operator approved ${review.commitId.slice(0, 10)}, but the head is ${head.slice(0, 10)} now: review it again.`;

/** A review as one text: what was said of all, then line by line. */
export const reasonOf = (body: string, comments: readonly Pick<ReviewComment, "place" | "body">[]): string =>
  [body.trim(), comments.map(({ place, body: said }) => `- ${place}: ${said.trim()}`).join("\n")]
    .filter((part) => part !== "")
    .join("\n\n");
