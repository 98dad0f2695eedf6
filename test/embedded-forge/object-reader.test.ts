/** Objects are read by a process that stays: what it must see, survive and leave behind. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { readBlob, resolveCommit } from "../../forge/embedded/git/objects.ts";
import { moveRefs } from "../../forge/embedded/git/refs.ts";
import { Git } from "../../forge/embedded/git/run.ts";
import { writeBlob, writeCommit } from "../../forge/embedded/git/write.ts";

const WHO = { name: "ann", email: "ann@forge.invalid", at: 1_700_000_000_000 };
const NOWHERE = "0".repeat(40);
let home: string;
let git: Git;
let repos = 0;

/** The git that is found first notes each cat-file with its process id, and becomes the real one. */
beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), "objects-"));
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  mkdirSync(path.join(home, "bin"));
  const noting = `#!/bin/sh\n[ "$1" = cat-file ] && echo $$ >> ${home}/started\nexec ${real} "$@"\n`;
  writeFileSync(path.join(home, "bin", "git"), noting, { mode: 0o755 });
  vi.stubEnv("PATH", `${path.join(home, "bin")}:${process.env["PATH"]}`);
  git = new Git(path.join(home, "git"), { limit: 4, hooks: {} });
});
afterEach(async () => {
  await git.objects.close();
  writeFileSync(path.join(home, "started"), "");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const started = (): number[] =>
  readFileSync(path.join(home, "started"), "utf8").split("\n").filter(Boolean).map(Number);
const onlyOne = (): number => {
  expect(started()).toHaveLength(1);
  return started()[0] ?? 0;
};
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function newRepo(): Promise<string> {
  repos += 1;
  const dir = path.join(home, `${repos}.git`);
  await git.bytes(home, ["init", "-q", "--bare", "-b", "main", dir]);
  return dir;
}
async function commitOn(dir: string, branch: string, text: string, before = NOWHERE): Promise<string> {
  const tree = (
    await git.text(dir, ["mktree"], { input: `100644 blob ${await writeBlob(dir, Buffer.from(text))}\ta\n` })
  ).trim();
  const parents = before === NOWHERE ? [] : [before];
  const commit = await writeCommit(dir, { tree, parents, message: `${text}\n`, author: WHO, committer: WHO });
  expect(await moveRefs(git, dir, [{ ref: `refs/heads/${branch}`, before, after: commit }])).toBe(true);
  return commit;
}

test("one process sees what was pushed, packed and collected since it started", async () => {
  const dir = await newRepo();
  const first = await commitOn(dir, "main", "one");
  expect(await resolveCommit(git, dir, "main")).toBe(first);
  expect(await resolveCommit(git, dir, "later")).toBeUndefined();

  const clone = path.join(home, "clone");
  const run = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { stdio: "pipe" });
  run("clone", "-q", dir, clone);
  run("-C", clone, "commit", "-q", "--allow-empty", "-m", "two");
  run("-C", clone, "push", "-q", "origin", "HEAD:main", "HEAD:later");
  const second = await resolveCommit(git, dir, "main");
  expect(second).not.toBe(first);
  run("-C", dir, "gc", "-q", "--prune=now");
  const third = await commitOn(dir, "main", "three", second);
  run("-C", dir, "gc", "-q", "--prune=now");

  expect(await resolveCommit(git, dir, "main")).toBe(third);
  expect(await resolveCommit(git, dir, "later")).toBe(second);
  for (const sha of [first, second, third])
    expect(await git.objects.read(dir, sha ?? "")).toMatchObject({ type: "commit" });
  onlyOne();
});

test("questions asked at once are answered each with its own, whatever their size", async () => {
  const dir = await newRepo();
  const texts = [0, 1, 70_000, 3, 200_000].map((size) => Buffer.alloc(size, `${size}\n`));
  const shas = await Promise.all(texts.map((text) => writeBlob(dir, text)));
  const asked = Array.from({ length: 100 }, (_, at) => at % texts.length);
  const answers = await Promise.all(
    asked.flatMap((at) => [
      git.objects.read(dir, shas[at] ?? ""),
      git.objects.info(dir, `refs/heads/none-${at}`),
      git.objects.read(dir, shas[at] ?? "", {}, 2),
    ]),
  );
  const wanted = asked.flatMap((at) => {
    const bytes = texts[at] ?? Buffer.alloc(0);
    const info = { sha: shas[at], type: "blob", size: bytes.length };
    return [{ ...info, bytes }, undefined, { ...info, bytes: bytes.subarray(0, 2) }];
  });
  expect(answers).toEqual(wanted);
  onlyOne();
});

test("a large blob is read by a process of its own, as far as it is wanted", async () => {
  const dir = await newRepo();
  const bytes = Buffer.alloc(3 * 1024 * 1024, "abcdefg");
  const sha = await writeBlob(dir, bytes);
  expect((await readBlob(git, dir, sha)).equals(bytes)).toBe(true);
  expect((await readBlob(git, dir, sha, 10)).toString()).toBe("abcdefgabc");
  expect(started()).toHaveLength(3);
});

test("a process that is killed is replaced, and what it had been asked is answered all the same", async () => {
  const dir = await newRepo();
  const tip = await commitOn(dir, "main", "one");
  await resolveCommit(git, dir, "main");
  const pid = onlyOne();
  process.kill(pid, "SIGSTOP");
  const answers = [git.objects.info(dir, "refs/heads/main"), git.objects.info(dir, tip)];
  process.kill(pid, "SIGKILL");
  expect(await Promise.all(answers)).toMatchObject([{ sha: tip }, { sha: tip }]);
  expect(await resolveCommit(git, dir, "main")).toBe(tip);
  expect(isAlive(pid)).toBe(false);
});

test("a broken object is a fault that says so, and the others are read as before", async () => {
  const dir = await newRepo();
  const sha = await writeBlob(dir, Buffer.from("good"));
  const good = await writeBlob(dir, Buffer.from("other"));
  const file = path.join(dir, "objects", sha.slice(0, 2), sha.slice(2));
  rmSync(file);
  writeFileSync(file, deflateSync("blob 4\0go"));
  const [broken, other] = await Promise.allSettled([git.objects.read(dir, sha), git.objects.read(dir, good)]);
  expect(broken).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining(sha) } });
  expect(other).toMatchObject({ status: "fulfilled", value: { bytes: Buffer.from("other") } });
});

test("a process ends when nobody asks for some seconds, when its repository is gone, and with the forge", async () => {
  const dir = await newRepo();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await resolveCommit(git, dir, "main");
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  await vi.waitUntil(() => !isAlive(onlyOne()));
  await resolveCommit(git, dir, "main");
  git.objects.forget(dir);
  await vi.waitUntil(() => !isAlive(started()[1] ?? 0));
  await resolveCommit(git, dir, "main");
  await git.objects.close();
  expect(started().map(isAlive)).toEqual([false, false, false]);
});

test("a few are kept alive at once, those that were asked last", async () => {
  const dirs: string[] = [];
  for (let at = 0; at < 20; at += 1) {
    dirs.push(await newRepo());
    await resolveCommit(git, dirs[at] ?? "", "main");
    await resolveCommit(git, dirs[0] ?? "", "main");
  }
  await vi.waitUntil(() => started().filter(isAlive).length <= 16);
  expect(started()).toHaveLength(20);
  expect(isAlive(started()[0] ?? 0)).toBe(true);
});
