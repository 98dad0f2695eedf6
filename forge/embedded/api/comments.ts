/** Comments on issues and pull requests. */
import { z } from "zod";
import { isAtLeast } from "../domain/access-level.ts";
import { type Comment, commentById, commentsOf, commentsOfRepo } from "../domain/comments.ts";
import { type Issue, requireIssue } from "../domain/issues.ts";
import { type Access, demand, unitOf } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { changeComment, deleteComment, writeComment } from "../domain/write-comment.ts";
import { commentJson } from "../shapes/issue.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { id, issuePath, queryMoment, repoPath } from "./fields.ts";
import { pagedFrom, pageOf, paging } from "./paging.ts";
import { issueOf, openIssueOf, repoOf } from "./places.ts";

const CommentBody = z.object({ body: z.string("Required") });
const period = { since: queryMoment, before: queryMoment };
const commentPath = repoPath.extend({ id });

interface CommentPlace {
  repo: Repo;
  access: Access;
  issue: Issue;
  comment: Comment;
}

/** @throws Refusal 404 unknown, of another repository, or on an issue that the caller may not read */
function commentOf(call: Call<{ owner: string; repo: string; id: number }>): CommentPlace {
  const { repo, access } = repoOf(call);
  const comment = commentById(call.forge.db, call.params.id);
  const issue = comment && requireIssue(call.forge.db, comment.issue_id);
  if (!comment || issue?.repo_id !== repo.id) throw notFound();
  demand(access, unitOf(issue), "read");
  return { repo, access, issue, comment };
}

const isWritten = (comment: Comment): boolean => comment.kind === "comment";

export const commentEndpoints: Endpoint[] = [
  endpoint(
    "GET",
    "/repos/:owner/:repo/issues/:index/comments",
    { scopes: ["issue"], params: issuePath, query: z.object(period) },
    (call) => {
      const { repo, issue } = issueOf(call);
      const comments = commentsOf(call.forge.db, issue.id, call.query);
      const body = comments.map((comment) => commentJson(call.forge, repo, issue, comment, call.user));
      return { status: 200, body, headers: { "X-Total-Count": String(comments.length) } };
    },
  ),

  endpoint(
    "POST",
    "/repos/:owner/:repo/issues/:index/comments",
    { scopes: ["issue"], params: issuePath, body: CommentBody },
    (call) => {
      const { repo, issue } = openIssueOf(call);
      const comment = writeComment(call.forge, call.user, issue, call.body.body);
      return created(commentJson(call.forge, repo, issue, comment, call.user));
    },
  ),

  endpoint(
    "GET",
    "/repos/:owner/:repo/issues/comments",
    { scopes: ["issue"], params: repoPath, query: z.object({ ...paging, ...period }) },
    (call) => {
      const { repo, access } = repoOf(call);
      const kinds = [
        ...(isAtLeast(access.issues, "read") ? [{ isPull: false }] : []),
        ...(isAtLeast(access.pulls, "read") ? [{ isPull: true }] : []),
      ];
      const comments = commentsOfRepo(call.forge.db, repo.id, kinds, call.query);
      return pagedFrom(call, pageOf(call.query), comments, (comment) =>
        commentJson(call.forge, repo, requireIssue(call.forge.db, comment.issue_id), comment, call.user),
      );
    },
  ),

  endpoint("GET", "/repos/:owner/:repo/issues/comments/:id", { scopes: ["issue"], params: commentPath }, (call) => {
    const { repo, issue, comment } = commentOf(call);
    return isWritten(comment) ? ok(commentJson(call.forge, repo, issue, comment, call.user)) : NO_CONTENT;
  }),

  endpoint(
    "PATCH",
    "/repos/:owner/:repo/issues/comments/:id",
    { scopes: ["issue"], params: commentPath, body: CommentBody },
    (call) => {
      const { repo, access, issue, comment } = commentOf(call);
      if (!isWritten(comment)) return NO_CONTENT;
      const changed = changeComment(call.forge, call.user, access, issue, comment, call.body.body);
      return ok(commentJson(call.forge, repo, issue, changed, call.user));
    },
  ),

  endpoint("DELETE", "/repos/:owner/:repo/issues/comments/:id", { scopes: ["issue"], params: commentPath }, (call) => {
    const { access, issue, comment } = commentOf(call);
    if (isWritten(comment)) deleteComment(call.forge, call.user, access, issue, comment);
    return NO_CONTENT;
  }),
];
