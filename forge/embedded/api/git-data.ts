/** What git keeps: commits, trees, blobs, differences, archives. */
import { z } from "zod";
import { demand } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { repoDir } from "../forge.ts";
import { countCommits, listCommits, mergeBase } from "../git/history.ts";
import {
  type Commit,
  listTree,
  objectType,
  readBlob,
  readCommit,
  resolveCommit,
  type TreeEntry,
} from "../git/objects.ts";
import { wholeCommitJson } from "../shapes/commit.ts";
import { repoApiUrl } from "../shapes/repo.ts";
import { type Answer, type Call, type Endpoint, endpoint, ok } from "./endpoint.ts";
import { queryFlag, repoPath, restPath } from "./fields.ts";
import { paged, pageOf, paging } from "./paging.ts";
import { repoOf } from "./places.ts";

const TREE_ITEMS = 1000;
const MAX_COMPARED = 250;
const MAX_BLOB_BYTES = 10 * 1024 * 1024;
const MAX_ARCHIVE_BYTES = 1024 ** 3;

const ARCHIVES = new Map([
  ["tar.gz", "application/gzip"],
  ["zip", "application/zip"],
]);

const shaPath = repoPath.extend({ sha: z.string() });

interface Place {
  repo: Repo;
  dir: string;
}

function placeOf(call: Call<{ owner: string; repo: string }>): Place {
  const { repo, access } = repoOf(call);
  demand(access, "code", "read");
  return { repo, dir: repoDir(call.forge, repo) };
}

/** @throws Refusal 404 */
async function commitOf(call: Call, { repo, dir }: Place, name: string): Promise<string> {
  const sha = await resolveCommit(call.forge.git, dir, name || repo.default_branch);
  if (sha === undefined) throw notFound(`object does not exist [id: ${name.slice(0, 100)}]`);
  return sha;
}

const commitsJson = (call: Call, { repo }: Place, commits: readonly Commit[]) =>
  Promise.all(commits.map((commit) => wholeCommitJson(call.forge, repo, commit, call.user)));

function entryJson(call: Call, { repo }: Place, entry: TreeEntry) {
  const { path, mode, type, size, sha } = entry;
  const url = `${repoApiUrl(call.forge, repo)}/git/${type === "tree" ? "trees" : "blobs"}/${sha}`;
  return { path, mode, type, size, sha, url: type === "commit" ? "" : url };
}

const CommitsQuery = z.object({
  ...paging,
  sha: z.string().default(""),
  path: z.string().optional(),
  not: z.string().optional(),
});
type CommitsQuery = z.output<typeof CommitsQuery>;

async function showCommits(call: Call<{ owner: string; repo: string }, CommitsQuery>): Promise<Answer> {
  const place = placeOf(call);
  const { query, forge } = call;
  const page = pageOf(query);
  const not = query.not ? [await commitOf(call, place, query.not)] : [];
  const range = { from: await commitOf(call, place, query.sha), path: query.path, not };
  const [commits, total] = await Promise.all([
    listCommits(forge.git, place.dir, { ...range, skip: (page.page - 1) * page.limit, limit: page.limit }),
    countCommits(forge.git, place.dir, range),
  ]);
  return paged(call, page, await commitsJson(call, place, commits), total);
}

/** `base...head`: the commits of head since it left base, the oldest last. */
async function compare(call: Call<{ owner: string; repo: string; "*": string }>): Promise<Answer> {
  const place = placeOf(call);
  const [base = "", head = ""] = call.params["*"].split(/\.{2,3}/, 2);
  const [from, to] = [await commitOf(call, place, base), await commitOf(call, place, head)];
  const common = await mergeBase(call.forge.git, place.dir, from, to);
  const range = { from: to, not: [common ?? from] };
  const commits = await listCommits(call.forge.git, place.dir, { ...range, limit: MAX_COMPARED });
  const total = await countCommits(call.forge.git, place.dir, range);
  return ok({ total_commits: total, commits: await commitsJson(call, place, commits) });
}

