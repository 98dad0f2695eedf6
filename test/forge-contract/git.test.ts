/** Git over HTTP: who gets in, cloning and fetching in every depth, pushing, and how a push is refused. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { basic, expectStatus } from "./caller.ts";
import { gitUrl, type Ran, runGit } from "./git-client.ts";
import { becomes, type Person, passwordOf, type Repo, useStage } from "./stage.ts";

const stage = useStage();

const lsRemote = (repo: Repo, ...credentials: [string?, string?]): Promise<Ran> =>
  runGit(stage.home, ["ls-remote", gitUrl(stage, repo.path, ...credentials)]);
const lsRemoteWith = (repo: Repo, authorization: string): Promise<Ran> =>
  runGit(stage.home, ["-c", `http.extraHeader=Authorization: ${authorization}`, "ls-remote", `${repo.url}.git`]);

test("a token lets in as a password with any user name, as a user name, or a password by itself", async () => {
  const repo = await stage.repo();
  const { name, token } = stage.alice;
  for (const credentials of [
    ["anybody", token],
    [token, "x-oauth-basic"],
    [token, ""],
    [name, passwordOf(name)],
  ] as [string, string][]) {
    expect(await lsRemote(repo, ...credentials), credentials.join(" ")).toMatchObject({ code: 0 });
  }
});

test("a token lets in by the header alone, as token and as bearer", async () => {
  const repo = await stage.repo();
  for (const scheme of ["token", "Bearer", "bearer"]) {
    expect(await lsRemoteWith(repo, `${scheme} ${stage.alice.token}`), scheme).toMatchObject({ code: 0 });
  }
  const clone = await repo.clone(stage.bob);
  await clone.get("remote", "set-url", "origin", `${repo.url}.git`);
  await clone.get("config", "http.extraHeader", `Authorization: Bearer ${stage.bob.token}`);
  const head = await clone.commit("a", "1");
  expect(await clone.push("HEAD:main")).toMatchObject({ code: 0 });
  expect(await repo.tip()).toBe(head);
});

test("who says nothing is asked, and wrong credentials are refused", async () => {
  const repo = await stage.repo();
  expect((await lsRemote(repo)).text).toMatch(/could not read Username/);
  expect((await lsRemote(repo, stage.alice.name, "wrong")).text).toMatch(/Authentication failed/);
  expect((await lsRemote(repo, "x", "0".repeat(40))).text).toMatch(/Authentication failed/);
  const anonymous = await fetch(`${repo.url}/info/refs?service=git-upload-pack`);
  expect(anonymous.status).toBe(401);
  expect(anonymous.headers.get("www-authenticate")).toMatch(/^Basic /);
});

test("what somebody may not see is not there, as what does not exist", async () => {
  const repo = await stage.repo();
  expect((await lsRemote(repo, "x", stage.mallory.token)).text).toMatch(/not found/);
  expect((await runGit(stage.home, ["ls-remote", gitUrl(stage, `${repo.path}x`, "x", stage.bob.token)])).text).toMatch(
    /not found/,
  );
});

test("a token's scopes bound what it may do: read for a fetch, write for a push", async () => {
  const repo = await stage.repo();
  const blind = await stage.token(stage.bob.name, "write:issue");
  expect((await lsRemote(repo, "x", blind)).text).toMatch(/403/);
  const reading = await stage.token(stage.bob.name, "read:repository");
  const clone = await repo.clone({ ...stage.bob, token: reading } as Person);
  await clone.commit("a", "1");
  expect((await clone.push("HEAD:scoped")).text).toMatch(/403/);
});

test("a user who may not sign in loses git at once", async () => {
  const leaver = await stage.user("leaver");
  const repo = await stage.repoOf(leaver);
  expect(await lsRemote(repo, "x", leaver.token)).toMatchObject({ code: 0 });
  const wish = { source_id: 0, login_name: leaver.name, prohibit_login: true };
  await expectStatus(200, stage.admin.patch(`/admin/users/${leaver.name}`, wish));
  expect((await lsRemote(repo, "x", leaver.token)).code).not.toBe(0);
});

test("names are taken in any case, with and without .git", async () => {
  const repo = await stage.repo();
  const headers = { authorization: basic("x", stage.alice.token) };
  const status = async (path: string) =>
    (await fetch(`${stage.url}/${path}/info/refs?service=git-upload-pack`, { headers })).status;
  expect(await status(repo.path)).toBe(200);
  expect(await status(`${repo.path}.git`)).toBe(200);
  expect(await status(repo.path.toUpperCase())).toBe(200);
});

test("a clone has the default branch checked out, and its branches and tags", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "other" }));
  await expectStatus(201, stage.bob.post(`${repo.api}/tags`, { tag_name: "v1" }));
  const clone = await repo.clone(stage.alice);
  expect(await clone.get("branch", "--show-current")).toBe("main");
  expect(await clone.get("branch", "-r")).toContain("origin/other");
  expect(await clone.get("tag")).toBe("v1");
});

test("a shallow clone has as many commits as asked for, and is deepened", async () => {
  const repo = await stage.repo();
  for (const file of ["a", "b", "c"]) await repo.write(stage.bob, file);
  const clone = await repo.clone(stage.alice, "--depth", "1");
  const count = () => clone.get("rev-list", "--count", "HEAD");
  expect(await count()).toBe("1");
  await clone.get("fetch", "-q", "--deepen", "1");
  expect(await count()).toBe("2");
  await clone.get("fetch", "-q", "--unshallow");
  expect(await count()).toBe("4");
});

test("a shallow clone pushes", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "a");
  const clone = await repo.clone(stage.bob, "--depth", "1");
  const head = await clone.commit("b", "1");
  expect(await clone.push("HEAD:main")).toMatchObject({ code: 0 });
  expect(await repo.tip()).toBe(head);
});

test("a partial clone fetches contents when they are needed", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "a", "first\n");
  const clone = await repo.clone(stage.alice, "--filter=blob:none", "--no-checkout");
  const missing = async () =>
    (await clone.get("rev-list", "--objects", "--all", "--missing=print")).split("\n").filter((it) => it[0] === "?")
      .length;
  expect(await missing()).toBeGreaterThan(0);
  expect(await clone.get("show", "HEAD:a")).toBe("first");
  expect(await clone.run("checkout", "-q", "main")).toMatchObject({ code: 0 });
  expect(await missing()).toBe(0);
});

test("a fetch brings what is new, and a pull request's head by its ref", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  const head = await repo.write(stage.bob, "a");
  await clone.get("fetch", "-q", "origin");
  expect(await clone.get("rev-parse", "origin/main")).toBe(head);
  const pull = await repo.propose(stage.carol, "topic");
  await clone.get("fetch", "-q", "origin", `refs/pull/${pull.number}/head`);
  expect(await clone.get("rev-parse", "FETCH_HEAD")).toBe(pull.head);
});

test("a reader's push is refused in words, whatever it aims at, and leaves no objects behind", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  const commit = await clone.commit("intruder", "x");
  for (const target of ["main", "refs/heads/new", "refs/tags/t", "refs/pull/1/head"]) {
    const { code, text } = await clone.push(`HEAD:${target}`);
    expect(code, target).toBe(1);
    expect(text).toMatch(/remote: Forgejo: User permission denied for writing\..*pre-receive hook declined/s);
  }
  const other = await repo.clone(stage.bob);
  expect((await other.run("fetch", "origin", commit)).text).toMatch(/not our ref/);
});

test("a writer makes, moves and deletes branches and tags", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  expect(await clone.push("HEAD:feature", "HEAD:refs/tags/v1")).toMatchObject({ code: 0 });
  const second = await clone.commit("a", "2");
  expect(await clone.push("HEAD:feature")).toMatchObject({ code: 0 });
  expect(await repo.tip("feature")).toBe(second);
  expect(await clone.push("--delete", "feature", "v1")).toMatchObject({ code: 0 });
  expect(await clone.get("ls-remote", "origin", "refs/heads/feature", "refs/tags/v1")).toBe("");
});

test("a push of a new branch tells where to propose it", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  const { text } = await clone.push("HEAD:feature");
  expect(text).toMatch(/remote: Create a new pull request for 'feature':/);
  expect(text).toContain(`${repo.url}/compare/main...feature`);
});

test("a rewritten branch is pushed with force alone", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  await clone.get("push", "-q", "origin", "HEAD:feature");
  await clone.get("commit", "--amend", "-qm", "rewritten");
  expect((await clone.push("HEAD:feature")).text).toMatch(/rejected.*non-fast-forward/s);
  expect(await clone.push("+HEAD:feature")).toMatchObject({ code: 0 });
});

test("a pull request's ref is no reader's to move; Forgejo lets a writer, the embedded forge nobody", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "topic");
  const move = async (who: Person) => {
    const clone = await repo.clone(who);
    await clone.commit("a", "1");
    return (await clone.push(`+HEAD:refs/pull/${pull.number}/head`)).code;
  };
  expect(await move(stage.carol)).toBe(1);
  expect(await move(stage.bob)).toBe(stage.kind === "Forgejo" ? 0 : 1);
});

test("the first branch that is pushed to an empty repository becomes its default", async () => {
  const repo = await stage.repoOf(stage.bob, { auto_init: false });
  const clone = await repo.emptyClone(stage.bob);
  await clone.commit("a", "1");
  await clone.get("push", "origin", "HEAD:trunk");
  await becomes(async () => (await stage.bob.get(repo.api)).body).toMatchObject({
    default_branch: "trunk",
    empty: false,
  });
  const again = await repo.clone(stage.bob);
  expect(await again.get("branch", "--show-current")).toBe("trunk");
});

test("nobody pushes to an archived repository, and it is still read", async () => {
  const repo = await stage.repoOf(stage.bob);
  await expectStatus(200, stage.bob.patch(repo.api, { archived: true }));
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  expect((await clone.push("HEAD:main")).text).toMatch(/This repo is archived/);
});

test("of pushes to one branch at once one wins; the others are refused, and get in after a rebase", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "race" }));
  const clones = await Promise.all(Array.from({ length: 4 }, () => repo.clone(stage.bob, "-b", "race")));
  await Promise.all(clones.map((clone, index) => clone.commit(`by-${index}`, "x")));
  const results = await Promise.all(clones.map((clone) => clone.push("HEAD:race")));
  const losers = clones.filter((_, index) => results[index]?.code !== 0);
  expect(losers).toHaveLength(3);
  for (const { code, text } of results) if (code !== 0) expect(text).toMatch(/! \[(remote )?rejected\]/);
  for (const clone of losers) {
    await clone.get("pull", "-q", "--rebase", "origin", "race");
    expect(await clone.push("HEAD:race")).toMatchObject({ code: 0 });
  }
  const files = (await repo.get("/contents?ref=race")).map(({ name }: { name: string }) => name);
  expect(files).toEqual(expect.arrayContaining(["by-0", "by-1", "by-2", "by-3"]));
});

test("pushes to several branches at once all get in", async () => {
  const repo = await stage.repo();
  const clones = await Promise.all(Array.from({ length: 4 }, () => repo.clone(stage.bob)));
  await Promise.all(clones.map((clone, index) => clone.commit("a", `${index}`)));
  const results = await Promise.all(clones.map((clone, index) => clone.push(`HEAD:lane-${index}`)));
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
});

test("a push of 100 MiB that nothing can compress gets in, and comes back as it was", {
  timeout: 300_000,
}, async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  await clone.get("config", "core.compression", "0");
  await clone.get("config", "core.bigFileThreshold", "1m");
  const head = await clone.commit("noise", randomBytes(100 * 2 ** 20));
  expect(await clone.push("HEAD:noise")).toMatchObject({ code: 0 });
  expect(await repo.tip("noise")).toBe(head);
  const blob = await clone.get("rev-parse", "HEAD:noise");
  const again = await repo.clone(stage.alice, "--depth", "1", "-b", "noise");
  expect(await again.get("hash-object", "noise")).toBe(blob);
});
