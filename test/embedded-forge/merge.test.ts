import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { API, openWorkshop, type Workshop } from "./proposals.ts";
import { expectStatus } from "./test-forge.ts";

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const rule of (await shop.admin.get(`${API}/branch_protections`)).body) {
    await expectStatus(204, shop.admin.delete(`${API}/branch_protections/${rule.rule_name}`));
  }
});

const commitOf = async (ref: string) => (await shop.admin.get(`${API}/git/commits/${ref}`)).body;
const tipOfMain = async (): Promise<string> => (await shop.admin.get(`${API}/branches/main`)).body.commit.id;

test("a merge makes a merge commit by whoever merges, closes the pull request and says so everywhere", async () => {
  const base = await tipOfMain();
  const { number, head } = await shop.propose("plain");
  await expectStatus(200, shop.merge(shop.as("writer"), number, { head_commit_id: head }));
  const tip = await tipOfMain();
  const pull = await shop.pull(number);
  expect(pull).toMatchObject({ state: "closed", merged: true, merge_commit_sha: tip, merged_by: { login: "writer" } });
  const commit = await commitOf(tip);
  expect(commit.parents.map(({ sha }: { sha: string }) => sha)).toEqual([base, head]);
  expect(commit.author).toMatchObject({ login: "writer" });
  expect(commit.commit.message).toContain(`Merge pull request 'write plain' (#${number}) from author/plain into main`);
  expect(await shop.admin.get(`${API}/pulls/${number}/merge`)).toMatchObject({ status: 204 });
  const timeline = (await shop.admin.get(`${API}/issues/${number}/timeline`)).body;
  expect(timeline.map((entry: { type: string }) => entry.type)).toEqual(["pull_push", "merge_pull"]);
});

test("the other styles: rebase, rebase with a merge, squash, and fast-forward only when nothing lies between", async () => {
  const rebased = await shop.propose("rebased");
  await shop.write("between", "x");
  expect(await shop.merge(shop.admin, rebased.number, { Do: "fast-forward-only" })).toMatchObject({ status: 409 });
  const base = await tipOfMain();
  await expectStatus(200, shop.merge(shop.admin, rebased.number, { Do: "rebase" }));
  const tip = await commitOf(await tipOfMain());
  expect(tip.parents).toMatchObject([{ sha: base }]);
  expect(tip.commit).toMatchObject({
    message: "write rebased\n",
    author: { name: "client" },
    committer: { name: "root-of-all" },
  });

  const squashed = await shop.propose("squashed");
  await squashed.clone.commit("second", "2");
  await shop.push(squashed.clone, "squashed");
  await expectStatus(200, shop.merge(shop.admin, squashed.number, { Do: "squash", MergeTitleField: "one commit" }));
  const squash = await commitOf(await tipOfMain());
  expect(squash).toMatchObject({ commit: { message: "one commit\n" }, author: { login: "author" } });
  expect(squash.parents).toHaveLength(1);

  const forward = await shop.propose("forward");
  await expectStatus(200, shop.merge(shop.admin, forward.number, { Do: "fast-forward-only" }));
  expect(await tipOfMain()).toBe(forward.head);

  const merged = await shop.propose("rebase-merged");
  await shop.write("further", "x");
  await expectStatus(200, shop.merge(shop.admin, merged.number, { Do: "rebase-merge" }));
  expect((await commitOf(await tipOfMain())).parents).toHaveLength(2);
});

test("a style that is switched off, or that would skip every check, is refused", async () => {
  const { number } = await shop.propose("style");
  expect(await shop.merge(shop.admin, number, { Do: "manually-merged" })).toMatchObject({ status: 405 });
  await expectStatus(200, shop.admin.patch(API, { allow_squash_merge: false }));
  expect(await shop.merge(shop.admin, number, { Do: "squash" })).toMatchObject({ status: 405 });
});

test("only exactly the named head is merged", async () => {
  const { number, head, clone } = await shop.propose("exact");
  const next = await clone.commit("exact", "2");
  await shop.push(clone, "exact");
  const refused = await shop.merge(shop.as("writer"), number, { head_commit_id: head });
  expect(refused).toMatchObject({ status: 409, body: { message: "head out of date" } });
  await expectStatus(200, shop.merge(shop.as("writer"), number, { head_commit_id: next }));
});

