/** Table `comments`: what happened on an issue, oldest first. Kind `comment` is what a person wrote. */
import type { Database } from "../database/open.ts";
import { type Issue, touchIssue } from "./issues.ts";
import type { User } from "./users.ts";

/** The names that Forgejo's timeline gives to its entries. */
export type CommentKind =
  | "comment"
  | "close"
  | "reopen"
  | "label"
  | "assignees"
  | "change_title"
  | "change_target_branch"
  | "delete_branch"
  | "pull_push"
  | "merge_pull"
  | "review"
  | "review_request"
  | "dismiss_review";

/** What a timeline entry says beside its text; which keys are there depends on the kind. Users, teams and labels are ids. */
export interface CommentDetail {
  label_id?: number;
  assignee_id?: number;
  team_id?: number;
  /** Of an assignment or a request: it was taken back. */
  is_removed?: boolean;
  old_title?: string;
  new_title?: string;
  old_ref?: string;
  new_ref?: string;
  /** Ids of the commits that a push brought, oldest first. */
  commit_ids?: string[];
  is_force_push?: boolean;
}
interface CommentRow {
  id: number;
  issue_id: number;
  kind: CommentKind;
  author_id: number;
  body: string;
  review_id: number | null;
  detail: string;
  created_at: number;
  updated_at: number;
}
export interface Comment extends Omit<CommentRow, "detail"> {
  detail: CommentDetail;
}
export interface NewComment {
  issue: Pick<Issue, "id">;
  author: Pick<User, "id">;
  kind: CommentKind;
  body?: string;
  review_id?: number;
  detail?: CommentDetail;
  now: number;
}
/** Moments in milliseconds since 1970, both inclusive; by the time of the last change. */
export interface Period {
  since?: number | undefined;
  before?: number | undefined;
}

const parsed = (row: CommentRow): Comment => ({ ...row, detail: JSON.parse(row.detail) });
const LATEST_MS = 8.64e15;
const inPeriod = (period: Period) => ({ since: period.since ?? 0, before: period.before ?? LATEST_MS });

/** The id of what is said of a line: of the same count as the entries of timelines, as in Forgejo. */
export function drawCommentId(db: Database, issueId: number, authorId: number): number {
  const { id } = db.run(
    `INSERT INTO comments (id, issue_id, kind, author_id, created_at, updated_at)
     SELECT max(seq) + 1, :issue, 'comment', :author, 0, 0
     FROM (SELECT seq FROM sqlite_sequence WHERE name IN ('comments', 'review_comments') UNION ALL SELECT 0 AS seq)`,
    { issue: issueId, author: authorId },
  );
  db.run("DELETE FROM comments WHERE id = :id", { id });
  return id;
}

/** Adds an entry to an issue's timeline, which counts as a change of the issue. */
export function insertComment(db: Database, comment: NewComment): Comment {
  const { id } = db.run(
    `INSERT INTO comments (issue_id, kind, author_id, body, review_id, detail, created_at, updated_at)
     VALUES (:issue, :kind, :author, :body, :review, :detail, :now, :now)`,
    {
      issue: comment.issue.id,
      kind: comment.kind,
      author: comment.author.id,
      body: comment.body ?? "",
      review: comment.review_id ?? null,
      detail: JSON.stringify(comment.detail ?? {}),
      now: comment.now,
    },
  );
  touchIssue(db, comment.issue.id, comment.now);
  return requireComment(db, id);
}

export function commentById(db: Database, id: number): Comment | undefined {
  const row = db.get<CommentRow>("SELECT * FROM comments WHERE id = :id", { id });
  return row && parsed(row);
}

/** A row that was just written. */
function requireComment(db: Database, id: number): Comment {
  const comment = commentById(db, id);
  if (!comment) throw new Error(`comment ${id} does not exist`);
  return comment;
}

export function updateCommentBody(db: Database, comment: Comment, body: string, now: number): Comment {
  db.run("UPDATE comments SET body = :body, updated_at = :now WHERE id = :id", { id: comment.id, body, now });
  touchIssue(db, comment.issue_id, now);
  return requireComment(db, comment.id);
}

export function deleteCommentRow(db: Database, comment: Comment): void {
  db.run("DELETE FROM comments WHERE id = :id", { id: comment.id });
}

/** What people wrote on one issue, without review bodies. */
export const commentsOf = (db: Database, issueId: number, period: Period = {}): Comment[] =>
  db
    .all<CommentRow>(
      `SELECT * FROM comments WHERE issue_id = :issue AND kind = 'comment'
         AND updated_at BETWEEN :since AND :before ORDER BY id`,
      { issue: issueId, ...inPeriod(period) },
    )
    .map(parsed);

/** What people wrote in a whole repository; `isPull` says on which kind of issue. */
export const commentsOfRepo = (db: Database, repoId: number, kinds: { isPull: boolean }[], period: Period): Comment[] =>
  db
    .all<CommentRow>(
      `SELECT c.* FROM comments c JOIN issues i ON i.id = c.issue_id
       WHERE i.repo_id = :repo AND c.kind = 'comment' AND c.updated_at BETWEEN :since AND :before
         AND i.is_pull IN (SELECT value FROM json_each(:kinds)) ORDER BY c.id`,
      { repo: repoId, kinds: JSON.stringify(kinds.map((kind) => Number(kind.isPull))), ...inPeriod(period) },
    )
    .map(parsed);

/** Everything that happened on an issue. */
export const timelineOf = (db: Database, issueId: number, period: Period = {}): Comment[] =>
  db
    .all<CommentRow>(
      "SELECT * FROM comments WHERE issue_id = :issue AND updated_at BETWEEN :since AND :before ORDER BY id",
      { issue: issueId, ...inPeriod(period) },
    )
    .map(parsed);

/** How many entries of its issue came before this one. */
export const positionOf = (db: Database, entry: Pick<Comment, "id" | "issue_id">): number =>
  db.get<{ count: number }>("SELECT count(*) AS count FROM comments WHERE issue_id = :issue AND id < :id", {
    issue: entry.issue_id,
    id: entry.id,
  })?.count ?? 0;

export const entryCount = (db: Database, issueId: number): number =>
  db.get<{ count: number }>("SELECT count(*) AS count FROM comments WHERE issue_id = :issue", { issue: issueId })
    ?.count ?? 0;

/** The entry that a review made when it was given. */
export function commentOfReview(db: Database, reviewId: number): Comment | undefined {
  const row = db.get<CommentRow>("SELECT * FROM comments WHERE review_id = :review AND kind = 'review' ORDER BY id", {
    review: reviewId,
  });
  return row && parsed(row);
}

export const commentCount = (db: Database, issueId: number): number =>
  db.get<{ count: number }>("SELECT count(*) AS count FROM comments WHERE issue_id = :issue AND kind = 'comment'", {
    issue: issueId,
  })?.count ?? 0;
