import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneAs, emptyClone } from "../forge-contract/git-client.ts";
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
