/** AGit: proposals by `git push` to refs/for/BRANCH, by who may only read. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { becomes, pushProposal, useStage } from "./stage.ts";

const stage = useStage();

test("a reader's push to refs/for/main opens a pull request in its own name, and says where it is", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  const head = await clone.commit("a", "1", "subject line\n\nwhy and how");
  const { code, text } = await clone.propose("first");
  expect(code).toBe(0);
  expect(text).toContain(`${repo.url}/pulls/1`);
  const pull = await repo.get("/pulls/1");
  expect(pull).toMatchObject({
    title: "subject line",
    user: { login: stage.alice.name },
    state: "open",
    head: { ref: "refs/pull/1/head", sha: head },
    base: { ref: "main" },
  });
  expect(pull.body).toContain("why and how");
  const refs = await clone.get("ls-remote", "origin");
  expect(refs).toContain(`${head}\trefs/pull/1/head`);
  expect(refs).not.toContain("refs/for");
});

test("title and description come from push options", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  await clone.commit("b", "1");
  const number = await pushProposal(clone, "told", "-o", "title=My title", "-o", "description=My words");
  expect(await repo.get(`/pulls/${number}`)).toMatchObject({ title: "My title", body: "My words" });
});

test("a description in base64 may have several lines in 15, and stays as it is in 7", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  await clone.commit("b", "1");
  const value = `{base64}${Buffer.from("one\ntwo").toString("base64")}`;
  const number = await pushProposal(clone, "told", "-o", "title=t", "-o", `description=${value}`);
  expect((await repo.get(`/pulls/${number}`)).body).toBe(stage.major >= 15 ? "one\ntwo" : value);
});

test("the same topic moves the pull request", async () => {
  const repo = await stage.repo();
  const { clone, number } = await repo.propose(stage.alice, "moving");
  const second = await clone.commit("c", "2");
  expect(await pushProposal(clone, "moving")).toBe(number);
  await becomes(async () => (await repo.get(`/pulls/${number}`)).head.sha).toBe(second);
  expect(await repo.get("/pulls?state=all")).toHaveLength(1);
});

test("unchanged or rewritten commits are refused, unless forced", async () => {
  const repo = await stage.repo();
  const { clone, number, head } = await repo.propose(stage.alice, "moving");
  expect((await clone.propose("moving")).code).toBe(1);
  await clone.get("commit", "--amend", "-qm", "rewritten");
  expect((await clone.propose("moving")).code).toBe(1);
  expect((await repo.get(`/pulls/${number}`)).head.sha).toBe(head);
  expect(await pushProposal(clone, "moving", "-o", "force-push=true")).toBe(number);
  const rewritten = await clone.get("rev-parse", "HEAD");
  await becomes(async () => (await repo.get(`/pulls/${number}`)).head.sha).toBe(rewritten);
});

test("a topic belongs to its author, and may stand in the ref", async () => {
  const repo = await stage.repo();
  const first = await repo.propose(stage.alice, "shared");
  const second = await repo.propose(stage.carol, "shared");
  expect(second.number).not.toBe(first.number);
  await second.clone.commit("d", "again");
  expect((await second.clone.push("HEAD:refs/for/main/shared")).text).toContain(`/pulls/${second.number}`);
});

test("the topic of a closed pull request opens a new one", async () => {
  const repo = await stage.repo();
  const { clone, number, api } = await repo.propose(stage.alice, "again");
  await expectStatus(201, stage.alice.patch(api, { state: "closed" }));
  await clone.commit("more", "2");
  expect(await pushProposal(clone, "again")).toBeGreaterThan(number);
});

test("a proposal without a topic, for an unknown branch, or of nothing new is refused", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  await clone.commit("f", "1");
  for (const args of [
    ["HEAD:refs/for/main"],
    ["HEAD:refs/for/nosuch", "-o", "topic=x"],
    [":refs/for/main", "-o", "topic=x"],
  ]) {
    expect((await clone.push(...args)).code, args.join(" ")).toBe(1);
  }
  expect(await repo.get("/pulls?state=all")).toEqual([]);
});

test("one refused ref refuses the whole push, the proposal with it", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  await clone.commit("f", "1");
  expect((await clone.push("HEAD:refs/for/main", "HEAD:refs/heads/x", "-o", "topic=x")).code).toBe(1);
  expect(await repo.get("/pulls?state=all")).toEqual([]);
});

test("a proposal needs a token that may write repositories", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.alice);
  await clone.commit("h", "1");
  const reading = await stage.token(stage.alice.name, "read:repository");
  const url = new URL(`${repo.url}.git`);
  Object.assign(url, { username: "x", password: reading });
  await clone.get("remote", "set-url", "origin", url.href);
  expect((await clone.propose("scoped")).text).toMatch(/403/);
});

test("pushes of several topics at once make a pull request each", async () => {
  const repo = await stage.repo();
  const clones = await Promise.all(Array.from({ length: 3 }, () => repo.clone(stage.alice)));
  await Promise.all(clones.map((clone, index) => clone.commit("many", `${index}`)));
  const made = await Promise.all(clones.map((clone, index) => pushProposal(clone, `many-${index}`)));
  expect(new Set(made).size).toBe(3);
});
