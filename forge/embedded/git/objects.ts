/** Reading commits, trees and files. What callers name is resolved first, so that only object ids reach git's arguments. */
import { isObjectId, isRef } from "../domain/names.ts";
import type { Git } from "./run.ts";

export interface Signature {
  name: string;
  email: string;
  /** Milliseconds since 1970; git keeps whole seconds. */
  at: number;
}
export interface Commit {
  sha: string;
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  /** As git keeps it, with its last line break. */
  message: string;
}
export interface TreeEntry {
  /** From the root of the tree, without a slash at either end. */
  path: string;
  /** Six octal digits: 100644, 100755, 120000 (link), 040000 (folder), 160000 (submodule). */
  mode: string;
  type: "blob" | "tree" | "commit";
  sha: string;
  /** Bytes; 0 for what is not a blob. */
  size: number;
}

/** Every repository has it, for git knows it by itself. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
export const NO_COMMIT = "0".repeat(40);

/**
 * The commit that a name means: a branch, a tag, a full ref, HEAD, or an object id of at least seven digits, in this order.
 * @param env of a push whose objects are still in quarantine
 */
export async function resolveCommit(
  git: Git,
  dir: string,
  name: string,
  env: Record<string, string> = {},
): Promise<string | undefined> {
  const candidates = [`refs/heads/${name}`, `refs/tags/${name}`, name].filter(isRef);
  if (name === "HEAD" || /^[0-9a-f]{7,40}$/.test(name)) candidates.push(name);
  if (candidates.length === 0) return undefined;
  const input = candidates.map((candidate) => `${candidate}^{commit}\n`).join("");
  const lines = (await git.text(dir, ["cat-file", "--batch-check"], { input, env })).split("\n");
  return lines.map((line) => /^([0-9a-f]{40}) commit /.exec(line)?.[1]).find((sha) => sha !== undefined);
}

const FORMAT = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B";
const FIELDS = 10;

export interface CommitRange {
  /** Object ids: commits reachable from `from` but from none of `not`. */
  from: string;
  not?: string[] | undefined;
  /** Only commits that changed this file or folder. */
  path?: string | undefined;
  skip?: number | undefined;
  limit?: number | undefined;
  /** Oldest first. */
  isReversed?: boolean | undefined;
  withoutMerges?: boolean | undefined;
}

/** Newest first, parents after their children. */
export async function listCommits(git: Git, dir: string, range: CommitRange, env = {}): Promise<Commit[]> {
  const counts = [`--skip=${range.skip ?? 0}`, ...(range.limit === undefined ? [] : [`--max-count=${range.limit}`])];
  const text = await git.text(dir, ["log", "-z", "--topo-order", FORMAT, ...counts, ...selected(range)], { env });
  const fields = text.split("\0");
  const commits: Commit[] = [];
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS)
    commits.push(parsedCommit(fields.slice(at, at + FIELDS)));
  return commits;
}

export async function countCommits(git: Git, dir: string, range: CommitRange, env = {}): Promise<number> {
  return Number(await git.text(dir, ["rev-list", "--count", ...selected(range)], { env }));
}

function selected(range: CommitRange): string[] {
  const flags = [...(range.isReversed ? ["--reverse"] : []), ...(range.withoutMerges ? ["--no-merges"] : [])];
  const revisions = [range.from, ...(range.not ?? []).map((sha) => `^${sha}`)];
  const paths = range.path === undefined || range.path === "" ? [] : [`:(literal)${range.path}`];
  return [...flags, "--end-of-options", ...revisions, "--", ...paths];
}

function parsedCommit(fields: string[]): Commit {
  const [sha = "", tree = "", parents = "", ...rest] = fields;
  const [authorName = "", authorEmail = "", authorAt = "", name = "", email = "", at = "", message = ""] = rest;
  return {
    sha,
    tree,
    parents: parents === "" ? [] : parents.split(" "),
    author: { name: authorName, email: authorEmail, at: Number(authorAt) * 1000 },
    committer: { name, email, at: Number(at) * 1000 },
    message,
  };
}

