/** Making commits without a work tree: blobs, a tree out of an index of its own, merges by `git merge-tree`. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import path from "node:path";
import { listCommits, nearMergeBase } from "./history.ts";
import { type Commit, type Signature, treeOf } from "./objects.ts";
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

export const writeBlob = (git: Git, dir: string, content: Buffer): Promise<string> =>
  git.text(dir, ["hash-object", "-w", "--no-filters", "--stdin"], { input: content });

/** The tree that the edits make of another one. @param base id of a tree or commit; undefined: nothing */
export async function editTree(
  git: Git,
  dir: string,
  base: string | undefined,
  edits: readonly TreeEdit[],
): Promise<string> {
  const index = path.join(dir, `index-${randomBytes(8).toString("hex")}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    if (base !== undefined) await git.bytes(dir, ["read-tree", base], { env });
    const lines = edits.map(({ path: file, sha, mode }) =>
      sha === null ? `0 ${"0".repeat(40)}\t${file}\0` : `${mode ?? PLAIN_FILE} ${sha}\t${file}\0`,
    );
    await git.bytes(dir, ["update-index", "-z", "--index-info"], { env, input: lines.join("") });
    return await git.text(dir, ["write-tree"], { env });
  } finally {
    rmSync(index, { force: true });
  }
}

export const writeCommit = (git: Git, dir: string, commit: NewCommit): Promise<string> =>
  git.text(dir, ["commit-tree", commit.tree, ...commit.parents.flatMap((parent) => ["-p", parent]), "-F", "-"], {
    input: commit.message,
    env: { ...named("AUTHOR", commit.author), ...named("COMMITTER", commit.committer) },
  });

/** An annotated tag's object; no ref is made. */
export const writeTag = (
  git: Git,
  dir: string,
  tag: { name: string; commit: string; message: string; tagger: Signature },
): Promise<string> => {
  const { name, email, at } = clean(tag.tagger);
  const header = `object ${tag.commit}\ntype commit\ntag ${tag.name}\ntagger ${name} <${email}> ${at} +0000\n`;
  return git.text(dir, ["mktag"], { input: `${header}\n${tag.message.trimEnd()}\n` });
};

/** What git takes for a name and an address; the time in whole seconds. */
const clean = (who: Signature) => ({
  name: who.name.replace(/[<>\x00-\x1f]/g, "").trim() || "unknown",
  email: who.email.replace(/[<>\x00-\x1f ]/g, "") || "unknown@localhost",
  at: Math.floor(who.at / 1000),
});

const named = (role: "AUTHOR" | "COMMITTER", who: Signature) => {
  const { name, email, at } = clean(who);
  return { [`GIT_${role}_NAME`]: name, [`GIT_${role}_EMAIL`]: email, [`GIT_${role}_DATE`]: `@${at} +0000` };
};

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
    writeCommit(git, dir, { tree, parents, message: "pick", author: committer, committer });
  const below = await stand(parentTree, []);
  const merged = await mergeCommits(git, dir, await stand(topTree, [below]), await stand(commit.tree, [below]));
  if (merged.kind === "conflict") return undefined;
  if (merged.tree === topTree && commit.tree !== parentTree) return top;
  const { message, author } = commit;
  return writeCommit(git, dir, { tree: merged.tree, parents: [top], message, author, committer });
}
