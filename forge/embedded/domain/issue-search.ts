/** Lists of issues and pull requests: the rows that somebody may see and that fit a filter. */
import type { Database } from "../database/open.ts";
import type { Issue } from "./issues.ts";

/** All conditions must hold at once. Users are ids; moments are milliseconds since 1970, both ends inclusive. */
export interface IssueFilter {
  /** Repositories of which the reader may see the issues, and those of which it may see the pull requests. */
  repos: { issues: number[]; pulls: number[] };
  state?: "open" | "closed" | "all" | undefined;
  /** Each of these labels' names must be on the issue. */
  labels?: string[] | undefined;
  /** Text in the title, the body or a comment, in any case. */
  text?: string | undefined;
  since?: number | undefined;
  before?: number | undefined;
  author?: number | undefined;
  assignee?: number | undefined;
  /** A user's name: `@name` stands in the body or a comment. */
  mentioned?: string | undefined;
  /** Own pull requests are left out; requests to the user's teams count. */
  reviewRequestedOf?: number | undefined;
  reviewedBy?: number | undefined;
  sort?: string | undefined;
  /** The issues of this repository come first. */
  firstRepo?: number | undefined;
}
export interface Page {
  /** From 1. */
  page: number;
  limit: number;
}
interface Condition {
  sql: string;
  parameters?: Record<string, string | number>;
}

/** A map, so that a caller's word never finds what every object has. */
const ORDERS = new Map([
  ["latest", "i.created_at DESC"],
  ["oldest", "i.created_at ASC"],
  ["recentupdate", "i.updated_at DESC"],
  ["leastupdate", "i.updated_at ASC"],
  ["mostcomment", "comment_count DESC"],
  ["leastcomment", "comment_count ASC"],
  ["nearduedate", "i.due_at IS NULL, i.due_at ASC"],
  ["farduedate", "i.due_at IS NULL, i.due_at DESC"],
]);

/** One page of the issues that fit, and how many fit in all. */
export function searchIssues(db: Database, filter: IssueFilter, page: Page): { rows: Issue[]; total: number } {
  const conditions = conditionsOf(filter);
  const where = conditions.map((condition) => `(${condition.sql})`).join(" AND ");
  const parameters = Object.assign({}, ...conditions.map((condition) => condition.parameters ?? {}));
  const order = ORDERS.get(filter.sort ?? "latest") ?? "i.created_at DESC";
  const first = filter.firstRepo === undefined ? "" : "i.repo_id = :first_repo DESC, ";
  const rows = db.all<Issue & { comment_count?: number }>(
    `SELECT i.*, (SELECT count(*) FROM comments c WHERE c.issue_id = i.id AND c.kind = 'comment') AS comment_count
     FROM issues i WHERE ${where} ORDER BY ${first}${order}, i.id DESC LIMIT :limit OFFSET :offset`,
    {
      ...parameters,
      ...(filter.firstRepo === undefined ? {} : { first_repo: filter.firstRepo }),
      limit: page.limit,
      offset: (page.page - 1) * page.limit,
    },
  );
  const counted = db.get<{ total: number }>(`SELECT count(*) AS total FROM issues i WHERE ${where}`, parameters);
  return { rows: rows.map(({ comment_count: _count, ...issue }) => issue), total: counted?.total ?? 0 };
}

function conditionsOf(filter: IssueFilter): Condition[] {
  return [seen(filter.repos), ...plainConditions(filter), ...textConditions(filter), ...reviewConditions(filter)];
}

const seen = (repos: IssueFilter["repos"]): Condition => ({
  sql: `(i.is_pull = 0 AND i.repo_id IN (SELECT value FROM json_each(:issue_repos)))
     OR (i.is_pull = 1 AND i.repo_id IN (SELECT value FROM json_each(:pull_repos)))`,
  parameters: { issue_repos: JSON.stringify(repos.issues), pull_repos: JSON.stringify(repos.pulls) },
});

function plainConditions(filter: IssueFilter): Condition[] {
  const { state, since, before, author, assignee } = filter;
  const conditions: Condition[] = [];
  if (state === "open" || state === "closed") conditions.push({ sql: "i.state = :state", parameters: { state } });
  // Forgejo compares whole seconds, and clients read whole seconds: a finer comparison would lose rows of the last one
  if (since !== undefined)
    conditions.push({ sql: "i.updated_at / 1000 >= :since", parameters: { since: seconds(since) } });
  if (before !== undefined) {
    conditions.push({ sql: "i.updated_at / 1000 <= :before", parameters: { before: seconds(before) } });
  }
  if (author !== undefined) conditions.push({ sql: "i.author_id = :author", parameters: { author } });
  if (assignee !== undefined) {
    conditions.push({
      sql: "i.id IN (SELECT issue_id FROM issue_assignees WHERE user_id = :assignee)",
      parameters: { assignee },
    });
  }
  return conditions;
}

function textConditions(filter: IssueFilter): Condition[] {
  const conditions: Condition[] = [];
  for (const [index, label] of (filter.labels ?? []).entries()) {
    conditions.push({
      sql: `i.id IN (SELECT il.issue_id FROM issue_labels il JOIN labels l ON l.id = il.label_id WHERE l.name = :label_${index})`,
      parameters: { [`label_${index}`]: label },
    });
  }
  if (filter.text) conditions.push(contains("text", filter.text));
  if (filter.mentioned) conditions.push(contains("mention", `@${filter.mentioned}`));
  return conditions;
}

const contains = (name: string, text: string): Condition => ({
  sql: `instr(lower(i.title || char(10) || i.body), :${name}) > 0
     OR EXISTS (SELECT 1 FROM comments c WHERE c.issue_id = i.id AND c.kind = 'comment' AND instr(lower(c.body), :${name}) > 0)`,
  parameters: { [name]: text.toLowerCase() },
});

function reviewConditions(filter: IssueFilter): Condition[] {
  const conditions: Condition[] = [];
  const { reviewRequestedOf, reviewedBy } = filter;
  if (reviewRequestedOf !== undefined) {
    // a request that is answered is no row any more
    conditions.push({
      sql: `i.author_id <> :requested AND EXISTS (
        SELECT 1 FROM reviews r WHERE r.issue_id = i.id AND r.state = 'REQUEST_REVIEW'
          AND (r.reviewer_id = :requested OR r.team_id IN (SELECT team_id FROM team_members WHERE user_id = :requested)))`,
      parameters: { requested: reviewRequestedOf },
    });
  }
  if (reviewedBy !== undefined) {
    conditions.push({
      sql: `i.id IN (SELECT issue_id FROM reviews WHERE reviewer_id = :reviewed_by
                       AND state IN ('APPROVED', 'REQUEST_CHANGES', 'COMMENT'))`,
      parameters: { reviewed_by: reviewedBy },
    });
  }
  return conditions;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);
