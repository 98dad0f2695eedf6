/** Who was asked for a review, and what each reviewer last said. */
import type { Issue } from "../domain/issues.ts";
import { type Review, requestedReviewers, reviewsOf } from "../domain/reviews.ts";
import { isMember } from "../domain/teams.ts";
import { requireUser } from "../domain/users.ts";
import { type Html, html } from "./html.ts";
import { avatar, person } from "./parts.ts";
import { sideBlock } from "./thread-side.ts";
import type { Visit } from "./visit.ts";

const VERDICTS: Partial<Record<Review["state"], string>> = {
  APPROVED: "Approved",
  REQUEST_CHANGES: "Requested changes",
  COMMENT: "Commented",
};

export function reviewersBlock(visit: Visit, issue: Issue): Html {
  const requested = requestedReviewers(visit.forge.db, issue.id);
  const waiting = [...requested.users.map((user) => user.name), ...requested.teams.map((team) => `team ${team.name}`)];
  const said = [...latestReviews(visit, issue)].filter(([name]) => !waiting.includes(name));
  const rows = [
    ...waiting.map((name) => reviewerRow(name, "Waiting", "waiting")),
    ...said.map(([name, review]) => reviewerRow(name, verdictText(review), verdictClass(review))),
  ];
  return sideBlock("Reviewers", rows.length > 0 && html`<ul class="plain reviewers">${rows}</ul>`);
}

const reviewerRow = (name: string, verdict: string, kind: string): Html =>
  html`<li>${avatar(name, 20)} ${person(name)} <span class="verdict ${kind}">${verdict}</span></li>`;

/** By reviewer's name. A verdict is not replaced by a mere comment after it. */
function latestReviews(visit: Visit, issue: Issue): Map<string, Review> {
  const latest = new Map<string, Review>();
  for (const review of reviewsOf(visit.forge.db, visit.user, issue)) {
    if (!VERDICTS[review.state] || review.reviewer_id === null) continue;
    const { name } = requireUser(visit.forge.db, review.reviewer_id);
    if (review.state !== "COMMENT" || !latest.has(name)) latest.set(name, review);
  }
  return latest;
}

const verdictText = (review: Review): string =>
  `${VERDICTS[review.state]}${review.dismissed ? " (dismissed)" : review.stale ? " (older version)" : ""}`;

const verdictClass = (review: Review): string =>
  review.dismissed || review.stale ? "dim" : review.state.toLowerCase().replace("_", "-");

/** Does the pull request wait for this visitor's review, asked by name or as one of a team? */
export const isAsked = (visit: Visit, issue: Issue): boolean => {
  const { users, teams } = requestedReviewers(visit.forge.db, issue.id);
  return (
    users.some(({ id }) => id === visit.user.id) ||
    teams.some((team) => isMember(visit.forge.db, team.id, visit.user.id))
  );
};
