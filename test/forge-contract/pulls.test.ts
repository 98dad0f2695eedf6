/** Pull requests: opening from branches, their fields, edits, base and head, whether they can be merged, closing. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { becomes, type Repo, types, useStage } from "./stage.ts";

const stage = useStage();
const numbers = (answer: { body: { number: number }[] }) => answer.body.map(({ number }) => number);
const headOf = (repo: Repo, number: number) => async () => (await repo.get(`/pulls/${number}`)).head.sha;

test("a pull request has the fields that Forgejo answers", async () => {
  const repo = await stage.repo();
  const { number, head, api } = await repo.pullFromBranch(stage.bob, "topic", { title: "Add a", body: "please" });
  await becomes(async () => (await stage.alice.get(api)).body.mergeable).toBe(true);
  const { body } = await stage.alice.get(api);
  expect(body).toMatchObject({
    number,
    state: "open",
    title: "Add a",
    body: "please",
    user: { login: stage.bob.name },
    html_url: `${repo.url}/pulls/${number}`,
    base: { ref: "main", label: "main", repo: { full_name: repo.path } },
    head: { ref: "topic", label: "topic", sha: head },
    merged: false,
    merge_commit_sha: null,
    merge_base: body.base.sha,
  });
  if (stage.major >= 15) expect(body).toMatchObject({ additions: 1, deletions: 0, changed_files: 1, flow: 0 });
});

test("a pull request is also an issue, with the same number", async () => {
  const repo = await stage.repo();
  await repo.issue(stage.alice, "An issue");
  const { number } = await repo.pullFromBranch(stage.bob, "topic");
  expect(number).toBe(2);
  const { body } = await stage.alice.get(`${repo.api}/issues/2`);
  expect(body.pull_request).toMatchObject({ merged: false, merged_at: null });
  expect(numbers(await stage.alice.get(`${repo.api}/issues?type=pulls`))).toEqual([2]);
  expect((await stage.alice.get(`${repo.api}/pulls/1`)).status).toBe(404);
});

test("one is found by its branches", async () => {
  const repo = await stage.repo();
  const { number } = await repo.pullFromBranch(stage.bob, "topic");
  expect((await stage.alice.get(`${repo.api}/pulls/main/topic`)).body.number).toBe(number);
  expect((await stage.alice.get(`${repo.api}/pulls/main/never-there`)).status).toBe(404);
});

test("a second one for the same branches, or one of a branch into itself, is refused", async () => {
  const repo = await stage.repo();
  await repo.pullFromBranch(stage.bob, "topic");
  const open = async (head: string, base: string) =>
    (await stage.bob.post(`${repo.api}/pulls`, { head, base, title: "x" })).status;
  expect(await open("topic", "main")).toBe(409);
  expect(await open("main", "main")).toBe(422);
  expect(await open("never-there", "main")).toBe(404);
  expect(await open("topic", "never-there")).toBe(404);
});

test("who cannot read a repository learns nothing of its pull requests, and proposes none", async () => {
  const repo = await stage.repo();
  const { api } = await repo.pullFromBranch(stage.bob, "topic");
  for (const path of ["", "/files", "/commits", "/reviews", "/merge", ".diff"]) {
    expect((await stage.mallory.get(api + path)).status, path).toBe(404);
  }
  const wish = { head: "topic", base: "main", title: "mine" };
  expect((await stage.mallory.post(`${repo.api}/pulls`, wish)).status).toBe(404);
  expect((await stage.mallory.post(`${api}/reviews`, { event: "COMMENT", body: "x" })).status).toBe(404);
  expect((await stage.mallory.post(`${api}/merge`, { Do: "merge" })).status).toBe(404);
});

test("its difference and patch are text, its files and commits lists", async () => {
  const repo = await stage.repo();
  const { api, head } = await repo.pullFromBranch(stage.bob, "topic");
  const diff = await stage.alice.get(`${api}.diff`);
  expect(diff.headers.get("content-type")).toContain("text/plain");
  expect(diff.body).toContain("+++ b/on-topic");
  expect((await stage.alice.get(`${api}.patch`)).body).toContain("Subject: [PATCH] add on-topic");
  const files = await stage.alice.get(`${api}/files`);
  expect(files.body).toMatchObject([{ filename: "on-topic", status: "added", additions: 1, deletions: 0, changes: 1 }]);
  expect(files.headers.get("x-total-count")).toBe("1");
  expect((await stage.alice.get(`${api}/commits`)).body).toMatchObject([{ sha: head }]);
});

test("author and writers edit it, with an answer of 201; other readers do not", async () => {
  const repo = await stage.repo();
  const { api } = await repo.pullFromBranch(stage.bob, "topic");
  expect((await stage.alice.patch(api, { title: "Mine" })).status).toBe(403);
  const { body } = await expectStatus(201, stage.olga.patch(api, { title: "Better", body: "why" }));
  expect(body).toMatchObject({ title: "Better", body: "why" });
});

test("lists are filtered by state, with a total", async () => {
  const repo = await stage.repo();
  const [one, two] = [await repo.pullFromBranch(stage.bob, "one"), await repo.pullFromBranch(stage.bob, "two")];
  await expectStatus(201, stage.bob.patch(one.api, { state: "closed" }));
  const list = (query: string) => stage.alice.get(`${repo.api}/pulls?${query}`);
  expect(numbers(await list("state=open"))).toEqual([two.number]);
  expect(numbers(await list("state=closed"))).toEqual([one.number]);
  expect(numbers(await list("state=all")).sort()).toEqual([one.number, two.number]);
  expect((await list("state=all&limit=1")).headers.get("x-total-count")).toBe("2");
});

test("the head follows its branch, whether moved by a push, a forced push or the API", async () => {
  const repo = await stage.repo();
  const { number } = await repo.pullFromBranch(stage.bob, "follow");
  const clone = await repo.clone(stage.bob, "-b", "follow");
  const second = await clone.commit("more", "2");
  expect((await clone.push("HEAD:follow")).text).toContain(`/pulls/${number}`);
  await becomes(headOf(repo, number)).toBe(second);
  await clone.get("commit", "--amend", "-qm", "rewritten");
  await clone.get("push", "-q", "--force", "origin", "HEAD:follow");
  await becomes(headOf(repo, number)).toBe(await clone.get("rev-parse", "HEAD"));
  const third = await repo.write(stage.bob, "by-api", "x", { branch: "follow" });
  await becomes(headOf(repo, number)).toBe(third);
  await becomes(() => clone.get("ls-remote", "origin", `refs/pull/${number}/head`)).toContain(third);
});

test("its author, but no other reader, aims it at another branch, which must exist and not be its head", async () => {
  const repo = await stage.repo();
  const { number, api } = await repo.propose(stage.alice, "aimed");
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "next" }));
  expect((await stage.carol.patch(api, { base: "next" })).status).toBe(403);
  expect((await stage.alice.patch(api, { base: "never-there" })).status).toBe(404);
  await expectStatus(201, stage.alice.patch(api, { base: "next" }));
  expect(await repo.get(`/pulls/${number}`)).toMatchObject({ base: { ref: "next" } });
  expect(types(await repo.get(`/issues/${number}/timeline`))).toContain("change_target_branch");
});

test("whether it can be merged follows the base branch, and a conflict goes away with its cause", async () => {
  const repo = await stage.repo();
  const { number } = await repo.propose(stage.alice, "torn", "same", "theirs");
  const mergeable = async () => (await repo.get(`/pulls/${number}`)).mergeable;
  await becomes(mergeable).toBe(true);
  await repo.write(stage.bob, "same", "ours");
  await becomes(mergeable).toBe(false);
  const { sha } = await repo.get("/contents/same");
  await expectStatus(200, stage.bob.delete(`${repo.api}/contents/same`, { sha }));
  await becomes(mergeable).toBe(true);
});

test("it is closed and opened again by its author", async () => {
  const repo = await stage.repo();
  const { api } = await repo.propose(stage.alice, "shut");
  expect((await stage.carol.patch(api, { state: "closed" })).status).toBe(403);
  expect((await expectStatus(201, stage.alice.patch(api, { state: "closed" }))).body).toMatchObject({
    state: "closed",
    merged: false,
  });
  expect((await expectStatus(201, stage.alice.patch(api, { state: "open" }))).body.state).toBe("open");
});

test("a state that is none changes nothing of an open one, and opens a closed one", async () => {
  const repo = await stage.repo();
  const { api } = await repo.propose(stage.alice, "shut");
  expect((await expectStatus(201, stage.alice.patch(api, { state: "ajar" }))).body.state).toBe("open");
  await expectStatus(201, stage.alice.patch(api, { state: "closed" }));
  expect((await expectStatus(201, stage.alice.patch(api, { state: "ajar" }))).body.state).toBe("open");
});

test("what is closed as an issue is closed as a pull request", async () => {
  const repo = await stage.repo();
  const { api, number } = await repo.pullFromBranch(stage.bob, "topic");
  await expectStatus(201, stage.bob.patch(`${repo.api}/issues/${number}`, { state: "closed" }));
  expect((await stage.bob.get(api)).body.state).toBe("closed");
});

test("it is closed when its head branch is deleted", async () => {
  const repo = await stage.repo();
  const { number } = await repo.pullFromBranch(stage.bob, "short-lived");
  await expectStatus(204, stage.bob.delete(`${repo.api}/branches/short-lived`));
  await becomes(async () => (await repo.get(`/pulls/${number}`)).state).toBe("closed");
  expect((await repo.get(`/pulls/${number}`)).merged).toBe(false);
});

test("a title that says work in progress makes a draft, which cannot be merged", async () => {
  const repo = await stage.repo();
  const { api } = await repo.pullFromBranch(stage.bob, "topic");
  const { body } = await expectStatus(201, stage.bob.patch(api, { title: "WIP: topic" }));
  if (stage.major >= 15) expect(body.draft).toBe(true);
  expect((await stage.bob.get(api)).body.mergeable).toBe(false);
  expect((await stage.bob.post(`${api}/merge`, { Do: "merge" })).status).toBe(405);
});

test("the base's news come into the branch by an update", async () => {
  const repo = await stage.repo();
  const { number, head, api } = await repo.pullFromBranch(stage.bob, "behind");
  await repo.write(stage.bob, "news");
  await expectStatus(200, stage.bob.post(`${api}/update`));
  await becomes(headOf(repo, number)).not.toBe(head);
  expect(await repo.tip("behind")).toBe(await headOf(repo, number)());
});
