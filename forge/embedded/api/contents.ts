/** Files: read at any commit, and written as commits without a clone. */
import { z } from "zod";
import { changeFiles, type FileOperation, type FilesChanged, type FilesWish, readPath } from "../domain/contents.ts";
import { demand } from "../domain/permissions.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { repoDir } from "../forge.ts";
import { lastChangeOf } from "../git/history.ts";
import { listTree, readBlob, type TreeEntry } from "../git/objects.ts";
import { type Content, contentJson, filesJson } from "../shapes/content.ts";
import { type Answer, type Call, created, type Endpoint, endpoint, FILES_LIMIT, ok } from "./endpoint.ts";
import { flag, maybe, moment, repoPath, restPath, text } from "./fields.ts";
import { openRepoOf, repoOf } from "./places.ts";

const MAX_BLOB_BYTES = 10 * 1024 * 1024;

const Person = maybe(z.object({ name: text, email: text }));
const commitFields = {
  branch: text,
  new_branch: text,
  message: text,
  author: Person,
  committer: Person,
  dates: maybe(z.object({ author: moment, committer: moment })),
  signoff: flag,
};
const Base64 = z.base64("content is not base64").transform((content) => Buffer.from(content, "base64"));

const FilesBody = z.object({
  ...commitFields,
  files: z.array(
    z.object({
      operation: z.enum(["create", "update", "delete"]),
      path: z.string(),
      content: maybe(Base64),
      sha: text,
      from_path: text,
    }),
  ),
});
const NewFile = z.object({ ...commitFields, content: Base64 });
const ChangedFile = z.object({ ...commitFields, content: Base64, sha: z.string("Required"), from_path: text });
const GoneFile = z.object({ ...commitFields, sha: text });
/** A deletion may say everything in its query, for some clients send no body with it. */
const GoneQuery = z.object({
  sha: z.string().optional(),
  branch: z.string().optional(),
  message: z.string().optional(),
});

const RefQuery = z.object({ ref: z.string().optional() });
type RefQuery = z.output<typeof RefQuery>;
type OnPath = Call<{ owner: string; repo: string; "*"?: string }, RefQuery>;

function readableRepoOf(call: Call<{ owner: string; repo: string }>): Repo {
  const { repo, access } = repoOf(call);
  demand(access, "code", "read");
  return repo;
}

async function fileContent(call: Call, repo: Repo, ref: string, commit: string, entry: TreeEntry): Promise<Content> {
  const lastCommit = await lastChangeOf(call.forge.git, repoDir(call.forge, repo), commit, entry.path);
  if (entry.type !== "blob") return { ref, entry, lastCommit };
  const bytes = await readBlob(call.forge.git, repoDir(call.forge, repo), entry.sha, MAX_BLOB_BYTES);
  return { ref, entry, bytes, lastCommit };
}

/** A file with its content, or a folder's entries without. */
async function showPath(call: OnPath): Promise<Answer> {
  const repo = readableRepoOf(call);
  const { forge, query, params } = call;
  const ref = query.ref || repo.default_branch;
  if (repo.is_empty) throw notFound("the repository is empty");
  const { commit, entry } = await readPath(forge, repo, query.ref, withoutSlash(params["*"] ?? ""));
  if (entry.type !== "tree") return ok(contentJson(forge, repo, await fileContent(call, repo, ref, commit, entry)));
  const entries = await listTree(forge.git, repoDir(forge, repo), commit, entry.path);
  // for each entry its own newest commit would be a walk of the history for each: the folder's commit stands for all
  return ok(entries.map((one) => contentJson(forge, repo, { ref, entry: one, lastCommit: commit })));
}

/** The bytes as they are. Text is said to be text and nothing else, so that no browser runs it. */
async function showBytes(call: OnPath): Promise<Answer> {
  const repo = readableRepoOf(call);
  const { entry } = await readPath(call.forge, repo, call.query.ref, withoutSlash(call.params["*"] ?? ""));
  if (entry.type !== "blob") throw notFound();
  const bytes = await readBlob(call.forge.git, repoDir(call.forge, repo), entry.sha);
  const type = bytes.includes(0) ? "application/octet-stream" : "text/plain; charset=utf-8";
  return { status: 200, body: bytes, type, headers: { "X-Content-Type-Options": "nosniff", ETag: `"${entry.sha}"` } };
}

