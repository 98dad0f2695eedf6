/** Pull requests and reviews as the API answers them. */
import { commentOfReview } from "../domain/comments.ts";
import type { Issue } from "../domain/issues.ts";
import { accessOf } from "../domain/permissions.ts";
import { isMergeable, isWorkInProgress, type Pull, pullHeadRef, pullOf } from "../domain/pulls.ts";
import type { Repo } from "../domain/repos.ts";
import {
  namedReviewers,
  type Review,
  type ReviewComment,
  reviewCommentCount,
  reviewCommentsOf,
} from "../domain/reviews.ts";
import { teamById } from "../domain/teams.ts";
import { requireUser, type User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { issueUrl, sharedIssueJson } from "./issue.ts";
import { repoJson } from "./repo.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";
import { someUsersJson, teamJson, userByIdJson, userJson, type Viewer } from "./user.ts";

/** Made of rows alone, so that a webhook's body can be written inside a transaction. */
export function pullJson(forge: Forge, repo: Repo, issue: Issue, viewer: Viewer) {
  const pull = pullOf(forge.db, issue.id);
  const { users, teams } = namedReviewers(forge.db, issue.id);
  const url = issueUrl(forge, repo, issue);
  return {
    ...sharedIssueJson(forge, repo, issue, viewer),
    url,
    diff_url: `${url}.diff`,
    patch_url: `${url}.patch`,
    draft: isWorkInProgress(issue),
    requested_reviewers: someUsersJson(forge, users, viewer),
    requested_reviewers_teams: teams.length === 0 ? null : teams.map((team) => teamJson(forge, team)),
    review_comments: reviewCommentCount(forge.db, issue.id),
    mergeable: pull.merged_at === null && isMergeable({ issue, pull }),
    merged: pull.merged_at !== null,
    merged_at: isoTimeOrNull(pull.merged_at),
    merge_commit_sha: pull.merge_commit,
    merged_by: userByIdJson(forge, pull.merged_by, viewer),
    merge_base: pull.merge_base,
    additions: pull.additions,
    deletions: pull.deletions,
    changed_files: pull.changed_files,
    allow_maintainer_edit: pull.allow_maintainer_edit === 1,
    flow: pull.flow,
    ...branchesJson(forge, repo, issue, pull, viewer),
  };
}

/** A pull request by AGit has no branch: its head is called by its ref and has no label. */
function branchesJson(forge: Forge, repo: Repo, issue: Issue, pull: Pull, viewer: Viewer) {
  const access = accessOf(forge.db, viewer ?? requireUser(forge.db, issue.author_id), repo);
  const place = { repo_id: repo.id, repo: repoJson(forge, repo, access, viewer) };
  const head =
    pull.flow === 1
      ? { label: "", ref: pullHeadRef(issue.number) }
      : { label: pull.head_branch, ref: pull.head_branch };
  return {
    base: { label: pull.base_branch, ref: pull.base_branch, sha: pull.base_sha, ...place },
    head: { ...head, sha: pull.head_sha, ...place },
  };
}

export function reviewJson(forge: Forge, repo: Repo, issue: Issue, review: Review, viewer: User) {
  const url = issueUrl(forge, repo, issue);
  const comment = commentOfReview(forge.db, review.id);
  const team = review.team_id === null ? undefined : teamById(forge.db, review.team_id);
  return {
    id: review.id,
    user: userByIdJson(forge, review.reviewer_id, viewer),
    team: team ? teamJson(forge, team) : null,
    state: review.state,
    body: review.body,
    commit_id: review.commit_id,
    stale: review.stale === 1,
    official: review.official === 1,
    dismissed: review.dismissed === 1,
    comments_count: reviewCommentsOf(forge.db, review).length,
    submitted_at: isoTime(review.created_at),
    updated_at: isoTime(review.updated_at),
    html_url: comment ? `${url}#issuecomment-${comment.id}` : "",
    pull_request_url: url,
  };
}

export function reviewCommentJson(forge: Forge, repo: Repo, issue: Issue, comment: ReviewComment, viewer: User) {
  const url = issueUrl(forge, repo, issue);
  return {
    id: comment.id,
    body: comment.body,
    user: userJson(forge, requireUser(forge.db, comment.author_id), viewer),
    resolver: null,
    pull_request_review_id: comment.review_id,
    created_at: isoTime(comment.created_at),
    updated_at: isoTime(comment.updated_at),
    path: comment.path,
    commit_id: comment.commit_id,
    original_commit_id: comment.commit_id,
    diff_hunk: comment.diff_hunk,
    position: Math.max(comment.line, 0),
    original_position: Math.max(-comment.line, 0),
    html_url: `${url}#review-${comment.review_id}`,
    pull_request_url: url,
  };
}
