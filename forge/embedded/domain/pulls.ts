/**
 * Table `pulls`: what a pull request has beyond its issue. Its head is kept as refs/pull/NUMBER/head; the row follows the
 * ref, and all that can be computed from the two commits is computed before the transaction that stores it.
 */
import type { Database } from "../database/open.ts";
import { type Issue, issueByNumber, requireIssue } from "./issues.ts";
import { type Access, demand } from "./permissions.ts";
import { notFound } from "./refusal.ts";
import type { Repo } from "./repos.ts";

/** 0: from a branch of the same repository. 1: AGit. */
export type Flow = 0 | 1;
export interface Pull {
  issue_id: number;
  flow: Flow;
  base_branch: string;
  /** The branch (flow 0), or user/topic (flow 1). */
  head_branch: string;
  /** Tip of the base branch; stays as it was at the merge or the close. */
  base_sha: string;
  head_sha: string;
  /** "" for unrelated histories. */
  merge_base: string;
  conflict: "none" | "conflict" | "empty" | "unrelated";
  additions: number;
  deletions: number;
  changed_files: number;
  allow_maintainer_edit: number;
  merge_intent: MergeIntent | null;
  merged_at: number | null;
  merged_by: number | null;
  merge_commit: string | null;
}
/** Stored before the base branch moves to `commit`; see merge.ts. */
export interface MergeIntent {
  commit: string;
  before: string;
  by: number;
  at: number;
  deletes_branch: boolean;
}
interface PullRow extends Omit<Pull, "merge_intent"> {
  merge_intent: string | null;
}
/** A pull request is both rows. */
export interface PullRequest {
  issue: Issue;
  pull: Pull;
}
/** What is computed from the two commits. */
export type PullState = Pick<
  Pull,
  "base_sha" | "head_sha" | "merge_base" | "conflict" | "additions" | "deletions" | "changed_files"
>;

const parsed = ({ merge_intent, ...row }: PullRow): Pull => ({
  ...row,
  merge_intent: merge_intent === null ? null : JSON.parse(merge_intent),
});

/** The row that an issue with `is_pull` has. */
export function pullOf(db: Database, issueId: number): Pull {
  const row = db.get<PullRow>("SELECT * FROM pulls WHERE issue_id = :issue", { issue: issueId });
  if (!row) throw new Error(`issue ${issueId} is a pull request without a row in pulls`);
  return parsed(row);
}

export const pullRequestById = (db: Database, issueId: number): PullRequest => ({
  issue: requireIssue(db, issueId),
  pull: pullOf(db, issueId),
});

/** @throws Refusal 404 when there is no such pull request or `access` may not read it */
export function findPull(db: Database, repo: Repo, access: Access, number: number): PullRequest {
  demand(access, "pulls", "read");
  demand(access, "code", "read");
  const issue = issueByNumber(db, repo, number);
  if (!issue?.is_pull) throw notFound();
  return { issue, pull: pullOf(db, issue.id) };
}

export function insertPull(
  db: Database,
  issue: Issue,
  pull: PullState & Pick<Pull, "flow" | "base_branch" | "head_branch">,
): PullRequest {
  db.run(
    `INSERT INTO pulls (issue_id, flow, base_branch, head_branch, base_sha, head_sha, merge_base, conflict,
                        additions, deletions, changed_files)
     VALUES (:issue, :flow, :base_branch, :head_branch, :base_sha, :head_sha, :merge_base, :conflict,
             :additions, :deletions, :changed_files)`,
    { issue: issue.id, ...pull },
  );
  return pullRequestById(db, issue.id);
}

/** Only what is named is changed. */
export function updatePull(db: Database, issueId: number, change: Partial<Omit<Pull, "issue_id" | "flow">>): void {
  for (const [column, value] of Object.entries(change)) {
    const stored = value !== null && typeof value === "object" ? JSON.stringify(value) : value;
    if (stored !== undefined)
      db.run(`UPDATE pulls SET ${column} = :value WHERE issue_id = :issue`, { issue: issueId, value: stored });
  }
}

const OPEN = `SELECT i.id FROM issues i JOIN pulls p ON p.issue_id = i.id WHERE i.repo_id = :repo AND i.state = 'open'`;

const requests = (db: Database, sql: string, parameters: Record<string, string | number>): PullRequest[] =>
  db.all<{ id: number }>(`${sql} ORDER BY i.number`, parameters).map(({ id }) => pullRequestById(db, id));

export const openPullsInto = (db: Database, repo: Repo, branch: string): PullRequest[] =>
  requests(db, `${OPEN} AND p.base_branch = :branch`, { repo: repo.id, branch });

/** Those whose head is a branch of the repository. */
export const openPullsFrom = (db: Database, repo: Repo, branch: string): PullRequest[] =>
  requests(db, `${OPEN} AND p.flow = 0 AND p.head_branch = :branch`, { repo: repo.id, branch });

/** A topic belongs to its author: another user's same topic is another pull request. */
export const openAgitPull = (db: Database, repo: Repo, author: { id: number }, base: string, head: string) =>
  requests(db, `${OPEN} AND p.flow = 1 AND i.author_id = :author AND p.base_branch = :base AND p.head_branch = :head`, {
    repo: repo.id,
    author: author.id,
    base,
    head,
  })[0];

/** The open one, else the newest, that would bring `head` into `base`. @throws Refusal 404 */
export function pullByBranches(db: Database, repo: Repo, base: string, head: string): PullRequest {
  const found = db.get<{ id: number }>(
    `SELECT i.id FROM issues i JOIN pulls p ON p.issue_id = i.id
     WHERE i.repo_id = :repo AND p.base_branch = :base AND p.head_branch = :head
     ORDER BY i.state = 'open' DESC, i.number DESC`,
    { repo: repo.id, base, head },
  );
  if (!found) throw notFound();
  return pullRequestById(db, found.id);
}

export const allPulls = (db: Database, repo: Repo): PullRequest[] =>
  requests(db, "SELECT i.id FROM issues i JOIN pulls p ON p.issue_id = i.id WHERE i.repo_id = :repo", {
    repo: repo.id,
  });

/** Whose merge has begun and is not known to have ended, in all repositories. */
export const pullsWithIntent = (db: Database): PullRequest[] =>
  requests(db, "SELECT i.id FROM issues i JOIN pulls p ON p.issue_id = i.id WHERE p.merge_intent IS NOT NULL", {});

export const pullHeadRef = (number: number): string => `refs/pull/${number}/head`;

/** "WIP:" or "[WIP]" at its beginning, in any case. */
export const isWorkInProgress = (issue: Pick<Issue, "title">): boolean => /^\s*(wip:|\[wip\])/i.test(issue.title);

/** As Forgejo says it: no conflict and not work in progress. It tells nothing about approvals. */
export const isMergeable = ({ issue, pull }: PullRequest): boolean =>
  !isWorkInProgress(issue) && pull.conflict !== "conflict" && pull.conflict !== "unrelated";