/** @param sha of a commit that exists */
export async function readCommit(git: Git, dir: string, sha: string, env = {}): Promise<Commit> {
  const [commit] = await listCommits(git, dir, { from: sha, limit: 1 }, env);
  if (!commit) throw new Error(`commit ${sha} is missing in ${dir}`);
  return commit;
}

/** What else has this id may be as large as a push allows. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Of the commit with this id; undefined when it is missing or no commit. */
export async function commitMessage(git: Git, dir: string, sha: string, env = {}): Promise<string | undefined> {
  const options = { input: `${sha}\n`, env, maxBytes: MAX_MESSAGE_BYTES };
  const text = (await git.bytes(dir, ["cat-file", "--batch"], options)).toString("utf8");
  if (!/^[0-9a-f]{40} commit \d+\n/.test(text)) return undefined;
  // headers, an empty line, the message, and the line break of --batch
  return text.slice(text.indexOf("\n\n", text.indexOf("\n") + 1) + 2, -1);
}

/** "commit", "tree", "blob" or "tag"; undefined when the object is missing. */
export async function objectType(git: Git, dir: string, sha: string, env = {}): Promise<string | undefined> {
  if (!isObjectId(sha)) return undefined;
  const line = await git.text(dir, ["cat-file", "--batch-check"], { input: `${sha}\n`, env });
  return /^[0-9a-f]{40} ([a-z]+) \d+$/.exec(line)?.[1];
}

/**
 * The entries of a folder, folders among them; with `isRecursive` everything below it.
 * @param tree id of a commit or a tree
 * @param folder "" for the root; entries carry their whole path
 */
export async function listTree(git: Git, dir: string, tree: string, folder = "", isRecursive = false) {
  const depth = isRecursive ? ["-r", "-t"] : [];
  const below = folder === "" ? [] : [`${folder}/`];
  const entries = await lsTree(git, dir, [...depth, "--end-of-options", tree, ...below]);
  return entries.filter((entry) => entry.path !== folder);
}

/** The file or folder at a path; undefined when there is none. The root has the path "". */
export async function entryAt(git: Git, dir: string, commit: string, path: string): Promise<TreeEntry | undefined> {
  if (path === "") return { path: "", mode: "040000", type: "tree", sha: await rootOf(git, dir, commit), size: 0 };
  const [entry] = await lsTree(git, dir, ["--end-of-options", commit, path]);
  return entry?.path === path ? entry : undefined;
}

const rootOf = (git: Git, dir: string, commit: string) => git.text(dir, ["rev-parse", "--verify", `${commit}^{tree}`]);

async function lsTree(git: Git, dir: string, args: string[]): Promise<TreeEntry[]> {
  const text = await git.text(dir, ["--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", ...args]);
  return text.split("\0").flatMap((line) => {
    const found = /^(\d{6}) (blob|tree|commit) ([0-9a-f]{40}) +(\d+|-)\t(.*)$/s.exec(line);
    if (!found) return [];
    const [, mode = "", type, sha = "", size, path = ""] = found;
    return [{ mode, type: type as TreeEntry["type"], sha, size: size === "-" ? 0 : Number(size), path }];
  });
}

/** A file's bytes, at most `maxBytes` of them. */
export const readBlob = (git: Git, dir: string, sha: string, maxBytes?: number): Promise<Buffer> =>
  git.bytes(dir, ["cat-file", "blob", sha], maxBytes === undefined ? {} : { maxBytes });

/** The newest common ancestor; undefined for unrelated histories. */
export async function mergeBase(
  git: Git,
  dir: string,
  one: string,
  other: string,
  env = {},
): Promise<string | undefined> {
  const result = await git.try(dir, ["merge-base", "--end-of-options", one, other], { env });
  return result.code === 0 ? result.out.toString("utf8").split("\n")[0] : undefined;
}

/** Is everything of `ancestor` also in `descendant`? True for the same commit. */
export async function isAncestor(git: Git, dir: string, ancestor: string, descendant: string, env = {}) {
  const result = await git.try(dir, ["merge-base", "--is-ancestor", ancestor, descendant], { env });
  return result.code === 0;
}
