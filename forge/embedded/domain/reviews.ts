/** Tables `reviews` and `review_comments`. A request for a review is a row too, with state REQUEST_REVIEW. */
import type { Database } from "../database/open.ts";
import { drawCommentId } from "./comments.ts";
import type { Issue } from "./issues.ts";
import { notFound } from "./refusal.ts";
import { type Team, teamById } from "./teams.ts";
import { requireUser, type User } from "./users.ts";

type ReviewState = "PENDING" | "APPROVED" | "REQUEST_CHANGES" | "COMMENT" | "REQUEST_REVIEW";
export interface Review {
  id: number;
  issue_id: number;
  /** One of both; only a request names a team. */
  reviewer_id: number | null;
  team_id: number | null;
  state: ReviewState;
  body: string;
  commit_id: string;
  /** It counts for the branch's rule. Decided when it is given. */
  official: number;
  /** The head's change is another one since. */
  stale: number;
  dismissed: number;
  created_at: number;
  updated_at: number;
}
export interface ReviewComment {
  id: number;
  review_id: number;
  author_id: number;
  path: string;
  /** Of the new file; negative: of the old one. */
  line: number;
  body: string;
  diff_hunk: string;
  commit_id: string;
  created_at: number;
  updated_at: number;
}

/** Oldest first; a pending review is seen by its reviewer alone. */
export const reviewsOf = (db: Database, viewer: User, issue: Issue): Review[] =>
  db.all<Review>(
    "SELECT * FROM reviews WHERE issue_id = :issue AND (state <> 'PENDING' OR reviewer_id = :viewer) ORDER BY id",
    { issue: issue.id, viewer: viewer.id },
  );

/** @throws Refusal 404 */
export function findReview(db: Database, viewer: User, issue: Issue, id: number): Review {
  const review = reviewsOf(db, viewer, issue).find((candidate) => candidate.id === id);
  if (!review) throw notFound();
  return review;
}

export function requireReview(db: Database, id: number): Review {
  const review = db.get<Review>("SELECT * FROM reviews WHERE id = :id", { id });
  if (!review) throw new Error(`review ${id} does not exist`);
  return review;
}

/** Of any state, newest first, whoever looks. */
export const reviewsBy = (db: Database, issueId: number, reviewerId: number): Review[] =>
  db.all<Review>("SELECT * FROM reviews WHERE issue_id = :issue AND reviewer_id = :reviewer ORDER BY id DESC", {
    issue: issueId,
    reviewer: reviewerId,
  });

export const pendingReview = (db: Database, issueId: number, reviewerId: number): Review | undefined =>
  reviewsBy(db, issueId, reviewerId).find((review) => review.state === "PENDING");

export function insertReview(
  db: Database,
  review: Pick<Review, "issue_id" | "state"> & Partial<Review> & { now: number },
): Review {
  const { id } = db.run(
    `INSERT INTO reviews (issue_id, reviewer_id, team_id, state, body, commit_id, official, stale, created_at, updated_at)
     VALUES (:issue_id, :reviewer_id, :team_id, :state, :body, :commit_id, :official, :stale, :now, :now)`,
    {
      issue_id: review.issue_id,
      reviewer_id: review.reviewer_id ?? null,
      team_id: review.team_id ?? null,
      state: review.state,
      body: review.body ?? "",
      commit_id: review.commit_id ?? "",
      official: review.official ?? 0,
      stale: review.stale ?? 0,
      now: review.now,
    },
  );
  return requireReview(db, id);
}

/** Only what is named is changed. */
export function updateReview(
  db: Database,
  id: number,
  change: Partial<Pick<Review, "state" | "body" | "commit_id" | "official" | "stale" | "dismissed">>,
  now: number,
): Review {
  for (const [column, value] of Object.entries({ ...change, updated_at: now })) {
    if (value !== undefined) db.run(`UPDATE reviews SET ${column} = :value WHERE id = :id`, { id, value });
  }
  return requireReview(db, id);
}

export function deleteReviewRow(db: Database, id: number): void {
  db.run("DELETE FROM reviews WHERE id = :id", { id });
}