test("not merged: twice, closed, by a reader, work in progress, in conflict", async () => {
  const { number } = await shop.propose("once");
  expect(await shop.merge(shop.as("author"), number)).toMatchObject({
    status: 405,
    body: { message: "User not allowed to merge PR" },
  });
  await expectStatus(200, shop.merge(shop.admin, number));
  expect(await shop.merge(shop.admin, number)).toMatchObject({ status: 405 });

  const closed = await shop.propose("closed");
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${closed.number}`, { state: "closed" }));
  expect(await shop.merge(shop.admin, closed.number)).toMatchObject({ status: 404 });

  const draft = await shop.propose("draft");
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${draft.number}`, { title: "WIP: draft" }));
  expect(await shop.merge(shop.admin, draft.number)).toMatchObject({ status: 405 });

  const torn = await shop.propose("torn", "same", "theirs");
  await shop.write("same", "ours");
  expect(await shop.pull(torn.number)).toMatchObject({ mergeable: false });
  expect(await shop.merge(shop.admin, torn.number)).toMatchObject({ status: 405 });
});

test("without the approvals that the rule asks for nobody merges; a site admin's force goes past them, not past the list", async () => {
  await shop.protect({
    rule_name: "main",
    required_approvals: 1,
    enable_merge_whitelist: true,
    merge_whitelist_usernames: ["writer"],
  });
  const { number } = await shop.propose("ruled");
  expect(await shop.merge(shop.as("writer"), number)).toMatchObject({
    status: 405,
    body: { message: expect.stringContaining("Does not have enough approvals") },
  });
  const byAdmin = await shop.merge(shop.admin, number, { force_merge: true });
  expect(byAdmin).toMatchObject({ status: 405, body: { message: "User not allowed to merge PR" } });
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  expect(await shop.merge(shop.as("writer"), number)).toMatchObject({ status: 405 });
});

test("status checks, rejections and an outdated branch block when the rule says so", async () => {
  await shop.protect({
    rule_name: "main",
    enable_push: true,
    enable_status_check: true,
    status_check_contexts: ["ci/*"],
    enable_approvals_whitelist: true,
    approvals_whitelist_username: ["reviewer"],
    block_on_rejected_reviews: true,
    block_on_outdated_branch: true,
  });
  const { number, head } = await shop.propose("checked");
  const reason = async () => (await shop.merge(shop.as("writer"), number)).body.message;
  expect(await reason()).toContain("Not all required status checks successful");
  const status = (state: string) => shop.as("writer").post(`${API}/statuses/${head}`, { state, context: "ci/test" });
  await expectStatus(201, status("failure"));
  expect(await reason()).toContain("Not all required status checks successful");
  await expectStatus(201, status("success"));
  await expectStatus(200, shop.review("reviewer", number, "REQUEST_CHANGES", { body: "no" }));
  expect(await reason()).toContain("There are requested changes");
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  await shop.write("news", "x");
  expect(await reason()).toContain("The head branch is behind the base branch");
});

test("the head branch goes with the merge when asked, and stays when it is needed", async () => {
  for (const branch of ["gone", "kept"]) {
    await expectStatus(201, shop.admin.post(`${API}/branches`, { new_branch_name: branch }));
    await shop.write(`on-${branch}`, "x", branch);
  }
  await shop.protect({ rule_name: "kept", enable_push: true });
  for (const [branch, status] of [
    ["gone", 404],
    ["kept", 200],
  ] as const) {
    const { body } = await expectStatus(
      201,
      shop.as("writer").post(`${API}/pulls`, { head: branch, base: "main", title: branch }),
    );
    await expectStatus(200, shop.merge(shop.as("writer"), body.number, { delete_branch_after_merge: true }));
    expect(await shop.admin.get(`${API}/branches/${branch}`)).toMatchObject({ status });
  }
});

test("of two merges of one pull request at once a single one happens", async () => {
  const { number } = await shop.propose("twice");
  const answers = await Promise.all([shop.merge(shop.admin, number), shop.merge(shop.as("writer"), number)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 405]);
});

test("merges of several pull requests at once all happen, one after the other", async () => {
  const made = [];
  for (const topic of ["p1", "p2", "p3"]) made.push(await shop.propose(topic));
  const answers = await Promise.all(made.map(({ number }) => shop.merge(shop.admin, number)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  for (const { head } of made)
    expect((await shop.admin.get(`${API}/compare/main...${head}`)).body.total_commits).toBe(0);
});
