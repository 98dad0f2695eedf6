/** What is read of refs and history without git is what git says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isAncestor, lastChangeOf, listCommits, mergeBase } from "../../forge/embedded/git/history.ts";
import { initRepository, placeBranch } from "../../forge/embedded/git/init.ts";
import { listRefs } from "../../forge/embedded/git/refs.ts";
import { Git } from "../../forge/embedded/git/run.ts";
import { editTree, mergeCommits, writeBlob, writeCommit, writeTag } from "../../forge/embedded/git/write.ts";

const WHO = { name: "ann", email: "ann@forge.invalid", at: 1_700_000_000_000 };
/** Each commit with its parents and the file that it changes: a trunk, a branch merged back, one that goes on, an orphan. */
const SHAPE: Record<string, { parents: string[]; file: string }> = {
  root: { parents: [], file: "a" },
  trunk: { parents: ["root"], file: "dir/b" },
  side: { parents: ["root"], file: "a" },
  side2: { parents: ["side"], file: "dir/c" },
  trunk2: { parents: ["trunk"], file: "dir/b" },
  merge: { parents: ["trunk2", "side2"], file: "m" },
  after: { parents: ["merge"], file: "z" },
  open: { parents: ["trunk"], file: "o" },
  orphan: { parents: [], file: "a" },
};
const NAMES = Object.keys(SHAPE);
const PAIRS = NAMES.flatMap((one) => NAMES.map((other) => [one, other] as const));

let home: string;
let dir: string;
let git: Git;
const sha: Record<string, string> = {};
const of = (name: string): string => sha[name] ?? "";
const nameOf = (id: string | undefined): string | undefined => NAMES.find((name) => sha[name] === id);

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "history-"));
  dir = path.join(home, "code.git");
  git = new Git(path.join(home, "git"), { limit: 4, hooks: {} });
  initRepository(dir, "main");
  for (const [name, { parents, file }] of Object.entries(SHAPE)) {
    const ids = parents.map(of);
    const merged = ids[0] && ids[1] ? await mergeCommits(git, dir, ids[0], ids[1]) : undefined;
    const base = merged?.kind === "clean" ? merged.tree : ids[0];
    const tree = await editTree(git, dir, base, [{ path: file, sha: await writeBlob(dir, Buffer.from(name)) }]);
    sha[name] = await writeCommit(dir, { tree, parents: ids, message: name, author: WHO, committer: WHO });
  }
});
afterAll(async () => {
  await git.objects.close();
  rmSync(home, { recursive: true, force: true });
});

/** A commit and everything that it descends from. */
const past = (name: string): Set<string> =>
  new Set([name, ...(SHAPE[name]?.parents ?? []).flatMap((parent) => [...past(parent)])]);

test("who descends from whom, and where two histories meet, is told rightly of every pair", async () => {
  for (const [one, other] of PAIRS) {
    const common = [...past(one)].filter((name) => past(other).has(name));
    const best = common.filter((name) => !common.some((nearer) => nearer !== name && past(nearer).has(name)));
    expect(nameOf(await mergeBase(git, dir, of(one), of(other))), `${one} ${other}`).toBe(best[0]);
    expect(await isAncestor(git, dir, of(one), of(other)), `${one} ${other}`).toBe(past(other).has(one));
  }
});

test("a range holds the commits of one side that the other has not, newest first", async () => {
  for (const [one, other] of PAIRS) {
    const listed = (await listCommits(git, dir, { from: of(one), not: [of(other)] })).map(({ sha: id }) => nameOf(id));
    const wanted = NAMES.filter((name) => past(one).has(name) && !past(other).has(name));
    expect(listed.toSorted(), `${one} without ${other}`).toEqual(wanted.toSorted());
    for (const [at, name] of listed.entries())
      for (const later of listed.slice(at)) expect(past(later ?? "").has(name ?? "")).toBe(later === name);
  }
  const pages = await listCommits(git, dir, { from: of("trunk2"), skip: 1, limit: 1 });
  expect(pages.map(({ message }) => message)).toEqual(["trunk"]);
});

test("who changed a file or folder last is what git log says, over merges too", async () => {
  for (const name of ["merge", "after", "trunk2", "open"]) {
    for (const file of ["a", "dir", "dir/b"]) {
      const wanted = await git.text(dir, ["log", "-1", "--format=%H", of(name), "--", file]);
      expect(nameOf(await lastChangeOf(git, dir, of(name), file)), `${file} in ${name}`).toBe(nameOf(wanted));
    }
  }
});

test("refs are those of git, single ones, packed ones, and those that have moved or gone since", async () => {
  const asGit = async (...prefixes: string[]) => {
    const text = await git.text(dir, ["for-each-ref", "--format=%(objectname) %(refname)", ...prefixes]);
    return text === "" ? [] : text.split("\n").map((line) => ({ object: line.slice(0, 40), ref: line.slice(41) }));
  };
  const agree = async () => {
    for (const prefix of ["refs/heads", "refs/heads/dev", "refs/heads/main", "refs/tags", "refs/none"])
      expect(listRefs(dir, prefix), prefix).toEqual(await asGit(prefix));
    expect(listRefs(dir, "refs/tags", "refs/heads")).toHaveLength((await asGit()).length);
  };
  await agree();
  for (const branch of ["main", "dev/one", "dev/two", "dev.x"]) placeBranch(dir, branch, of("root"));
  const tag = await writeTag(dir, { name: "v1", commit: of("root"), message: "first", tagger: WHO });
  await git.bytes(dir, ["update-ref", "refs/tags/v1", tag]);
  await agree();
  await git.bytes(dir, ["pack-refs", "--all"]);
  await agree();
  placeBranch(dir, "main", of("trunk"));
  await git.bytes(dir, ["update-ref", "-d", "refs/heads/dev/two"]);
  await agree();
  expect(listRefs(dir, "refs/heads").map(({ ref }) => ref)).toEqual([
    "refs/heads/dev.x",
    "refs/heads/dev/one",
    "refs/heads/main",
  ]);
});
