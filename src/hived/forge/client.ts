/** The forge as each of its users: everything that hived asks of it, and nothing else. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { FileToWrite } from "../../contract/launch.ts";
import type { ObjectId } from "../../contract/names.ts";
import type { Tokens } from "../agents/tokens.ts";
import {
  Blob,
  Branch,
  ChangedFile,
  Comment,
  Issue,
  Pull,
  Review,
  Status,
  Tag,
  Tree,
  type TreeEntry,
} from "./answers.ts";
import { type Connection, connect, part, repoParts } from "./connection.ts";
import { ForgeAnswered, ForgeUnavailable, orDone, orNull } from "./errors.ts";

export type { Comment, Issue, Pull, Review, Status, TreeEntry } from "./answers.ts";

export type Forge = {
  /** The forge as that user. A missing token is a fault of each call: provisioning makes one. */
  as(user: string): ForgeUser;
  /** What provisioning needs: the same connection, without verbs. */
  connectAs(user: string): Connection;
  /** As a user with that password, for making its token. */
  connectWithPassword(user: string, password: string): Connection;
};
export type ForgeUser = ReturnType<typeof verbsOf>;

type Place = { url: string; tokens: Pick<Tokens, "read">; adminTokenFile: string };

export const admin = "hive-admin";

export function openForge({ url, tokens, adminTokenFile }: Place): Forge {
  const tokenOf = (user: string) => {
    const token = user === admin ? readFileSync(adminTokenFile, "utf8").trim() : tokens.read(user);
    if (token) return `token ${token}`;
    throw new ForgeUnavailable(`${user} has no token for the forge yet`);
  };
  const connectAs = (user: string) => connect(url, () => tokenOf(user));
  const users = new Map<string, ForgeUser>();
  return {
    connectAs,
    connectWithPassword: (user, password) =>
      connect(url, () => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`),
    as(user) {
      const known = users.get(user) ?? verbsOf(connectAs(user));
      users.set(user, known);
      return known;
    },
  };
}

const anything = z.unknown();

/** `repo` is always `owner/name`, `ref` a branch, a tag or a commit. */
function verbsOf({ call, list }: Connection) {
  const readTree = async (repo: string, ref: string, options: { recursive?: boolean } = {}): Promise<TreeEntry[]> => {
    const entries: TreeEntry[] = [];
    for (let page = 1; ; page += 1) {
      const query = { page, per_page: 1000, ...(options.recursive && { recursive: true }) };
      const { tree, truncated } = await call(`read the tree of ${repo}`, Tree, (api) =>
        api.repos.getTree(...repoParts(repo), part(ref), query),
      );
      entries.push(...(tree ?? []));
      if (!truncated || !tree?.length) return entries;
    }
  };
  const readBlob = async (repo: string, sha: ObjectId): Promise<Buffer> => {
    const blob = await call(`read a file of ${repo}`, Blob, (api) => api.repos.getBlob(...repoParts(repo), sha));
    return Buffer.from(blob.content, "base64");
  };
  const readEntry = async (repo: string, ref: string, path: string): Promise<TreeEntry | null> => {
    let tree: string = ref;
    const parts = path.split("/");
    for (const [depth, name] of parts.entries()) {
      const entry = (await orNull(readTree(repo, tree)))?.find((candidate) => candidate.path === name);
      if (!entry) return null;
      if (depth === parts.length - 1) return entry;
      tree = entry.sha;
    }
    return null;
  };
  return {
    readTree,
    readBlob,

    readBranch: (repo: string, branch: string) =>
      orNull(call(`read branch ${branch}`, Branch, (api) => api.repos.repoGetBranch(...repoParts(repo), part(branch)))),

    /** The git tree of a directory; null when it is not there. */
    async readDirectoryTree(repo: string, ref: string, directory: string): Promise<ObjectId | null> {
      const entry = await readEntry(repo, ref, directory);
      return entry?.type === "tree" ? entry.sha : null;
    },

    async readFile(repo: string, ref: string, path: string): Promise<Buffer | null> {
      const entry = await readEntry(repo, ref, path);
      return entry?.type === "blob" ? readBlob(repo, entry.sha) : null;
    },

    /** All plain files of a directory (of the whole repository for ""), with paths relative to it. */
    async readFiles(repo: string, ref: string, directory: string): Promise<FileToWrite[]> {
      const root = directory === "" ? null : await readEntry(repo, ref, directory);
      if (directory !== "" && root?.type !== "tree") return [];
      const entries = await readTree(repo, root?.sha ?? ref, { recursive: true });
      const files = entries.filter(({ type, mode }) => type === "blob" && mode !== "120000");
      return Promise.all(
        files.map(async ({ path, sha, mode }) => ({
          path,
          content: (await readBlob(repo, sha)).toString("base64"),
          executable: mode === "100755",
        })),
      );
    },

    listPulls: (repo: string, { state }: { state: "open" | "all" }) =>
      list(`list the pull requests of ${repo}`, Pull, (api, page) =>
        api.repos.repoListPullRequests(...repoParts(repo), { state, ...page }),
      ),

    readPull: (repo: string, number: number) =>
      orNull(call(`read ${repo}#${number}`, Pull, (api) => api.repos.repoGetPullRequest(...repoParts(repo), number))),

    listPullFiles: (repo: string, number: number) =>
      list(`list the files of ${repo}#${number}`, ChangedFile, (api, page) =>
        api.repos.repoGetPullRequestFiles(...repoParts(repo), number, page),
      ),

    listReviews: (repo: string, number: number) =>
      list(`list the reviews of ${repo}#${number}`, Review, (api, page) =>
        api.repos.repoListPullReviews(...repoParts(repo), number, page),
      ),

    async requestReview(repo: string, number: number, reviewers: string[]): Promise<void> {
      await call(`request a review of ${repo}#${number}`, anything, (api) =>
        api.repos.repoCreatePullReviewRequests(...repoParts(repo), number, { reviewers }),
      );
    },

    /** Unpaged by nature (FORGEJO 5.2). */
    listComments: (repo: string, number: number) =>
      call(`list the comments of ${repo}#${number}`, z.array(Comment), (api) =>
        api.repos.issueGetComments(...repoParts(repo), number),
      ),

    async postComment(repo: string, number: number, body: string): Promise<void> {
      await call(`comment on ${repo}#${number}`, anything, (api) =>
        api.repos.issueCreateComment(...repoParts(repo), number, { body }),
      );
    },

    /** Newest first. */
    async listStatuses(repo: string, sha: string): Promise<Status[]> {
      const statuses = await list(`list the statuses of ${sha}`, Status, (api, page) =>
        api.repos.repoListStatuses(...repoParts(repo), part(sha), page),
      );
      return statuses.sort((a, b) => b.id - a.id);
    },

    async setStatus(
      repo: string,
      sha: string,
      status: { context: string; state: "pending" | "success" | "failure"; description: string },
    ): Promise<void> {
      await call(`set a status of ${sha}`, anything, (api) =>
        api.repos.repoCreateStatus(...repoParts(repo), part(sha), status),
      );
    },

    /** Merges exactly that head by a merge commit. */
    async merge(
      repo: string,
      number: number,
      wanted: { head: ObjectId; title: string; message: string },
    ): Promise<"merged" | "head_moved" | { refused: string }> {
      const body = {
        Do: "merge" as const,
        head_commit_id: wanted.head,
        MergeTitleField: wanted.title,
        MergeMessageField: wanted.message,
      };
      try {
        await call(`merge ${repo}#${number}`, anything, (api) =>
          api.repos.repoMergePullRequest(...repoParts(repo), number, body),
        );
        return "merged";
      } catch (error) {
        if (!(error instanceof ForgeAnswered)) throw error;
        if (error.status === 409 && /head/i.test(error.words)) return "head_moved";
        if (error.status === 405 || error.status === 409) return { refused: error.words || "it gives no reason" };
        throw error;
      }
    },

    listTags: (repo: string) =>
      list(`list the tags of ${repo}`, Tag, (api, page) => api.repos.repoListTags(...repoParts(repo), page)),

    /** Found done when there is a tag of that name. */
    createTag: (repo: string, name: string, target: ObjectId, message: string): Promise<void> =>
      orDone(
        call(`tag ${repo} as ${name}`, anything, (api) =>
          api.repos.repoCreateTag(...repoParts(repo), { tag_name: name, target, message }),
        ),
        409,
      ),

    readIssue: (repo: string, number: number) =>
      orNull(call(`read ${repo}#${number}`, Issue, (api) => api.repos.issueGetIssue(...repoParts(repo), number))),

    listIssues: (repo: string, query: { state: "open" | "all"; type: "issues" | "pulls" }) =>
      list(`list the issues of ${repo}`, Issue, (api, page) =>
        api.repos.issueListIssues(...repoParts(repo), { ...query, ...page }),
      ),

    createIssue: (repo: string, issue: { title: string; body: string }) =>
      call(`open an issue in ${repo}`, Issue, (api) => api.repos.issueCreateIssue(...repoParts(repo), issue)),

    async editIssue(
      repo: string,
      number: number,
      change: { assignees?: string[]; state?: "open" | "closed" },
    ): Promise<void> {
      await call(`change ${repo}#${number}`, anything, (api) =>
        api.repos.issueEditIssue(...repoParts(repo), number, change),
      );
    },

    /**
     * Issues and pull requests that this user may see and that changed.
     * @param since ISO time; compared in whole seconds, inclusive, so the last ones come again
     */
    searchItems: (query: { type: "issues" | "pulls"; state: "open" | "all"; since?: string }) =>
      list(`search ${query.type}`, Issue, (api, page) => api.repos.issueSearchIssues({ ...query, ...page })),
  };
}
