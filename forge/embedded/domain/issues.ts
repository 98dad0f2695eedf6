/** Tables `issues` and `issue_assignees`. A pull request is an issue with a row in `pulls`. */
import type { Database } from "../database/open.ts";
import { type Access, demand, unitOf } from "./permissions.ts";
import { notFound } from "./refusal.ts";
import { type Repo, takeNumber } from "./repos.ts";
import type { User } from "./users.ts";

export type IssueState = "open" | "closed";
export interface Issue {
  id: number;
  repo_id: number;
  number: number;
  is_pull: number;
  title: string;
  body: string;
  author_id: number;
  state: IssueState;
  ref: string;
  due_at: number | null;
  created_at: number;
  updated_at: number;
  closed_at: number | null;
}
export interface NewIssue {
  repo: Repo;
  author: User;
  is_pull: boolean;
  title: string;
  body: string;
  ref?: string;
  due_at?: number | null;
  /** Taken before by `takeNumber`, by who needs it earlier. */
  number?: number;
  now: number;
}

/** Adds the row under the repository's next number. */
export function insertIssue(db: Database, issue: NewIssue): Issue {
  const { id } = db.run(
    `INSERT INTO issues (repo_id, number, is_pull, title, body, author_id, ref, due_at, created_at, updated_at)
     VALUES (:repo, :number, :is_pull, :title, :body, :author, :ref, :due_at, :now, :now)`,
    {
      repo: issue.repo.id,
      number: issue.number ?? takeNumber(db, issue.repo.id),
      is_pull: Number(issue.is_pull),
      title: issue.title,
      body: issue.body,
      author: issue.author.id,
      ref: issue.ref ?? "",
      due_at: issue.due_at ?? null,
      now: issue.now,
    },
  );
  return requireIssue(db, id);
}

const issueById = (db: Database, id: number) => db.get<Issue>("SELECT * FROM issues WHERE id = :id", { id });

/** A row that a foreign key promises. */
export function requireIssue(db: Database, id: number): Issue {
  const issue = issueById(db, id);
  if (!issue) throw new Error(`issue ${id} is named by a row but does not exist`);
  return issue;
}

export const issueByNumber = (db: Database, repo: Repo, number: number) =>
  db.get<Issue>("SELECT * FROM issues WHERE repo_id = :repo AND number = :number", { repo: repo.id, number });

/**
 * The issue or pull request of this number, whose unit `access` can read.
 * @throws Refusal 404
 */
export function findIssue(db: Database, repo: Repo, access: Access, number: number): Issue {
  const issue = issueByNumber(db, repo, number);
  if (!issue) throw notFound();
  demand(access, unitOf(issue), "read");
  return issue;
}

/** Only what is named is changed; `updated_at` always. */
export function updateIssue(
  db: Database,
  issueId: number,
  change: Partial<Pick<Issue, "title" | "body" | "state" | "ref" | "due_at" | "closed_at">>,
  now: number,
): Issue {
  for (const [column, value] of Object.entries(change)) {
    if (value !== undefined) db.run(`UPDATE issues SET ${column} = :value WHERE id = :id`, { id: issueId, value });
  }
  touchIssue(db, issueId, now);
  return requireIssue(db, issueId);
}

export function touchIssue(db: Database, issueId: number, now: number): void {
  db.run("UPDATE issues SET updated_at = :now WHERE id = :id", { id: issueId, now });
}

export const assigneesOf = (db: Database, issueId: number): User[] =>
  db.all<User>(
    "SELECT u.* FROM users u JOIN issue_assignees a ON a.user_id = u.id WHERE a.issue_id = :issue ORDER BY u.lower_name",
    { issue: issueId },
  );

export function addAssignee(db: Database, issueId: number, userId: number): void {
  db.run("INSERT OR IGNORE INTO issue_assignees (issue_id, user_id) VALUES (:issue, :user)", {
    issue: issueId,
    user: userId,
  });
}

export function removeAssignee(db: Database, issueId: number, userId: number): void {
  db.run("DELETE FROM issue_assignees WHERE issue_id = :issue AND user_id = :user", { issue: issueId, user: userId });
}
