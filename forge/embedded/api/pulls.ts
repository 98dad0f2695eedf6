/** Pull requests: lists, opening, editing, their difference, merging. */
import { z } from "zod";
import { isAtLeast } from "../domain/access-level.ts";
import { closePull, reopenPull, retargetPull, updatePullBranch } from "../domain/change-pull.ts";
import {
  assignable,
  changeIssueText,
  demandEditor,
  replaceLabels,
  setAssignees,
  setDueDate,
} from "../domain/edit-issue.ts";
import { searchIssues } from "../domain/issue-search.ts";
import { type Issue, requireIssue } from "../domain/issues.ts";
import { usableLabels } from "../domain/labels.ts";
import { mergePull } from "../domain/merge.ts";
import { openPull } from "../domain/open-pull.ts";
import { type Access, demand } from "../domain/permissions.ts";
import { findPull, type PullRequest, pullByBranches } from "../domain/pulls.ts";
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { userByName } from "../domain/users.ts";
import { repoDir } from "../forge.ts";
import { changedFiles, diffText, type FileChange, patchText } from "../git/diff.ts";
import { countCommits, listCommits } from "../git/history.ts";
import { wholeCommitJson } from "../shapes/commit.ts";
import { pullJson } from "../shapes/pull.ts";
import { repoApiUrl, repoUrl } from "../shapes/repo.ts";
import { type Answer, type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, issuePath, maybe, moment, queryFlag, queryList, repoPath, text, texts } from "./fields.ts";
import { paged, pagedFrom, pageOf, paging, pagingQuery } from "./paging.ts";
import { openRepoOf, repoOf } from "./places.ts";

const ListQuery = z.object({
  ...paging,
  state: z.string().optional(),
  sort: z.string().optional(),
  labels: queryList,
  poster: z.string().optional(),
});
const NewPull = z.object({
  head: z.string("Required"),
  base: z.string("Required"),
  title: z.string("Required"),
  body: text,
  assignee: text,
  assignees: texts,
  labels: maybe(z.array(z.int())),
  due_date: moment,
});
const PullChange = z.object({
  title: text,
  body: text,
  base: text,
  state: text,
  assignee: text,
  assignees: texts,
  labels: maybe(z.array(z.int())),
  due_date: moment,
  unset_due_date: flag,
});
const Merge = z.object({
  Do: z.enum(["merge", "rebase", "rebase-merge", "squash", "fast-forward-only", "manually-merged"], "Required"),
  MergeTitleField: text,
  MergeMessageField: text,
  head_commit_id: text,
  force_merge: flag,
  delete_branch_after_merge: flag,
});

type OnPull = Call<{ owner: string; repo: string; index: number }>;
interface PullPlace {
  repo: Repo;
  access: Access;
  request: PullRequest;
}

/** @throws Refusal 404 */
export function pullOf(call: OnPull): PullPlace {
  const { repo, access } = repoOf(call);
  return { repo, access, request: findPull(call.forge.db, repo, access, call.params.index) };
}

/** @throws Refusal 404, 423 archived */
export function openPullOf(call: OnPull): PullPlace {
  openRepoOf(call);
  return pullOf(call);
}

const show = (call: Call, repo: Repo, issue: Issue) => pullJson(call.forge, repo, issue, call.user);

function listPulls(call: Call<{ owner: string; repo: string }, z.output<typeof ListQuery>>): Answer {
  const { repo, access } = repoOf(call);
  demand(access, "pulls", "read");
  demand(access, "code", "read");
  const { state, sort, labels, poster } = call.query;
  const page = pageOf(call.query);
  const named = usableLabels(call.forge.db, repo).filter((label) => labels.includes(String(label.id)));
  const { rows, total } = searchIssues(
    call.forge.db,
    {
      repos: { issues: [], pulls: [repo.id] },
      state: state === "closed" || state === "all" ? state : "open",
      sort,
      labels: named.map((label) => label.name),
      author: poster ? (userByName(call.forge.db, poster)?.id ?? 0) : undefined,
    },
    page,
  );
  return paged(
    call,
    page,
    rows.map((issue) => show(call, repo, issue)),
    total,
  );
}

async function edit(call: Call<z.output<typeof issuePath>, unknown, z.output<typeof PullChange>>): Promise<Answer> {
  const { repo, access, request } = openPullOf(call);
  const { forge, user, body: change } = call;
  const { issue } = request;
  demandEditor(user, issue, access);
  forge.db.write(() => {
    changeIssueText(forge, user, issue, change);
    if (isAtLeast(access.pulls, "write")) dress(call, repo, issue);
  });
  if (change.base) await retargetPull(forge, user, repo, request, change.base);
  // whatever is not `closed` means open, as in Forgejo
  if (change.state === "closed") closePull(forge, user, repo, request);
  else if (change.state !== undefined) await reopenPull(forge, user, repo, request);
  return created(show(call, repo, requireIssue(forge.db, issue.id)));
}

/** Assignees, labels and due date, which only writers set. */
function dress(call: Call<unknown, unknown, z.output<typeof PullChange>>, repo: Repo, issue: Issue): void {
  const { forge, user, body: change } = call;
  const assignees = change.assignees ?? (change.assignee ? [change.assignee] : undefined);
  if (assignees) setAssignees(forge, user, issue, assignable(forge, issue, assignees));
  const { labels } = change;
  if (labels)
    replaceLabels(
      forge,
      user,
      issue,
      usableLabels(forge.db, repo).filter((label) => labels.includes(label.id)),
    );
  if (change.unset_due_date) setDueDate(forge, issue, null);
  else if (change.due_date !== undefined) setDueDate(forge, issue, change.due_date);
}

