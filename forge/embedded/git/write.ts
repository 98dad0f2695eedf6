/** Making commits without a work tree: blobs, trees out of others, merges by `git merge-tree`. */
import { listCommits, nearMergeBase } from "./history.ts";
import { writeObject } from "./loose-object.ts";
import { type Commit, FOLDER, readTree, type Signature, treeOf } from "./objects.ts";
import { byteName, type TreeItem } from "./parse-object.ts";
import { type Git, GitFault } from "./run.ts";

/** `sha` null removes the file. */
export interface TreeEdit {
  path: string;
  sha: string | null;
  /** PLAIN_FILE unless said otherwise. */
  mode?: string;
}
interface NewCommit {
  tree: string;
  parents: string[];
  message: string;
  author: Signature;
  committer: Signature;
}
export type Merged = { kind: "clean"; tree: string } | { kind: "conflict"; files: string[] };

export const PLAIN_FILE = "100644";

export const writeBlob = (dir: string, content: Buffer): Promise<string> => writeObject(dir, "blob", content);

/**
 * The tree that the edits make of another one. A file that is removed and the folder of its name that is made, or the other
 * way round, may be of the same edits.
 * @param base id of a tree or commit; undefined: nothing
 */
export async function editTree(
  git: Git,
  dir: string,
  base: string | undefined,
  edits: readonly TreeEdit[],
): Promise<string> {
  return (await editFolder(git, dir, base, edits)) ?? writeTree(dir, []);
}

/** Undefined when nothing is left in it: git keeps no empty folders. */
async function editFolder(
  git: Git,
  dir: string,
  base: string | undefined,
  edits: readonly TreeEdit[],
): Promise<string | undefined> {
  const items = new Map((base === undefined ? [] : await readTree(git, dir, base)).map((item) => [item.name, item]));
  const below = new Map<string, TreeEdit[]>();
  for (const edit of edits) {
    const [part = "", ...rest] = edit.path.split("/");
    const name = byteName(part);
    if (rest.length > 0) below.set(name, [...(below.get(name) ?? []), { ...edit, path: rest.join("/") }]);
    else if (edit.sha === null) items.delete(name);
    else items.set(name, { name, mode: edit.mode ?? PLAIN_FILE, sha: edit.sha });
  }
  for (const [name, inner] of below) {
    const present = items.get(name);
    const isFolder = present?.mode === FOLDER;
    const sha = await editFolder(git, dir, isFolder ? present.sha : undefined, inner);
    if (sha !== undefined) items.set(name, { name, mode: FOLDER, sha });
    else if (isFolder) items.delete(name);
  }
  return items.size === 0 ? undefined : writeTree(dir, [...items.values()]);
}

/** Git sorts by bytes, and a folder as if a slash ended its name. */
function writeTree(dir: string, items: readonly TreeItem[]): Promise<string> {
  const keyed = items.map((item) => ({ ...item, key: item.mode === FOLDER ? `${item.name}/` : item.name }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : 1));
  const parts = keyed.flatMap(({ mode, name, sha }) => [
    Buffer.from(`${mode.replace(/^0/, "")} ${name}\0`, "latin1"),
    Buffer.from(sha, "hex"),
  ]);
  return writeObject(dir, "tree", Buffer.concat(parts));
}

export function writeCommit(dir: string, commit: NewCommit): Promise<string> {
  const parents = commit.parents.map((parent) => `parent ${parent}\n`).join("");
  const people = `author ${signed(commit.author)}\ncommitter ${signed(commit.committer)}\n`;
  const head = `tree ${commit.tree}\n${parents}${people}`;
  return writeObject(dir, "commit", Buffer.from(`${head}\n${withoutNul(commit.message)}`));
}

/** An annotated tag's object; no ref is made. */
export function writeTag(
  dir: string,
  tag: { name: string; commit: string; message: string; tagger: Signature },
): Promise<string> {
  const header = `object ${tag.commit}\ntype commit\ntag ${tag.name}\ntagger ${signed(tag.tagger)}\n`;
  return writeObject(dir, "tag", Buffer.from(`${header}\n${withoutNul(tag.message).trimEnd()}\n`));
}

/** For git a message ends there. */
const withoutNul = (text: string): string => text.replaceAll("\0", "");

/** Name, address and time as git has them: it takes no angle brackets and line breaks, and cuts these marks from both ends. */
function signed(who: Signature): string {
  const clean = (text: string) => text.replace(/[<>\x00-\x1f]/g, "").replace(/^[ .,:;"'\\]+|[ .,:;"'\\]+$/g, "");
  const name = clean(who.name) || "unknown";
  const email = clean(who.email).replaceAll(" ", "") || "unknown@localhost";
  return `${name} <${email}> ${Math.max(0, Math.floor(who.at / 1000))} +0000`;
}

/** Merges two commits by their common history, which they must have. Nothing but objects is written. */
export async function mergeCommits(git: Git, dir: string, ours: string, theirs: string): Promise<Merged> {
  const near = await nearMergeBase(git, dir, ours, theirs);
  if (near === ours || near === theirs) {
    return { kind: "clean", tree: await treeOf(git, dir, near === ours ? theirs : ours) };
  }
  const args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs];
  const result = await git.try(dir, args);
  const [tree = "", ...files] = result.out.toString("utf8").split("\0");
  if (result.code === 0) return { kind: "clean", tree };
  if (result.code === 1) return { kind: "conflict", files: files.filter((file) => file !== "") };
  throw new GitFault(args, result);
}

/**
 * Makes the commits after `base` up to `head` anew on top of `onto`, as a rebase does: merges are left out, and so is what
 * turns out empty there. Returns the new head; undefined on a conflict.
 */
export async function replayCommits(
  git: Git,
  dir: string,
  range: { base: string; head: string; onto: string; committer: Signature },
): Promise<string | undefined> {
  const commits = await listCommits(git, dir, {
    from: range.head,
    not: [range.base],
    isReversed: true,
    withoutMerges: true,
  });
  let top = range.onto;
  for (const commit of commits) {
    const next = await pick(git, dir, commit, top, range.committer);
    if (next === undefined) return undefined;
    top = next;
  }
  return top;
}

/**
 * merge-tree finds its merge base by itself (before git 2.40 it cannot be told one), so the three trees of a pick are
 * given a small history of their own: the picked commit's parent below, our side and the picked side upon it.
 */
async function pick(
  git: Git,
  dir: string,
  commit: Commit,
  top: string,
  committer: Signature,
): Promise<string | undefined> {
  const [parent] = commit.parents;
  const [parentTree, topTree] = await Promise.all([
    parent === undefined ? editTree(git, dir, undefined, []) : treeOf(git, dir, parent),
    treeOf(git, dir, top),
  ]);
  const stand = (tree: string, parents: string[]) =>
    writeCommit(dir, { tree, parents, message: "pick", author: committer, committer });
  const below = await stand(parentTree, []);
  const merged = await mergeCommits(git, dir, await stand(topTree, [below]), await stand(commit.tree, [below]));
  if (merged.kind === "conflict") return undefined;
  if (merged.tree === topTree && commit.tree !== parentTree) return top;
  const { message, author } = commit;
  return writeCommit(dir, { tree: merged.tree, parents: [top], message, author, committer });
}