const withoutSlash = (path: string): string => path.replace(/\/+$/, "");

async function change(call: Call<{ owner: string; repo: string }>, wish: FilesWish): Promise<[Repo, FilesChanged]> {
  const { repo } = openRepoOf(call);
  return [repo, await changeFiles(call.forge, call.user, repo, wish)];
}

type CommitFields = z.output<typeof GoneFile>;
function wishOf(body: Omit<CommitFields, "sha">, files: FileOperation[]): FilesWish {
  const { branch, new_branch, message, signoff, author, committer, dates } = body;
  return {
    branch,
    new_branch,
    message,
    signoff,
    author: { ...author, at: dates?.author },
    committer: { ...committer, at: dates?.committer },
    files,
  };
}

async function answerFiles(call: Call, repo: Repo, changed: FilesChanged) {
  const { commit, branch: ref, files } = changed;
  const dir = repoDir(call.forge, repo);
  const contents = files.map(async (file) => {
    if (!file) return null;
    return { ref, ...file, lastCommit: await lastChangeOf(call.forge.git, dir, commit.sha, file.entry.path) };
  });
  return filesJson(call.forge, repo, commit, await Promise.all(contents));
}

/** Of one file: `content` in place of `files`. */
async function answerFile(call: Call, repo: Repo, changed: FilesChanged) {
  const { files, ...answer } = await answerFiles(call, repo, changed);
  return { content: files[0] ?? null, ...answer };
}

const read = { scopes: ["repository"] as const, query: RefQuery };

export const contentEndpoints: Endpoint[] = [
  endpoint("GET", "/repos/:owner/:repo/contents", { ...read, params: repoPath }, showPath),
  endpoint("GET", "/repos/:owner/:repo/contents/*", { ...read, params: restPath }, showPath),
  endpoint("GET", "/repos/:owner/:repo/raw/*", { ...read, params: restPath }, showBytes),
  endpoint("GET", "/repos/:owner/:repo/media/*", { ...read, params: restPath }, showBytes),

  endpoint(
    "POST",
    "/repos/:owner/:repo/contents",
    { scopes: ["repository"], params: repoPath, body: FilesBody, bodyLimit: FILES_LIMIT },
    async (call) => created(await answerFiles(call, ...(await change(call, wishOf(call.body, call.body.files))))),
  ),
  endpoint(
    "POST",
    "/repos/:owner/:repo/contents/*",
    { scopes: ["repository"], params: restPath, body: NewFile, bodyLimit: FILES_LIMIT },
    async (call) => {
      const file = { operation: "create" as const, path: call.params["*"], content: call.body.content };
      return created(await answerFile(call, ...(await change(call, wishOf(call.body, [file])))));
    },
  ),
  endpoint(
    "PUT",
    "/repos/:owner/:repo/contents/*",
    { scopes: ["repository"], params: restPath, body: ChangedFile, bodyLimit: FILES_LIMIT },
    async (call) => {
      const { content, sha, from_path } = call.body;
      const file = { operation: "update" as const, path: call.params["*"], content, sha, from_path };
      return ok(await answerFile(call, ...(await change(call, wishOf(call.body, [file])))));
    },
  ),
  endpoint(
    "DELETE",
    "/repos/:owner/:repo/contents/*",
    { scopes: ["repository"], params: restPath, body: GoneFile, query: GoneQuery },
    async (call) => {
      const { body, query, params } = call;
      const sha = body.sha ?? query.sha;
      if (!sha) throw new Refusal(422, "[SHA]: Required");
      const fields = { ...body, branch: body.branch ?? query.branch, message: body.message ?? query.message };
      const file = { operation: "delete" as const, path: params["*"], sha };
      return ok(await answerFile(call, ...(await change(call, wishOf(fields, [file])))));
    },
  ),
];
