import { afterAll, beforeAll, expect, test } from "vitest";
import type { Clone } from "../forge-contract/git-client.ts";
import { API, openWorkshop, type Workshop } from "./proposals.ts";
import { expectStatus } from "./test-forge.ts";

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());

/** A pull request from a branch that the writer has pushed. */
async function fromBranch(branch: string, base = "main"): Promise<{ number: number; head: string; clone: Clone }> {
  const clone = await shop.clone("writer");
  const head = await clone.commit(`on-${branch}`, "1");
  await clone.get("push", "-q", "origin", `HEAD:refs/heads/${branch}`);
  const { body } = await expectStatus(
    201,
    shop.as("author").post(`${API}/pulls`, { head: branch, base, title: branch }),
  );
  return { number: body.number, head, clone };
}
const refsOf = (clone: Clone, pattern: string) => clone.get("ls-remote", "origin", pattern);
const timeline = async (number: number): Promise<string[]> =>
  (await shop.admin.get(`${API}/issues/${number}/timeline`)).body.map((entry: { type: string }) => entry.type);

test("the head follows its branch, whether moved by a push, a forced push or the API", async () => {
  const { number, head, clone } = await fromBranch("follow");
  expect(await shop.pull(number)).toMatchObject({ head: { ref: "follow", sha: head }, mergeable: true });
  expect(await refsOf(clone, `refs/pull/${number}/head`)).toContain(head);
  const second = await clone.commit("on-follow", "2");
  expect((await clone.push("HEAD:follow")).text).toContain(`/team/code/pulls/${number}`);
  expect((await shop.pull(number)).head.sha).toBe(second);
  await clone.get("commit", "--amend", "-qm", "rewritten");
  await clone.get("push", "-q", "--force", "origin", "HEAD:follow");
  await shop.write("by-api", "x", "follow");
  const third = (await shop.pull(number)).head.sha;
  expect(await refsOf(clone, `refs/pull/${number}/head`)).toContain(third);
  expect(await refsOf(clone, "refs/heads/follow")).toContain(third);
  expect(await timeline(number)).toEqual(["pull_push", "pull_push", "pull_push", "pull_push"]);
  expect(await shop.pull(number)).toMatchObject({ changed_files: 2 });
});

test("a pull request is closed when its head or its base branch is deleted", async () => {
  const { number, clone } = await fromBranch("short-lived");
  await clone.get("push", "-q", "origin", ":short-lived");
  expect(await shop.pull(number)).toMatchObject({ state: "closed", merged: false });
  await expectStatus(201, shop.as("writer").post(`${API}/branches`, { new_branch_name: "old-base" }));
  const other = await fromBranch("onto-old", "old-base");
  await expectStatus(204, shop.as("writer").delete(`${API}/branches/old-base`));
  expect(await shop.pull(other.number)).toMatchObject({ state: "closed" });
  expect(await shop.as("author").patch(`${API}/pulls/${other.number}`, { state: "open" })).toMatchObject({
    status: 404,
  });
});

test("whether it can be merged follows the base branch, and a conflict goes away with its cause", async () => {
  const { number } = await shop.propose("torn", "torn-file", "theirs");
  await shop.write("torn-file", "ours");
  expect(await shop.pull(number)).toMatchObject({ mergeable: false });
  const { body } = await shop.admin.get(`${API}/contents/torn-file`);
  await expectStatus(200, shop.admin.delete(`${API}/contents/torn-file`, { sha: body.sha }));
  expect(await shop.pull(number)).toMatchObject({ mergeable: true, base: { ref: "main" } });
});

test("a closed pull request stays as it was, and takes up its branches when it is opened again", async () => {
  const { number, head, clone } = await fromBranch("reopened");
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${number}`, { state: "closed" }));
  const second = await clone.commit("on-reopened", "2");
  await clone.get("push", "-q", "origin", "HEAD:reopened");
  expect((await shop.pull(number)).head.sha).toBe(head);
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${number}`, { state: "open" }));
  expect(await shop.pull(number)).toMatchObject({ state: "open", head: { sha: second } });
});

test("its author, but no other reader, aims it at another branch, which must exist and not be its head", async () => {
  await expectStatus(201, shop.as("writer").post(`${API}/branches`, { new_branch_name: "next" }));
  const { number } = await fromBranch("aimed");
  const aim = (name: "author" | "reviewer", base: string) => shop.as(name).patch(`${API}/pulls/${number}`, { base });
  expect(await aim("reviewer", "next")).toMatchObject({ status: 403 });
  expect(await aim("author", "nowhere")).toMatchObject({ status: 404 });
  expect(await aim("author", "aimed")).toMatchObject({ status: 422 });
  await expectStatus(201, aim("author", "next"));
  expect(await shop.pull(number)).toMatchObject({ base: { ref: "next" } });
  expect(await timeline(number)).toEqual(["pull_push", "change_target_branch"]);
});

test("no second pull request for the same branches, by opening, aiming or opening again", async () => {
  const { number } = await fromBranch("once");
  const again = { head: "once", base: "main", title: "again" };
  expect(await shop.as("author").post(`${API}/pulls`, again)).toMatchObject({ status: 409 });
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${number}`, { state: "closed" }));
  await expectStatus(201, shop.as("author").post(`${API}/pulls`, again));
  expect(await shop.as("author").patch(`${API}/pulls/${number}`, { state: "open" })).toMatchObject({ status: 409 });
});

test("the base's news come into the branch by a merge or a rebase", async () => {
  const { number, head } = await fromBranch("behind");
  await shop.write("news", "1");
  await expectStatus(200, shop.as("writer").post(`${API}/pulls/${number}/update`));
  const merged = await shop.pull(number);
  expect(merged.head.sha).not.toBe(head);
  expect(merged.merge_base).toBe(merged.base.sha);
  await shop.write("more-news", "1");
  await expectStatus(200, shop.as("writer").post(`${API}/pulls/${number}/update?style=rebase`));
  const rebased = await shop.pull(number);
  expect(rebased.merge_base).toBe(rebased.base.sha);
  expect(await shop.as("writer").post(`${API}/pulls/${number}/update`)).toMatchObject({ status: 422 });
});

test("a stranger finds no pull request, and proposes none", async () => {
  const { number } = await fromBranch("hidden");
  expect(await shop.as("stranger").get(`${API}/pulls/${number}`)).toMatchObject({ status: 404 });
  const wish = { head: "hidden", base: "main", title: "mine" };
  expect(await shop.as("stranger").post(`${API}/pulls`, wish)).toMatchObject({ status: 404 });
});