/** All that were given so far, whatever they said. */
export function markReviewsStale(db: Database, issueId: number): void {
  db.run("UPDATE reviews SET stale = 1 WHERE issue_id = :issue AND state <> 'REQUEST_REVIEW'", { issue: issueId });
}

/** Those of exactly this commit. */
export function markReviewsCurrent(db: Database, issueId: number, commit: string): void {
  db.run("UPDATE reviews SET stale = 0 WHERE issue_id = :issue AND commit_id = :commit", { issue: issueId, commit });
}

export const approvalsNotDismissed = (db: Database, issueId: number): Review[] =>
  db.all<Review>("SELECT * FROM reviews WHERE issue_id = :issue AND state = 'APPROVED' AND dismissed = 0 ORDER BY id", {
    issue: issueId,
  });

export const teamRequests = (db: Database, issueId: number): Review[] =>
  db.all<Review>("SELECT * FROM reviews WHERE issue_id = :issue AND team_id IS NOT NULL", { issue: issueId });

/** Official, not dismissed, of this state: what a rule looks at. Whether a stale one counts is the rule's choice. */
export const officialReviews = (db: Database, issueId: number, state: ReviewState): Review[] =>
  db.all<Review>(
    "SELECT * FROM reviews WHERE issue_id = :issue AND state = :state AND official = 1 AND dismissed = 0",
    {
      issue: issueId,
      state,
    },
  );

/** Who was asked and has not answered. */
export function requestedReviewers(db: Database, issueId: number): { users: User[]; teams: Team[] } {
  const requests = db.all<Review>(
    "SELECT * FROM reviews WHERE issue_id = :issue AND state = 'REQUEST_REVIEW' ORDER BY id",
    { issue: issueId },
  );
  return {
    users: requests.flatMap((request) => (request.reviewer_id === null ? [] : requireUser(db, request.reviewer_id))),
    teams: requests.flatMap((request) => (request.team_id === null ? [] : (teamById(db, request.team_id) ?? []))),
  };
}

/**
 * As Forgejo names them under `requested_reviewers`: whoever was asked or has decided, an approval or a rejection that was
 * dismissed aside.
 */
export function namedReviewers(db: Database, issueId: number): { users: User[]; teams: Team[] } {
  const users = db.all<User>(
    `SELECT u.* FROM users u JOIN reviews r ON r.reviewer_id = u.id
     WHERE r.issue_id = :issue AND r.dismissed = 0 AND r.state IN ('APPROVED', 'REQUEST_CHANGES', 'REQUEST_REVIEW')
     GROUP BY u.id ORDER BY max(r.id)`,
    { issue: issueId },
  );
  return { users, teams: requestedReviewers(db, issueId).teams };
}

export const reviewCommentsOf = (db: Database, review: Review): ReviewComment[] =>
  db.all<ReviewComment>("SELECT * FROM review_comments WHERE review_id = :review ORDER BY id", { review: review.id });

/** Of a pull request, in all reviews that were submitted. */
export const reviewCommentCount = (db: Database, issueId: number): number =>
  db.get<{ count: number }>(
    `SELECT count(*) AS count FROM review_comments c JOIN reviews r ON r.id = c.review_id
     WHERE r.issue_id = :issue AND r.state <> 'PENDING'`,
    { issue: issueId },
  )?.count ?? 0;

export function insertReviewComment(
  db: Database,
  review: Review,
  comment: Pick<ReviewComment, "author_id" | "path" | "line" | "body" | "diff_hunk" | "commit_id"> & { now: number },
): ReviewComment {
  const { now, ...given } = comment;
  const id = drawCommentId(db, review.issue_id, comment.author_id);
  const row = { ...given, id, review_id: review.id, created_at: now, updated_at: now };
  db.run(
    `INSERT INTO review_comments (id, review_id, author_id, path, line, body, diff_hunk, commit_id, created_at, updated_at)
     VALUES (:id, :review_id, :author_id, :path, :line, :body, :diff_hunk, :commit_id, :created_at, :updated_at)`,
    row,
  );
  return row;
}