const TreeQuery = z.object({ recursive: queryFlag, page: paging.page, per_page: paging.limit });

async function showTree(call: Call<z.output<typeof shaPath>, z.output<typeof TreeQuery>>): Promise<Answer> {
  const place = placeOf(call);
  const { git } = call.forge;
  const { query, params } = call;
  const isTree = (await objectType(git, place.dir, params.sha)) === "tree";
  const sha = isTree ? params.sha : await commitOf(call, place, params.sha);
  const entries = await listTree(git, place.dir, sha, "", query.recursive);
  const [page, size] = [
    Math.max(query.page, 1),
    query.per_page > 0 ? Math.min(query.per_page, TREE_ITEMS) : TREE_ITEMS,
  ];
  return {
    status: 200,
    body: {
      sha,
      url: `${repoApiUrl(call.forge, place.repo)}/git/trees/${sha}`,
      tree: entries.slice((page - 1) * size, page * size).map((entry) => entryJson(call, place, entry)),
      truncated: page * size < entries.length,
      page,
      total_count: entries.length,
    },
    headers: { "X-Total-Count": String(entries.length) },
  };
}

async function showBlob(call: Call<z.output<typeof shaPath>>): Promise<Answer> {
  const place = placeOf(call);
  const { sha } = call.params;
  if ((await objectType(call.forge.git, place.dir, sha)) !== "blob") throw notFound();
  const bytes = await readBlob(call.forge.git, place.dir, sha, MAX_BLOB_BYTES);
  const url = `${repoApiUrl(call.forge, place.repo)}/git/blobs/${sha}`;
  return ok({ content: bytes.toString("base64"), encoding: "base64", url, sha, size: bytes.length });
}

/** `NAME.tar.gz` or `NAME.zip`, its files under a folder of the repository's name. */
async function archive(call: Call<{ owner: string; repo: string; "*": string }>): Promise<Answer> {
  const place = placeOf(call);
  const [, name = "", format = ""] = /^(.+)\.(tar\.gz|zip)$/.exec(call.params["*"]) ?? [];
  const type = ARCHIVES.get(format);
  if (type === undefined) throw notFound();
  const sha = await commitOf(call, place, name);
  const args = ["archive", `--format=${format}`, `--prefix=${place.repo.name}/`, sha];
  const bytes = await call.forge.git.bytes(place.dir, args, { maxBytes: MAX_ARCHIVE_BYTES });
  const file = `${place.repo.name}-${name.replaceAll(/[^\w.-]/g, "-")}.${format}`;
  return { status: 200, body: bytes, type, headers: { "Content-Disposition": `attachment; filename="${file}"` } };
}

export const gitDataEndpoints: Endpoint[] = [
  endpoint(
    "GET",
    "/repos/:owner/:repo/commits",
    { scopes: ["repository"], params: repoPath, query: CommitsQuery },
    showCommits,
  ),
  endpoint("GET", "/repos/:owner/:repo/git/commits/:sha", { scopes: ["repository"], params: shaPath }, async (call) => {
    const place = placeOf(call);
    const sha = await commitOf(call, place, call.params.sha);
    const commit = await readCommit(call.forge.git, place.dir, sha);
    return ok(await wholeCommitJson(call.forge, place.repo, commit, call.user));
  }),
  endpoint(
    "GET",
    "/repos/:owner/:repo/git/trees/:sha",
    { scopes: ["repository"], params: shaPath, query: TreeQuery },
    showTree,
  ),
  endpoint("GET", "/repos/:owner/:repo/git/blobs/:sha", { scopes: ["repository"], params: shaPath }, showBlob),
  endpoint("GET", "/repos/:owner/:repo/compare/*", { scopes: ["repository"], params: restPath }, compare),
  endpoint("GET", "/repos/:owner/:repo/archive/*", { scopes: ["repository"], params: restPath }, archive),
];
