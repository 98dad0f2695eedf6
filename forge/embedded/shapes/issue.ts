/** Issues, comments and timelines as the API answers them. */
import { type Comment, commentCount } from "../domain/comments.ts";
import { assigneesOf, type Issue } from "../domain/issues.ts";
import { labelById, labelsOfIssue } from "../domain/labels.ts";
import { isWorkInProgress, pullOf } from "../domain/pulls.ts";
import type { Repo } from "../domain/repos.ts";
import { teamById } from "../domain/teams.ts";
import { requireUser, userById } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { labelOfRepoJson, repoApiUrl, repoUrl } from "./repo.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";
import { someUsersJson, teamJson, userByIdJson, userJson, type Viewer } from "./user.ts";

/** The page of an issue or a pull request. */
export const issueUrl = (forge: Forge, repo: Repo, issue: Issue): string =>
  `${repoUrl(forge, repo)}/${issue.is_pull ? "pulls" : "issues"}/${issue.number}`;

/** What issues and pull requests show alike. */
export function sharedIssueJson(forge: Forge, repo: Repo, issue: Issue, viewer: Viewer) {
  const assignees = assigneesOf(forge.db, issue.id);
  return {
    id: issue.id,
    number: issue.number,
    html_url: issueUrl(forge, repo, issue),
    user: userJson(forge, requireUser(forge.db, issue.author_id), viewer),
    title: issue.title,
    body: issue.body,
    labels: labelsOfIssue(forge.db, issue.id).map((label) => labelOfRepoJson(forge, label, repo)),
    milestone: null,
    assignee: assignees[0] ? userJson(forge, assignees[0], viewer) : null,
    assignees: someUsersJson(forge, assignees, viewer),
    state: issue.state,
    is_locked: false,
    comments: commentCount(forge.db, issue.id),
    created_at: isoTime(issue.created_at),
    updated_at: isoTime(issue.updated_at),
    closed_at: isoTimeOrNull(issue.closed_at),
    due_date: isoTimeOrNull(issue.due_at),
    pin_order: 0,
  };
}

export const issueJson = (forge: Forge, repo: Repo, issue: Issue, viewer: Viewer) => ({
  ...sharedIssueJson(forge, repo, issue, viewer),
  url: `${repoApiUrl(forge, repo)}/issues/${issue.number}`,
  original_author: "",
  original_author_id: 0,
  ref: issue.ref,
  assets: [],
  pull_request: pullMetaJson(forge, issue),
  repository: { id: repo.id, name: repo.name, owner: repo.owner_name, full_name: `${repo.owner_name}/${repo.name}` },
});

function pullMetaJson(forge: Forge, issue: Issue) {
  if (!issue.is_pull) return null;
  const pull = pullOf(forge.db, issue.id);
  return { merged: pull.merged_at !== null, merged_at: isoTimeOrNull(pull.merged_at), draft: isWorkInProgress(issue) };
}

export const commentJson = (forge: Forge, repo: Repo, issue: Issue, comment: WrittenComment, viewer: Viewer) => ({
  ...entryJson(forge, repo, issue, comment, viewer),
  original_author: "",
  original_author_id: 0,
  assets: [],
});

/** What a comment's JSON needs of its row; an event carries as much of a comment that is gone. */
export type WrittenComment = Pick<Comment, "id" | "author_id" | "body" | "created_at" | "updated_at">;

function entryJson(forge: Forge, repo: Repo, issue: Issue, comment: WrittenComment, viewer: Viewer) {
  const url = issueUrl(forge, repo, issue);
  return {
    id: comment.id,
    html_url: `${url}#issuecomment-${comment.id}`,
    pull_request_url: issue.is_pull ? url : "",
    issue_url: issue.is_pull ? "" : url,
    user: userJson(forge, requireUser(forge.db, comment.author_id), viewer),
    body: comment.body,
    created_at: isoTime(comment.created_at),
    updated_at: isoTime(comment.updated_at),
  };
}

/** One entry of the timeline. The body of a push and of a label's change is Forgejo's own code for it. */
export function timelineJson(forge: Forge, repo: Repo, issue: Issue, comment: Comment, viewer: Viewer) {
  const { detail } = comment;
  const label = detail.label_id === undefined ? undefined : labelById(forge.db, detail.label_id);
  const team = detail.team_id === undefined ? undefined : teamById(forge.db, detail.team_id);
  const assignee = detail.assignee_id === undefined ? undefined : userById(forge.db, detail.assignee_id);
  return {
    ...entryJson(forge, repo, issue, { ...comment, body: entryBody(comment) }, viewer),
    type: comment.kind,
    old_title: detail.old_title ?? "",
    new_title: detail.new_title ?? "",
    old_ref: detail.old_ref ?? "",
    new_ref: detail.new_ref ?? "",
    review_id: comment.review_id ?? 0,
    label: label ? labelOfRepoJson(forge, label, repo) : null,
    assignee: userByIdJson(forge, assignee?.id ?? null, viewer),
    assignee_team: team ? teamJson(forge, team) : null,
    removed_assignee: detail.is_removed ?? false,
    ...ABSENT_IN_TIMELINE,
  };
}

function entryBody(comment: Comment): string {
  const { detail } = comment;
  if (comment.kind === "label") return detail.is_removed ? "" : "1";
  if (comment.kind !== "pull_push") return comment.body;
  return JSON.stringify({ is_force_push: detail.is_force_push ?? false, commit_ids: detail.commit_ids ?? [] });
}

/** Fields of what the embedded forge does not have. */
const ABSENT_IN_TIMELINE = {
  old_project_id: 0,
  project_id: 0,
  old_milestone: null,
  milestone: null,
  tracked_time: null,
  ref_issue: null,
  ref_comment: null,
  ref_action: "none",
  ref_commit_sha: "",
  resolve_doer: null,
  dependent_issue: null,
};
