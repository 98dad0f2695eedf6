/** Writing, changing and deleting comments. */
import type { Forge } from "../forge.ts";
import { isAtLeast } from "./access-level.ts";
import { type Comment, deleteCommentRow, insertComment, updateCommentBody } from "./comments.ts";
import { type CommentBrief, emit, type IssueEvent } from "./events.ts";
import { type Issue, touchIssue } from "./issues.ts";
import { type Access, unitOf } from "./permissions.ts";
import { Refusal } from "./refusal.ts";
import type { User } from "./users.ts";

const brief = (comment: Comment): CommentBrief => ({
  id: comment.id,
  authorId: comment.author_id,
  body: comment.body,
  createdAt: comment.created_at,
  updatedAt: comment.updated_at,
});

/** Whoever may read the issue may comment on it. @throws Refusal 422 empty body */
export function writeComment(forge: Forge, author: User, issue: Issue, body: string): Comment {
  if (body.trim() === "") throw new Refusal(422, "[Body]: Required");
  return forge.db.write(() => {
    const comment = insertComment(forge.db, { issue, author, kind: "comment", body, now: forge.now() });
    tell(forge, author, issue, comment, { action: "created" });
    return comment;
  });
}

/** @throws Refusal 403 for another one's comment */
export function changeComment(
  forge: Forge,
  actor: User,
  access: Access,
  issue: Issue,
  comment: Comment,
  body: string,
): Comment {
  demandCommentEditor(actor, access, issue, comment);
  return forge.db.write(() => {
    const changed = updateCommentBody(forge.db, comment, body, forge.now());
    tell(forge, actor, issue, changed, { action: "edited", changes: { body: { from: comment.body } } });
    return changed;
  });
}

/** @throws Refusal 403 for another one's comment */
export function deleteComment(forge: Forge, actor: User, access: Access, issue: Issue, comment: Comment): void {
  demandCommentEditor(actor, access, issue, comment);
  forge.db.write(() => {
    tell(forge, actor, issue, comment, { action: "deleted" });
    deleteCommentRow(forge.db, comment);
    touchIssue(forge.db, issue.id, forge.now());
  });
}

/** Who wrote the comment or may write its issue's unit (Forgejo 7.0.16, PATCH and DELETE of a comment). */
export const mayEditComment = (user: User, access: Access, issue: Issue, comment: Comment): boolean =>
  comment.author_id === user.id || isAtLeast(access[unitOf(issue)], "write");

function demandCommentEditor(actor: User, access: Access, issue: Issue, comment: Comment): void {
  if (!mayEditComment(actor, access, issue, comment)) throw new Refusal(403, "user is not the author of this comment");
}

type CommentEvent = Pick<Extract<IssueEvent, { kind: "issue_comment" }>, "action" | "changes">;

function tell(forge: Forge, actor: User, issue: Issue, comment: Comment, event: CommentEvent): void {
  const where = { repoId: issue.repo_id, issueId: issue.id, actorId: actor.id };
  emit(forge, { kind: "issue_comment", ...where, comment: brief(comment), ...event });
}
