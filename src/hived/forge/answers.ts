/** What the forge answers, parsed at the edge: only the fields that are read, under our names. */
import { z } from "zod";
import { type EpochMs, ObjectId } from "../../contract/names.ts";

const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text) as EpochMs);
const UserName = z.object({ login: z.string() }).transform(({ login }) => login);
const Users = z
  .array(UserName.nullable())
  .nullish()
  .transform((users) => (users ?? []).filter((user) => user !== null));

export const TreeEntry = z.object({
  path: z.string(),
  mode: z.string(),
  type: z.enum(["blob", "tree", "commit"]),
  size: z.number().default(0),
  sha: ObjectId,
});
export type TreeEntry = z.output<typeof TreeEntry>;
export const Tree = z.object({ tree: z.array(TreeEntry).nullable(), truncated: z.boolean().default(false) });

export const Pull = z
  .object({
    number: z.number().int(),
    title: z.string(),
    body: z.string(),
    user: UserName,
    state: z.enum(["open", "closed"]),
    merged: z.boolean(),
    mergeable: z.boolean().nullish(),
    head: z.object({ sha: ObjectId }),
    base: z.object({ ref: z.string() }),
    merge_base: ObjectId,
    merge_commit_sha: ObjectId.nullish(),
    html_url: z.url({ protocol: /^https?$/ }),
    created_at: Time,
    updated_at: Time,
    requested_reviewers: Users,
    assignees: Users,
  })
  .transform((pull) => ({
    number: pull.number,
    title: pull.title,
    body: pull.body,
    author: pull.user,
    state: pull.merged ? ("merged" as const) : pull.state,
    /** false also while the forge is still looking for conflicts */
    mergeable: pull.mergeable ?? true,
    head: pull.head.sha,
    /** the target branch */
    base: pull.base.ref,
    mergeBase: pull.merge_base,
    mergeCommit: pull.merge_commit_sha ?? null,
    url: pull.html_url,
    createdAt: pull.created_at,
    updatedAt: pull.updated_at,
    reviewers: pull.requested_reviewers,
    assignees: pull.assignees,
  }));
export type Pull = z.output<typeof Pull>;

export const Issue = z
  .object({
    number: z.number().int(),
    title: z.string(),
    body: z.string(),
    user: UserName,
    state: z.enum(["open", "closed"]),
    html_url: z.url({ protocol: /^https?$/ }),
    created_at: Time,
    updated_at: Time,
    assignees: Users,
    pull_request: z.unknown(),
    repository: z.object({ full_name: z.string() }).nullish(),
  })
  .transform((issue) => ({
    number: issue.number,
    title: issue.title,
    body: issue.body,
    author: issue.user,
    state: issue.state,
    url: issue.html_url,
    createdAt: issue.created_at,
    updatedAt: issue.updated_at,
    assignees: issue.assignees,
    isPull: issue.pull_request !== null && issue.pull_request !== undefined,
    repo: issue.repository?.full_name ?? null,
  }));
export type Issue = z.output<typeof Issue>;

export const Review = z
  .object({
    id: z.number().int(),
    user: UserName.nullish(),
    state: z.enum(["APPROVED", "REQUEST_CHANGES", "COMMENT", "PENDING", "REQUEST_REVIEW", ""]),
    official: z.boolean(),
    dismissed: z.boolean(),
    stale: z.boolean(),
    commit_id: z.string(),
    body: z.string(),
    submitted_at: z.string(),
  })
  .transform(({ commit_id, submitted_at, user, ...review }) => ({
    ...review,
    /** null for a request to a team */
    user: user ?? null,
    commitId: commit_id,
    submittedAt: Date.parse(submitted_at) as EpochMs,
  }));
export type Review = z.output<typeof Review>;

export const Comment = z
  .object({ id: z.number().int(), user: UserName, body: z.string(), created_at: Time, updated_at: Time })
  .transform(({ id, user, body, created_at, updated_at }) => ({
    id,
    user,
    body,
    createdAt: created_at,
    updatedAt: updated_at,
  }));
export type Comment = z.output<typeof Comment>;

/** Lists call the state `status` (FORGEJO 5.3). */
export const Status = z
  .object({ context: z.string(), status: z.string(), description: z.string(), id: z.number() })
  .transform(({ context, status, description, id }) => ({ context, state: status, description, id }));
export type Status = z.output<typeof Status>;

export const ChangedFile = z
  .object({ filename: z.string(), status: z.string(), previous_filename: z.string().nullish() })
  .transform(({ filename, status, previous_filename }) => ({
    path: filename,
    status,
    previousPath: previous_filename || null,
  }));

export const Branch = z
  .object({ commit: z.object({ id: ObjectId }) })
  .transform(({ commit }) => ({ commit: commit.id }));

export const Blob = z.object({ content: z.string(), encoding: z.string() });
export const Tag = z.object({ name: z.string(), commit: z.object({ sha: ObjectId }) });
