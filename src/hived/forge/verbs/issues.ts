/** Issues, what is common to them and pull requests, comments and labels. */
import { z } from "zod";
import type { EpochMs } from "../../../contract/names.ts";
import type { Connection } from "../connection.ts";
import { at, inSeconds, Login, Logins, Moment, Text } from "./shapes.ts";

const IssueAnswer = z.object({
  number: z.number().int(),
  title: z.string(),
  body: Text,
  user: Login,
  state: z.enum(["open", "closed"]),
  html_url: z.string(),
  assignees: Logins,
  created_at: Moment,
  updated_at: Moment,
  pull_request: z.object({ merged: z.boolean() }).nullish(),
  repository: z.object({ full_name: z.string() }).nullish(),
});

/** An issue, or what a pull request has in common with one. */
export type Issue = ReturnType<typeof toIssue>;

const toIssue = (issue: z.output<typeof IssueAnswer>) => ({
  number: issue.number,
  kind: issue.pull_request ? ("pull" as const) : ("issue" as const),
  title: issue.title,
  body: issue.body,
  author: issue.user,
  state: issue.pull_request?.merged ? ("merged" as const) : issue.state,
  url: issue.html_url,
  assignees: issue.assignees,
  createdAt: issue.created_at,
  updatedAt: issue.updated_at,
});

const CommentAnswer = z.object({
  id: z.number().int(),
  user: Login,
  body: Text,
  created_at: Moment,
  updated_at: Moment,
});

type Changed = { repo: string; number: number; updatedAt: EpochMs };

const toChanged = ({ repository, number, updated_at }: z.output<typeof IssueAnswer>): Changed[] =>
  repository ? [{ repo: repository.full_name, number, updatedAt: updated_at }] : [];

export type Comment = ReturnType<typeof toComment>;

const toComment = ({ created_at, updated_at, ...comment }: z.output<typeof CommentAnswer>) => ({
  ...comment,
  createdAt: created_at,
  updatedAt: updated_at,
});

const Label = z.object({ id: z.number().int(), name: z.string(), color: z.string(), description: Text });
export type LabelLook = { name: string; color: string; description: string };

export function issueVerbs(connection: Connection) {
  const listLabels = (repo: string) =>
    connection.list(Label, (api, page) => api.repos.issueListLabels(...at(repo), page));
  const editIssue = async (
    repo: string,
    number: number,
    change: { title?: string; body?: string; assignees?: string[]; state?: "open" | "closed" },
  ): Promise<void> => {
    await connection.tell((api) => api.repos.issueEditIssue(...at(repo), number, change));
  };
  return {
    /** Pull requests have the same numbers: `kind` says which it is. */
    async readIssue(repo: string, number: number): Promise<Issue | null> {
      const issue = await connection.find(IssueAnswer, (api) => api.repos.issueGetIssue(...at(repo), number));
      return issue && toIssue(issue);
    },
    /** @param query `since`: changed then or later, in whole seconds */
    async listIssues(
      repo: string,
      query: { state: "open" | "closed" | "all"; author?: string; since?: number },
    ): Promise<Issue[]> {
      const { state, author, since } = query;
      const issues = await connection.list(IssueAnswer, (api, page) =>
        api.repos.issueListIssues(...at(repo), {
          state,
          type: "issues",
          ...(author !== undefined && { created_by: author }),
          ...(since !== undefined && { since: inSeconds(since) }),
          ...page,
        }),
      );
      return issues.map(toIssue);
    },
    /**
     * Everything of an owner that changed since then, issues and pull requests alike, in no order, page by page. `total`:
     * how many of its kind there are, as far as the forge has said it.
     * @param since compared in whole seconds and inclusive (GET /repos/issues/search), so that what changed in the last
     *   second comes again and must be harmless.
     */
    async *changedPages(owner: string, since: EpochMs): AsyncGenerator<{ changed: Changed[]; total: number }> {
      const query = { owner, state: "all" as const, since: inSeconds(since) };
      for (const type of ["issues", "pulls"] as const) {
        const pages = connection.pages(IssueAnswer, (api, page) =>
          api.repos.issueSearchIssues({ ...query, type, ...page }),
        );
        for await (const { rows, total } of pages)
          yield { changed: rows.flatMap(toChanged), total: total ?? rows.length };
      }
    },
    /** The pull requests of the caller's, and those that it is to review, wherever it can see them, as `changedPages`. */
    async *ownPullPages(since: EpochMs): AsyncGenerator<Changed[]> {
      const query = { type: "pulls" as const, state: "all" as const, since: inSeconds(since) };
      for (const part of [{ created: true }, { review_requested: true }]) {
        const pages = connection.pages(IssueAnswer, (api, page) =>
          api.repos.issueSearchIssues({ ...query, ...part, ...page }),
        );
        for await (const { rows } of pages) yield rows.flatMap(toChanged);
      }
    },
    /** How many issues and pull requests an owner has on the forge, in all. */
    countItems: async (owner: string): Promise<number> => {
      let count = 0;
      for (const type of ["issues", "pulls"] as const) {
        const query = { owner, state: "all" as const, type, limit: 1 };
        count += (await connection.count((api) => api.repos.issueSearchIssues(query))) ?? 0;
      }
      return count;
    },
    /** The same of one repository; null when there is none of that name. */
    countItemsOf: (repo: string): Promise<number | null> =>
      connection.count((api) => api.repos.issueListIssues(...at(repo), { state: "all", limit: 1 })),
    /** Without write access a poster's labels and assignees would be dropped without a word: they are not offered here. */
    async createIssue(repo: string, issue: { title: string; body: string }): Promise<Issue> {
      return toIssue(await connection.ask(IssueAnswer, (api) => api.repos.issueCreateIssue(...at(repo), issue)));
    },
    editIssue,
    closeIssue: (repo: string, number: number): Promise<void> => editIssue(repo, number, { state: "closed" }),
    /** All comments, oldest first, but no bodies of reviews. The forge does not page them. */
    async listComments(repo: string, number: number): Promise<Comment[]> {
      const comments = await connection.ask(z.array(CommentAnswer).nullable(), (api) =>
        api.repos.issueGetComments(...at(repo), number),
      );
      return (comments ?? []).map(toComment);
    },
    async postComment(repo: string, number: number, body: string): Promise<void> {
      await connection.tell((api) => api.repos.issueCreateComment(...at(repo), number, { body }));
    },
    /** In the caller's own words; the forge keeps what it said before. */
    async editComment(repo: string, id: number, body: string): Promise<void> {
      await connection.tell((api) => api.repos.issueEditComment(...at(repo), id, { body }));
    },
    listLabels,
    async createLabel(repo: string, label: LabelLook): Promise<void> {
      await connection.tell((api) => api.repos.issueCreateLabel(...at(repo), { ...label, color: `#${label.color}` }));
    },
    /** By name; what the repository has no label of is left out. 7.0 knows labels of an issue by id alone. */
    async addLabels(repo: string, number: number, names: string[]): Promise<void> {
      const labels = (await listLabels(repo)).filter(({ name }) => names.includes(name)).map(({ id }) => id);
      if (labels.length > 0) await connection.tell((api) => api.repos.issueAddLabel(...at(repo), number, { labels }));
    },
  };
}
