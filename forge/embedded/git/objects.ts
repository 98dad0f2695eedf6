/** Reading commits, trees and files. What callers name is resolved first, so that only object ids reach git's arguments. */
import { isObjectId, isRef } from "../domain/names.ts";
import { byteName, type Commit, parseCommit, parseTree, type Signature, type TreeItem } from "./parse-object.ts";
import type { Git } from "./run.ts";

export type { Commit, Signature };

export const FOLDER = "040000";
const SUBMODULE = "160000";

export interface TreeEntry {
  /** From the root of the tree, without a slash at either end. */
  path: string;
  /** As in TreeItem. */
  mode: string;
  type: "blob" | "tree" | "commit";
  sha: string;
  /** Bytes; 0 for what is not a blob. */
  size: number;
}

/** Every repository has it, for git knows it by itself. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
export const NO_COMMIT = "0".repeat(40);

/** What is longer is cut: a push may bring any size. */
const MAX_COMMIT_BYTES = 1024 * 1024;
/** Larger blobs have a process of their own, so that nobody waits behind them. */
const MAX_SHARED_BYTES = 1024 * 1024;

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
  const found = await Promise.all(candidates.map((candidate) => git.objects.info(dir, `${candidate}^{commit}`, env)));
  return found.find((commit) => commit !== undefined)?.sha;
}

/** Undefined when the object is missing or no commit. */
export async function findCommit(git: Git, dir: string, sha: string, env = {}): Promise<Commit | undefined> {
  const found = await git.objects.read(dir, sha, env, MAX_COMMIT_BYTES);
  return found?.type === "commit" ? parseCommit(sha, found.bytes) : undefined;
}

/** @param sha of a commit that exists */
export async function readCommit(git: Git, dir: string, sha: string, env = {}): Promise<Commit> {
  const commit = await findCommit(git, dir, sha, env);
  if (!commit) throw new Error(`commit ${sha} is missing in ${dir}`);
  return commit;
}

/** Of a commit or an annotated tag: what follows its headers. */
export async function messageOf(git: Git, dir: string, sha: string): Promise<string> {
  const found = await git.objects.read(dir, sha, {}, MAX_COMMIT_BYTES);
  return found ? parseCommit(sha, found.bytes).message : "";
}

/** "commit", "tree", "blob" or "tag"; undefined when the object is missing. */
export async function objectType(git: Git, dir: string, sha: string, env = {}): Promise<string | undefined> {
  return isObjectId(sha) ? (await git.objects.info(dir, sha, env))?.type : undefined;
}

/** The items of a tree; of a commit's tree when it is one. */
export async function readTree(git: Git, dir: string, tree: string): Promise<TreeItem[]> {
  const found = await git.objects.read(dir, `${tree}^{tree}`);
  if (!found || found.bytes.length < found.size) throw new Error(`tree ${tree} of ${dir} is missing or too large`);
  return parseTree(found.bytes);
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
  if (path === "") return { path, mode: FOLDER, type: "tree", sha: await treeOf(git, dir, commit), size: 0 };
  const parts = path.split("/");
  let tree = commit;
  for (const [depth, part] of parts.entries()) {
    const item = (await readTree(git, dir, tree)).find(({ name }) => name === byteName(part));
    if (!item) return undefined;
    if (depth === parts.length - 1) return { path, ...(await typed(git, dir, item)) };
    if (item.mode !== FOLDER) return undefined;
    tree = item.sha;
  }
  return undefined;
}

async function typed(git: Git, dir: string, { mode, sha }: TreeItem): Promise<Omit<TreeEntry, "path">> {
  if (mode === FOLDER) return { mode, type: "tree", sha, size: 0 };
  if (mode === SUBMODULE) return { mode, type: "commit", sha, size: 0 };
  return { mode, type: "blob", sha, size: (await git.objects.info(dir, sha))?.size ?? 0 };
}

/** @param commit id of a commit that exists, or of a tree */
export async function treeOf(git: Git, dir: string, commit: string): Promise<string> {
  const tree = await git.objects.info(dir, `${commit}^{tree}`);
  if (!tree) throw new Error(`the tree of ${commit} is missing in ${dir}`);
  return tree.sha;
}

async function lsTree(git: Git, dir: string, args: string[]): Promise<TreeEntry[]> {
  const text = await git.text(dir, ["--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", ...args]);
  return text.split("\0").flatMap((line) => {
    const found = /^(\d{6}) (blob|tree|commit) ([0-9a-f]{40}) +(\d+|-)\t(.*)$/s.exec(line);
    if (!found) return [];
    const [, mode = "", type, sha = "", size, path = ""] = found;
    return [{ mode, type: type as TreeEntry["type"], sha, size: size === "-" ? 0 : Number(size), path }];
  });
}

/** A file's bytes, at most `maxBytes` of them. @param sha of a blob that exists */
export async function readBlob(git: Git, dir: string, sha: string, maxBytes?: number): Promise<Buffer> {
  const info = await git.objects.info(dir, sha);
  const limit = maxBytes === undefined ? {} : { maxBytes };
  if (!info || info.size > MAX_SHARED_BYTES) return git.bytes(dir, ["cat-file", "blob", sha], limit);
  const blob = await git.objects.read(dir, sha, {}, maxBytes);
  if (!blob) throw new Error(`blob ${sha} is missing in ${dir}`);
  return blob.bytes;
}
