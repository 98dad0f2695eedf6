import { afterAll, beforeAll, expect, test } from "vitest";
import { type Clone, cloneAs, emptyClone } from "../forge-contract/git-client.ts";
import { expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

let forge: TestForge;
const tokens: Record<"ann" | "bob" | "writer", string> = { ann: "", bob: "", writer: "" };
const REPO = "team/code";
const API = "/repos/team/code";

beforeAll(async () => {
  forge = await startTestForge();
  for (const name of ["ann", "bob", "writer"] as const) tokens[name] = await forge.userToken(name);
  await forge.org("team", "code", {
    readers: { level: "read", members: ["ann", "bob"] },
    writers: { level: "write", members: ["writer"] },
  });
});
afterAll(() => forge[Symbol.asyncDispose]());

const pulls = async () => (await forge.admin.get(`${API}/pulls?state=all&limit=50`)).body;
const pullOfTopic = async (clone: Clone, topic: string, ...args: string[]) => {
  const { code, text } = await clone.propose(topic, ...args);
  const number = Number(/refs\/pull\/(\d+)\/head/.exec(text)?.[1]);
  if (code !== 0 || !number) throw new Error(text);
  return { number, text };
};

test("a reader's push to refs/for/main opens a pull request in its own name, and says where it is", async () => {
  const clone = await cloneAs(forge, REPO, tokens.ann);
  const head = await clone.commit("a", "1", "subject line\n\nwhy and how");
  const { number, text } = await pullOfTopic(clone, "first");
  expect(text).toMatch(/\* \[new reference\] +HEAD -> refs\/pull\/\d+\/head/);
  expect(text).toMatch(
    new RegExp(`remote: Visit the existing pull request:.*remote: +${forge.url}/team/code/pulls/${number}`, "s"),
  );
  expect((await forge.admin.get(`${API}/pulls/${number}`)).body).toMatchObject({
    title: "subject line",
    body: "why and how\n",
    user: { login: "ann" },
    state: "open",
    mergeable: true,
    head: { ref: `refs/pull/${number}/head`, sha: head },
    base: { ref: "main" },
    changed_files: 1,
    additions: 1,
  });
  const refs = await clone.get("ls-remote", "origin");
  expect(refs).toContain(`${head}\trefs/pull/${number}/head`);
  expect(refs).not.toContain("refs/for");
});

test("title and description come from push options, with line breaks when they are base64", async () => {
  const clone = await cloneAs(forge, REPO, tokens.ann);
  await clone.commit("b", "1");
  const body = `{base64}${Buffer.from("one\ntwo").toString("base64")}`;
  const { number } = await pullOfTopic(clone, "told", "-o", "title=My title", "-o", `description=${body}`);
  expect((await forge.admin.get(`${API}/pulls/${number}`)).body).toMatchObject({ title: "My title", body: "one\ntwo" });
});

test("the same topic moves the pull request; unchanged or rewritten commits are refused, unless forced", async () => {
  const clone = await cloneAs(forge, REPO, tokens.ann);
  await clone.commit("c", "1");
  const { number } = await pullOfTopic(clone, "moving");
  const second = await clone.commit("c", "2");
  expect((await clone.propose("moving")).text).toMatch(/\.\.[0-9a-f]+ +HEAD -> refs\/pull\/\d+\/head/);
  expect((await clone.propose("moving")).text).toMatch(/The new commit is the same as the old commit/);
  await clone.get("commit", "--amend", "-qm", "rewritten");
  expect((await clone.propose("moving")).text).toMatch(/tip of your current branch is behind its remote counterpart/);
  expect((await forge.admin.get(`${API}/pulls/${number}`)).body.head.sha).toBe(second);
  expect(await pullOfTopic(clone, "moving", "-o", "force-push=true")).toMatchObject({ number });
  expect((await forge.admin.get(`${API}/pulls/${number}`)).body.head.sha).toBe(await clone.get("rev-parse", "HEAD"));
  const timeline = (await forge.admin.get(`${API}/issues/${number}/timeline`)).body;
  expect(timeline.map((entry: { type: string }) => entry.type)).toEqual(["pull_push", "pull_push", "pull_push"]);
});

test("a topic belongs to its author, and may stand in the ref", async () => {
  const [ann, bob] = await Promise.all([cloneAs(forge, REPO, tokens.ann), cloneAs(forge, REPO, tokens.bob)]);
  await ann.commit("d", "ann");
  await bob.commit("d", "bob");
  const first = await pullOfTopic(ann, "shared");
  const second = await pullOfTopic(bob, "shared");
  expect(second.number).not.toBe(first.number);
  await bob.commit("d", "bob again");
  expect((await bob.push("HEAD:refs/for/main/shared")).text).toContain(`refs/pull/${second.number}/head`);
});

test("the topic of a closed pull request opens a new one", async () => {
  const clone = await cloneAs(forge, REPO, tokens.ann);
  await clone.commit("e", "1");
  const first = await pullOfTopic(clone, "again");
  await expectStatus(201, forge.withToken(tokens.ann).patch(`${API}/pulls/${first.number}`, { state: "closed" }));
  const second = await pullOfTopic(clone, "again");
  expect(second.number).toBeGreaterThan(first.number);
});

test("what cannot become a pull request is refused with Forgejo's words", async () => {
  const clone = await cloneAs(forge, REPO, tokens.ann);
  await clone.commit("f", "1");
  const before = (await pulls()).length;
  const refusals: [string[], RegExp][] = [
    [["HEAD:refs/for/main"], /The topic-branch option is not set/],
    [["HEAD:refs/for/nosuch", "-o", "topic=x"], /Unexpected ref: refs\/for\/nosuch/],
    [["origin/main:refs/for/main", "-o", "topic=x"], /The target branch already contains this commit/],
    [[":refs/for/main", "-o", "topic=x"], /Cannot delete a non-existent branch/],
    [["HEAD^{tree}:refs/for/main", "-o", "topic=x"], /Only a commit can be proposed/],
    [["HEAD:refs/for/main", "HEAD:refs/heads/x", "-o", "topic=x"], /declined/],
  ];
  for (const [args, reason] of refusals) {
    const { code, text } = await clone.push(...args);
    expect(code).toBe(1);
    expect(text).toMatch(reason);
  }
  await clone.get("checkout", "-q", "--orphan", "island");
  await clone.commit("g", "1");
  expect((await clone.propose("island")).text).toMatch(/no common history/);
  expect(await pulls()).toHaveLength(before);
});

test("an empty repository takes no proposals", async () => {
  await expectStatus(201, forge.withToken(tokens.writer).post("/user/repos", { name: "empty", private: true }));
  const clone = await emptyClone(forge, "writer/empty", tokens.writer);
  await clone.commit("a", "1");
  expect((await clone.propose("x")).text).toMatch(/Can't create pull request for an empty repository/);
});

test("a proposal needs a token that may write repositories", async () => {
  const reading = await forge.token("bob", ["read:repository"]);
  const clone = await cloneAs(forge, REPO, reading);
  await clone.commit("h", "1");
  expect((await clone.propose("scoped")).text).toMatch(/403/);
});

test("one user's pushes of one topic at once make one pull request; the losers are told", async () => {
  const before = (await pulls()).length;
  const clones = await Promise.all(Array.from({ length: 5 }, () => cloneAs(forge, REPO, tokens.bob)));
  await Promise.all(clones.map((clone, index) => clone.commit("race", `${index}`)));
  const results = await Promise.all(clones.map((clone) => clone.propose("race")));
  expect(results.filter(({ code }) => code === 0)).toHaveLength(1);
  for (const { code, text } of results) if (code !== 0) expect(text).toMatch(/behind its remote|has moved/);
  const all = await pulls();
  expect(all).toHaveLength(before + 1);
  const refs = await clones[0]?.get("ls-remote", "origin", "refs/pull/*");
  for (const pull of all) expect(refs).toContain(`${pull.head.sha}\trefs/pull/${pull.number}/head`);
});

test("pushes of several topics at once make a pull request each", async () => {
  const before = (await pulls()).length;
  const clones = await Promise.all(Array.from({ length: 4 }, () => cloneAs(forge, REPO, tokens.ann)));
  await Promise.all(clones.map((clone, index) => clone.commit("many", `${index}`)));
  const made = await Promise.all(clones.map((clone, index) => pullOfTopic(clone, `many-${index}`)));
  expect(new Set(made.map(({ number }) => number)).size).toBe(4);
  expect(await pulls()).toHaveLength(before + 4);
});
