/** What is written without git is, byte for byte, what git would have written. */
import { mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initRepository, placeBranch } from "../../forge/embedded/git/init.ts";
import { EMPTY_TREE, entryAt, readCommit, readTree } from "../../forge/embedded/git/objects.ts";
import { Git } from "../../forge/embedded/git/run.ts";
import { editTree, type TreeEdit, writeBlob, writeCommit, writeTag } from "../../forge/embedded/git/write.ts";

let home: string;
let dir: string;
let git: Git;

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "write-"));
  dir = path.join(home, "code.git");
  git = new Git(path.join(home, "git"), { limit: 4, hooks: {} });
  initRepository(dir, "dev/first");
});
afterAll(async () => {
  await git.objects.close();
  rmSync(home, { recursive: true, force: true });
});

/** The tree that git's own index makes of the same edits. */
async function treeByIndex(base: string, edits: readonly TreeEdit[]): Promise<string> {
  const env = { GIT_INDEX_FILE: path.join(home, "index") };
  await git.bytes(dir, ["read-tree", base], { env });
  const lines = edits.map(({ path: file, sha, mode = "100644" }) =>
    sha === null ? `0 ${"0".repeat(40)}\t${file}\0` : `${mode} ${sha}\t${file}\0`,
  );
  await git.bytes(dir, ["update-index", "-z", "--index-info"], { env, input: lines.join("") });
  return git.text(dir, ["write-tree"], { env });
}

test("a blob has git's id, and writing it again makes it young, so that no clean-up takes it", async () => {
  const content = Buffer.from("some\r\ntext\0and bytes \xff", "latin1");
  const sha = await writeBlob(dir, content);
  expect(sha).toBe(await git.text(dir, ["hash-object", "--stdin"], { input: content }));
  expect((await git.bytes(dir, ["cat-file", "blob", sha])).equals(content)).toBe(true);
  const file = path.join(dir, "objects", sha.slice(0, 2), sha.slice(2));
  utimesSync(file, 1000, 1000);
  await writeBlob(dir, content);
  expect(statSync(file).mtimeMs).toBeGreaterThan(1_600_000_000_000);
});

test("trees are git's, whatever is added, changed, moved and removed", async () => {
  const [one, two] = [await writeBlob(dir, Buffer.from("1")), await writeBlob(dir, Buffer.from("2"))];
  const put = (file: string, sha = one, mode = "100644") => ({ path: file, sha, mode });
  const gone = (file: string) => ({ path: file, sha: null });
  const steps: TreeEdit[][] = [
    ["a/b/c", "a/b/d", "a.b", "a-b", "a0", "ab", "A", "é/ü", "z/only"].map((file) => put(file)),
    [put("a/b/c", two), put("a/x/y/z"), put("run", one, "100755"), put("link", two, "120000")],
    [gone("z/only"), gone("a/b/c"), gone("never/there")],
    [gone("a.b"), put("a.b/inner", two)],
    [gone("a.b/inner"), put("a.b")],
    [gone("a/x/y/z"), gone("a/b/d"), put("a", two)],
  ];
  let tree = EMPTY_TREE;
  for (const edits of steps) {
    const wanted = await treeByIndex(tree, edits);
    expect(await editTree(git, dir, tree, edits)).toBe(wanted);
    tree = wanted;
  }
  expect(await entryAt(git, dir, tree, "é/ü")).toMatchObject({ sha: one, size: 1 });
  const everything = (await git.text(dir, ["ls-tree", "-r", "-z", "--name-only", tree])).split("\0").filter(Boolean);
  expect(await editTree(git, dir, tree, everything.map(gone))).toBe(EMPTY_TREE);
});

test("a name that is not UTF-8 stays as it is beside a file that is changed", async () => {
  const sha = await writeBlob(dir, Buffer.from("1"));
  const input = Buffer.from(`100644 blob ${sha}\tna\xefve\0`, "latin1");
  const tree = await git.text(dir, ["mktree", "-z"], { input });
  const edited = await editTree(git, dir, tree, [{ path: "other", sha }]);
  expect((await readTree(git, dir, edited)).map(({ name }) => name)).toEqual(["na\xefve", "other"]);
});

test("commits and tags are git's, whatever their people are called, and git finds nothing wrong with them", async () => {
  const tree = await editTree(git, dir, undefined, [{ path: "a", sha: await writeBlob(dir, Buffer.from("1")) }]);
  const people = ["ann", " Dr. O'Hara, Jr. ", "<angle> brackets", "two\nlines", "Zoë"];
  let parents: string[] = [];
  for (const name of people) {
    const author = { name, email: "a b@forge.invalid", at: 1_700_000_000_900 };
    const committer = { name: "forge", email: "forge@forge.invalid", at: 1_700_000_100_000 };
    const message = name.length % 2 ? "text\n\nmore\n" : "no line break at its end";
    const sha = await writeCommit(dir, { tree, parents, message, author, committer });
    const env = {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: "ab@forge.invalid",
      GIT_AUTHOR_DATE: "@1700000000 +0000",
      GIT_COMMITTER_NAME: "forge",
      GIT_COMMITTER_EMAIL: "forge@forge.invalid",
      GIT_COMMITTER_DATE: "@1700000100 +0000",
    };
    const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"];
    expect(sha, name).toBe(await git.text(dir, args, { env, input: message }));
    expect(await readCommit(git, dir, sha)).toMatchObject({ tree, parents, author: { at: 1_700_000_000_000 } });
    parents = [sha];
  }
  const [commit = ""] = parents;
  placeBranch(dir, "dev/first", commit);
  expect(await git.text(dir, ["rev-parse", "HEAD"])).toBe(commit);
  const tagger = { name: "", email: "", at: 0 };
  const tag = await writeTag(dir, { name: "v1", commit, message: "first\n\n", tagger });
  const text = `object ${commit}\ntype commit\ntag v1\ntagger unknown <unknown@localhost> 0 +0000\n\nfirst\n`;
  expect(await git.text(dir, ["mktag"], { input: text })).toBe(tag);
  expect(await git.text(dir, ["fsck", "--strict", "--no-dangling", commit, tag])).toBe("");
});