/** From where the head left the base. Unrelated histories have nothing to compare. */
const spanOf = ({ pull }: PullRequest): { from: string; to: string } => ({
  from: pull.merge_base || pull.head_sha,
  to: pull.head_sha,
});

const fileJson = (call: Call, repo: Repo, { pull }: PullRequest, file: FileChange) => ({
  filename: file.path,
  ...(file.oldPath === file.path ? {} : { previous_filename: file.oldPath }),
  status: file.status === "type-changed" ? "changed" : file.status,
  additions: file.additions,
  deletions: file.deletions,
  changes: file.additions + file.deletions,
  html_url: `${repoUrl(call.forge, repo)}/src/commit/${pull.head_sha}/${encodeURI(file.path)}`,
  contents_url: `${repoApiUrl(call.forge, repo)}/contents/${encodeURI(file.path)}?ref=${pull.head_sha}`,
  raw_url: `${repoUrl(call.forge, repo)}/raw/commit/${pull.head_sha}/${encodeURI(file.path)}`,
});

async function showText(
  call: Call<z.output<typeof issuePath>, { binary: boolean }>,
  isPatch: boolean,
): Promise<Answer> {
  const { repo, request } = pullOf(call);
  const { from, to } = spanOf(request);
  const dir = repoDir(call.forge, repo);
  const { git } = call.forge;
  const body = isPatch
    ? await patchText(git, dir, from, to)
    : await diffText(git, dir, from, to, { withBinary: call.query.binary });
  return { status: 200, body, type: "text/plain; charset=utf-8" };
}

async function showCommits(call: Call<z.output<typeof issuePath>, z.output<typeof pagingQuery>>): Promise<Answer> {
  const { repo, request } = pullOf(call);
  const { from, to } = spanOf(request);
  const dir = repoDir(call.forge, repo);
  const page = pageOf(call.query);
  const range = { from: to, not: [from] };
  const commits = await listCommits(call.forge.git, dir, {
    ...range,
    skip: (page.page - 1) * page.limit,
    limit: page.limit,
  });
  const rows = await Promise.all(commits.map((commit) => wholeCommitJson(call.forge, repo, commit, call.user)));
  return paged(call, page, rows, await countCommits(call.forge.git, dir, range));
}

const TextQuery = z.object({ binary: queryFlag });
const read = { scopes: ["repository"] as const };

export const pullEndpoints: Endpoint[] = [
  endpoint("GET", "/repos/:owner/:repo/pulls", { ...read, params: repoPath, query: ListQuery }, listPulls),
  endpoint("POST", "/repos/:owner/:repo/pulls", { ...read, params: repoPath, body: NewPull }, async (call) => {
    const { repo } = openRepoOf(call);
    const { assignee, assignees, due_date, ...wish } = call.body;
    const { issue } = await openPull(call.forge, call.user, repo, {
      ...wish,
      assignees: assignees ?? (assignee ? [assignee] : []),
      due_at: due_date,
    });
    return created(show(call, repo, issue));
  }),
  endpoint("GET", "/repos/:owner/:repo/pulls/:index", { ...read, params: issuePath }, (call) => {
    const { repo, request } = pullOf(call);
    return ok(show(call, repo, request.issue));
  }),
  endpoint(
    "GET",
    "/repos/:owner/:repo/pulls/:base/*",
    { ...read, params: repoPath.extend({ base: z.string(), "*": z.string() }) },
    (call) => {
      const { repo, access } = repoOf(call);
      const found = pullByBranches(call.forge.db, repo, call.params.base, call.params["*"]);
      return ok(show(call, repo, findPull(call.forge.db, repo, access, found.issue.number).issue));
    },
  ),
  endpoint("PATCH", "/repos/:owner/:repo/pulls/:index", { ...read, params: issuePath, body: PullChange }, edit),

  endpoint(
    "GET",
    "/repos/:owner/:repo/pulls/:index(^\\d+).diff",
    { ...read, params: issuePath, query: TextQuery },
    (call) => showText(call, false),
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/pulls/:index(^\\d+).patch",
    { ...read, params: issuePath, query: TextQuery },
    (call) => showText(call, true),
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/pulls/:index/files",
    { ...read, params: issuePath, query: pagingQuery },
    async (call) => {
      const { repo, request } = pullOf(call);
      const { from, to } = spanOf(request);
      const files = await changedFiles(call.forge.git, repoDir(call.forge, repo), from, to);
      return pagedFrom(call, pageOf(call.query), files, (file) => fileJson(call, repo, request, file));
    },
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/pulls/:index/commits",
    { ...read, params: issuePath, query: pagingQuery },
    showCommits,
  ),

  endpoint("GET", "/repos/:owner/:repo/pulls/:index/merge", { ...read, params: issuePath }, (call) => {
    if (pullOf(call).request.pull.merged_at === null) throw notFound();
    return NO_CONTENT;
  }),
  endpoint(
    "POST",
    "/repos/:owner/:repo/pulls/:index/merge",
    { ...read, params: issuePath, body: Merge },
    async (call) => {
      const { repo, request } = openPullOf(call);
      const { body } = call;
      await mergePull(call.forge, call.user, repo, request, {
        style: body.Do,
        title: body.MergeTitleField ?? "",
        message: body.MergeMessageField ?? "",
        head_commit_id: body.head_commit_id,
        force_merge: body.force_merge,
        delete_branch: body.delete_branch_after_merge,
      });
      return { status: 200 };
    },
  ),
  endpoint(
    "POST",
    "/repos/:owner/:repo/pulls/:index/update",
    { ...read, params: issuePath, query: z.object({ style: z.enum(["merge", "rebase"]).catch("merge") }) },
    async (call) => {
      const { repo, request } = openPullOf(call);
      await updatePullBranch(call.forge, call.user, repo, request, call.query.style);
      return { status: 200 };
    },
  ),
];
