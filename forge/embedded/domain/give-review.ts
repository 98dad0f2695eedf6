/**
 * Giving a review. Whether it is official is decided here and stays so. Of one reviewer's approvals and rejections only
 * the newest counts: a new one takes `official` from the older ones, dismisses them, and answers the request for it.
 */
import { type Forge, repoDir } from "../forge.ts";
import { resolveCommit } from "../git/objects.ts";
import { isOfficialReviewer } from "./branch-rights.ts";
import { insertComment } from "./comments.ts";
import { diffHunk } from "./diff-hunk.ts";
import { emit } from "./events.ts";
import { touchIssue } from "./issues.ts";
import { checkFilePath, printable } from "./names.ts";
import { accessOf, demand, refuseArchived } from "./permissions.ts";
import { ruleFor } from "./protection.ts";
import { isSameProposal } from "./pull-state.ts";
import { type PullRequest, pullRequestById } from "./pulls.ts";
import { Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import {
  deleteReviewRow,
  insertReview,
  insertReviewComment,
  pendingReview,
  type Review,
  type ReviewComment,
  reviewCommentsOf,
  reviewsBy,
  teamRequests,
  updateReview,
} from "./reviews.ts";
import { isMember } from "./teams.ts";
import type { User } from "./users.ts";

interface ReviewWish {
  /** APPROVED, REQUEST_CHANGES, COMMENT; anything else keeps the review pending. */
  event: string;
  body?: string | undefined;
  /** The head when it is not said. */
  commit_id?: string | undefined;
  comments?: readonly LineComment[] | undefined;
}
interface LineComment {
  path: string;
  /** Of the new file; negative: of the old one. */
  line: number;
  body: string;
}
type Verdict = "APPROVED" | "REQUEST_CHANGES" | "COMMENT" | "PENDING";
const VERDICTS: readonly Verdict[] = ["APPROVED", "REQUEST_CHANGES", "COMMENT"];

const verdictOf = (event: string): Verdict => VERDICTS.find((verdict) => verdict === event) ?? "PENDING";
export const isDecision = (verdict: string): boolean => verdict === "APPROVED" || verdict === "REQUEST_CHANGES";

/**
 * Anybody who can read may review. A pending review of the same reviewer becomes part of this one.
 * @throws Refusal 404 no right to read, 422 own pull request, closed one, no text where one is needed, unknown commit,
 *   423 archived
 */
export function giveReview(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  wish: ReviewWish,
): Promise<Review> {
  const access = accessOf(forge.db, actor, repo);
  demand(access, "pulls", "read");
  demand(access, "code", "read");
  refuseArchived(repo);
  const verdict = verdictOf(wish.event);
  return forge.locks.run(repo.id, async () => {
    const present = pullRequestById(forge.db, request.issue.id);
    const pending = pendingReview(forge.db, present.issue.id, actor.id);
    const hasComments = (wish.comments?.length ?? 0) + (pending ? reviewCommentsOf(forge.db, pending).length : 0) > 0;
    refuseVerdict(actor, present, verdict, wish.body ?? "", hasComments);
    const { commit, isStale } = await standing(forge, repo, present, wish.commit_id || pending?.commit_id);
    const comments = await withHunks(forge, repo, present, wish.comments ?? []);
    return forge.db.write(() => {
      const blank = { issue_id: present.issue.id, reviewer_id: actor.id, state: "PENDING" as const };
      const review = pending ?? insertReview(forge.db, { ...blank, commit_id: commit, now: forge.now() });
      for (const comment of comments)
        insertReviewComment(forge.db, review, {
          ...{ ...comment, author_id: actor.id, commit_id: commit },
          now: forge.now(),
        });
      const body = wish.body ?? "";
      return settle(forge, actor, repo, present, { review, verdict, body, commit, isStale });
    });
  });
}

/** @throws Refusal 422 not pending, and as giveReview */
export function submitReview(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  review: Review,
  wish: { event: string; body?: string | undefined },
): Promise<Review> {
  if (review.state !== "PENDING" || review.reviewer_id !== actor.id) {
    throw new Refusal(422, "only a pending review can be submitted");
  }
  const verdict = verdictOf(wish.event);
  if (verdict === "PENDING") throw new Refusal(422, "review stay pending");
  return giveReview(forge, actor, repo, request, { event: verdict, body: wish.body ?? review.body });
}

/**
 * Says something of a line in a review that is there, one's own or another's: an answer, of which no bell rings (Forgejo
 * 7.0.16).
 * @throws Refusal 423 archived
 */
export function addToReview(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  { review, ...comment }: LineComment & { review: Review },
): Promise<ReviewComment> {
  refuseArchived(repo);
  return forge.locks.run(repo.id, async () => {
    const [shown] = await withHunks(forge, repo, request, [comment]);
    return forge.db.write(() => {
      touchIssue(forge.db, review.issue_id, forge.now());
      const said = { ...comment, diff_hunk: shown?.diff_hunk ?? "", author_id: actor.id, commit_id: review.commit_id };
      return insertReviewComment(forge.db, review, { ...said, now: forge.now() });
    });
  });
}

function refuseVerdict(
  actor: User,
  { issue }: PullRequest,
  verdict: Verdict,
  body: string,
  hasComments: boolean,
): void {
  const isOwn = issue.author_id === actor.id;
  if (isOwn && verdict === "APPROVED") throw new Refusal(422, "approve your own pull is not allowed");
  if (isOwn && verdict === "REQUEST_CHANGES") throw new Refusal(422, "reject your own pull is not allowed");
  if (isDecision(verdict) && issue.state === "closed") {
    throw new Refusal(422, "can not submit review for a closed or merged PR");
  }
  if (body.trim() !== "" || verdict === "APPROVED") return;
  if (verdict === "COMMENT" && hasComments) return;
  const need = verdict === "COMMENT" ? "a body or a comment" : "a body";
  throw new Refusal(422, `review event ${verdict} requires ${need}`);
}

/** Which commit is reviewed, and whether the head proposes something else than that. */
async function standing(forge: Forge, repo: Repo, { pull }: PullRequest, wanted: string | undefined) {
  if (!wanted || wanted === pull.head_sha) return { commit: pull.head_sha, isStale: false };
  const commit = await resolveCommit(forge.git, repoDir(forge, repo), wanted);
  if (commit === undefined) throw new Refusal(422, `object does not exist [id: ${printable(wanted, 40)}]`);
  const isSame = await isSameProposal(
    forge,
    repo,
    { base: pull.merge_base, head: commit },
    { base: pull.merge_base, head: pull.head_sha },
  );
  return { commit, isStale: !isSame };
}

function withHunks(forge: Forge, repo: Repo, { pull }: PullRequest, comments: readonly LineComment[]) {
  const span = { base: pull.merge_base, head: pull.head_sha };
  return Promise.all(
    comments.map(async ({ path, line, body }) => {
      checkFilePath(path);
      const diff_hunk = await diffHunk(forge.git, repoDir(forge, repo), { ...span, path, line });
      return { path, line, body, diff_hunk };
    }),
  );
}

interface Settlement {
  review: Review;
  verdict: Verdict;
  body: string;
  commit: string;
  isStale: boolean;
}

function settle(forge: Forge, actor: User, repo: Repo, request: PullRequest, settlement: Settlement): Review {
  const { review, verdict, body, commit, isStale } = settlement;
  const { issue, pull } = request;
  const { db } = forge;
  if (verdict === "PENDING") return updateReview(db, review.id, { body, commit_id: commit }, forge.now());
  supersede(forge, actor, review, verdict);
  const isOfficial = isDecision(verdict) && isOfficialReviewer(db, ruleFor(db, repo, pull.base_branch), actor, repo);
  const settled = updateReview(
    db,
    review.id,
    { state: verdict, body, commit_id: commit, official: Number(isOfficial), stale: Number(isStale) },
    forge.now(),
  );
  insertComment(db, { issue, author: actor, kind: "review", body, review_id: review.id, now: forge.now() });
  const where = { repoId: repo.id, issueId: issue.id, actorId: actor.id };
  emit(forge, { kind: "review", ...where, reviewId: review.id, state: verdict, body });
  return settled;
}

/** What the reviewer's new word does to its older ones, and to requests to it and, by a decision, to its teams. */
function supersede(forge: Forge, actor: User, review: Review, verdict: Verdict): void {
  const { db } = forge;
  for (const older of reviewsBy(db, review.issue_id, actor.id)) {
    if (older.id === review.id) continue;
    if (older.state === "REQUEST_REVIEW") deleteReviewRow(db, older.id);
    else if (isDecision(verdict) && isDecision(older.state)) {
      updateReview(db, older.id, { official: 0, dismissed: 1 }, older.updated_at);
    }
  }
  if (!isDecision(verdict)) return;
  for (const request of teamRequests(db, review.issue_id)) {
    if (request.team_id !== null && isMember(db, request.team_id, actor.id)) deleteReviewRow(db, request.id);
  }
}
