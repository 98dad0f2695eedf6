import { expect, test } from "vitest";
import { type Caller, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

const PLACE = "/repos/acme/docs";
const PULL = `${PLACE}/pulls/1`;
const added = (name: string, text = "x\n") => ({
  operation: "create",
  path: name,
  content: Buffer.from(text).toString("base64"),
});

/**
 * Organization `acme` with repository `docs`. The team of writers is bob and the operator; alice may read. `main` takes
 * one approval of the operator, and is merged by the operator or bob.
 */
async function withRule(forge: TestForge, change: object = {}) {
  const [alice, bob, operator] = [
    await forge.user("alice", { restricted: true }),
    await forge.user("bob"),
    await forge.user("operator"),
  ];
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice"] },
    writers: { level: "write", members: ["bob", "operator"] },
  });
  const rule = {
    rule_name: "main",
    required_approvals: 1,
    enable_approvals_whitelist: true,
    approvals_whitelist_username: ["operator"],
    enable_merge_whitelist: true,
    merge_whitelist_usernames: ["operator", "bob"],
    block_on_rejected_reviews: true,
    dismiss_stale_approvals: true,
    apply_to_admins: true,
    ...change,
  };
  await expectStatus(201, forge.admin.post(`${PLACE}/branch_protections`, rule));
  return { alice, bob, operator };
}

const commit = async (caller: Caller, branch: object, name: string): Promise<string> =>
  (
    await expectStatus(
      201,
      caller.post(`${PLACE}/contents`, { message: `add ${name}`, files: [added(name)], ...branch }),
    )
  ).body.commit.sha;

/** Pull request 1, by bob, of one commit; its head. */
async function withPull(bob: Caller): Promise<string> {
  const head = await commit(bob, { branch: "main", new_branch: "topic" }, "a.txt");
  await expectStatus(201, bob.post(`${PLACE}/pulls`, { head: "topic", base: "main", title: "Add a", body: "please" }));
  return head;
}
const review = (caller: Caller, event: string, body = "") => caller.post(`${PULL}/reviews`, { event, body });
const merge = async (caller: Caller, head: string, more: object = {}) => {
  const { status, body } = await caller.post(`${PULL}/merge`, { Do: "merge", head_commit_id: head, ...more });
  return status === 200 ? "merged" : `${status} ${body.message}`;
};

test("without the operator's approval nobody merges, not even the site admin by force", async () => {
  await using forge = await startTestForge();
  const { alice, bob, operator } = await withRule(forge);
  const head = await withPull(bob);
  expect(await merge(operator, head)).toBe("405 not allowed to merge [reason: Does not have enough approvals]");
  expect(await merge(alice, head)).toBe("405 User not allowed to merge PR");
  expect(await merge(forge.admin, head, { force_merge: true })).toBe("405 User not allowed to merge PR");
  const { body } = await expectStatus(200, review(alice, "APPROVED"));
  expect(body).toMatchObject({ state: "APPROVED", official: false, commit_id: head });
  expect(await merge(operator, head)).toBe("405 not allowed to merge [reason: Does not have enough approvals]");
});

test("an approved head is merged, closed and told as merged", async () => {
  await using forge = await startTestForge();
  const { bob, operator } = await withRule(forge);
  const head = await withPull(bob);
  const { body: approval } = await expectStatus(200, review(operator, "APPROVED"));
  expect(approval).toMatchObject({
    official: true,
    stale: false,
    dismissed: false,
    commit_id: head,
    user: { login: "operator" },
  });
  expect((await bob.get(`${PULL}/merge`)).status).toBe(404);
  expect(await merge(bob, head)).toBe("merged");
  const { body } = await bob.get(PULL);
  expect(body).toMatchObject({
    state: "closed",
    merged: true,
    merged_by: { login: "bob" },
    closed_at: expect.any(String),
  });
  expect((await bob.get(`${PLACE}/branches/main`)).body.commit.id).toBe(body.merge_commit_sha);
  expect((await bob.get(`${PULL}/merge`)).status).toBe(204);
  expect((await bob.get(`${PLACE}/raw/a.txt`)).body).toBe("x\n");
  expect(await merge(bob, head)).toBe("405 ");
});

test("only the head that the caller names is merged", async () => {
  await using forge = await startTestForge();
  const { bob, operator } = await withRule(forge, { dismiss_stale_approvals: false });
  const head = await withPull(bob);
  await expectStatus(200, review(operator, "APPROVED"));
  const next = await commit(bob, { branch: "topic" }, "b.txt");
  expect(await merge(bob, head)).toBe("409 head out of date");
  expect(await merge(bob, next)).toBe("merged");
});

test("a new commit makes an approval stale and takes it away", async () => {
  await using forge = await startTestForge();
  const { bob, operator } = await withRule(forge);
  await withPull(bob);
  await expectStatus(200, review(operator, "APPROVED"));
  const next = await commit(bob, { branch: "topic" }, "b.txt");
  expect((await bob.get(`${PULL}/reviews`)).body).toMatchObject([{ state: "APPROVED", stale: true, dismissed: true }]);
  expect(await merge(bob, next)).toBe("405 not allowed to merge [reason: Does not have enough approvals]");
});

test("requested changes block until the same reviewer approves", async () => {
  await using forge = await startTestForge();
  const { bob, operator } = await withRule(forge);
  const head = await withPull(bob);
  expect((await review(operator, "REQUEST_CHANGES")).status).toBe(422);
  await expectStatus(200, review(operator, "REQUEST_CHANGES", "not so"));
  expect(await merge(bob, head)).toMatch(/^405/);
  await expectStatus(200, review(operator, "APPROVED"));
  const reviews = (await bob.get(`${PULL}/reviews`)).body;
  expect(reviews).toMatchObject([
    { state: "REQUEST_CHANGES", official: false },
    { state: "APPROVED", official: true },
  ]);
  expect(await merge(bob, head)).toBe("merged");
});

test("nobody approves an own pull request", async () => {
  await using forge = await startTestForge();
  const { bob } = await withRule(forge);
  await withPull(bob);
  const { status, body } = await review(bob, "APPROVED");
  expect(`${status} ${body.message}`).toBe("422 approve your own pull is not allowed");
});

test("a request for review is found by the reviewer's search until it decides; its name stays on the pull request", async () => {
  await using forge = await startTestForge();
  const { alice, bob, operator } = await withRule(forge);
  await withPull(bob);
  const { body } = await expectStatus(201, bob.post(`${PULL}/requested_reviewers`, { reviewers: ["operator"] }));
  expect(body).toMatchObject([{ state: "REQUEST_REVIEW", user: { login: "operator" } }]);
  expect((await alice.get(PULL)).body.requested_reviewers).toMatchObject([{ login: "operator" }]);
  const waiting = async () =>
    (await operator.get("/repos/issues/search?type=pulls&review_requested=true")).body.map(
      (pull: { number: number }) => pull.number,
    );
  expect(await waiting()).toEqual([1]);
  await expectStatus(200, review(operator, "APPROVED"));
  expect(await waiting()).toEqual([]);
  expect((await alice.get(PULL)).body.requested_reviewers).toMatchObject([{ login: "operator" }]);
  expect((await operator.get("/repos/issues/search?type=pulls&reviewed=true&state=all")).body).toHaveLength(1);
});

test("a request is for somebody who can read and is not the author, and is taken back", async () => {
  await using forge = await startTestForge();
  const { bob } = await withRule(forge);
  await forge.user("mallory", { restricted: true });
  await withPull(bob);
  const request = async (name: string) => (await bob.post(`${PULL}/requested_reviewers`, { reviewers: [name] })).status;
  expect(await request("bob")).toBe(422);
  expect(await request("mallory")).toBe(422);
  expect(await request("nobody")).toBe(404);
  expect(await request("alice")).toBe(201);
  await expectStatus(204, bob.delete(`${PULL}/requested_reviewers`, { reviewers: ["alice"] }));
  expect((await bob.get(PULL)).body.requested_reviewers).toBeNull();
});

test("comments on lines are part of their review", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withRule(forge);
  await withPull(bob);
  const wish = { event: "COMMENT", body: "hm", comments: [{ path: "a.txt", body: "why x?", new_position: 1 }] };
  const { body } = await expectStatus(200, alice.post(`${PULL}/reviews`, wish));
  expect(body).toMatchObject({ state: "COMMENT", comments_count: 1 });
  const comments = (await bob.get(`${PULL}/reviews/${body.id}/comments`)).body;
  expect(comments).toMatchObject([
    { path: "a.txt", body: "why x?", position: 1, original_position: 0, user: { login: "alice" } },
  ]);
  expect(comments[0].diff_hunk).toContain("+x");
});

test("a repository's admin dismisses an approval, and takes that back", async () => {
  await using forge = await startTestForge();
  const { bob, operator } = await withRule(forge);
  const head = await withPull(bob);
  const { body } = await expectStatus(200, review(operator, "APPROVED"));
  expect((await bob.post(`${PULL}/reviews/${body.id}/dismissals`, { message: "no" })).status).toBe(403);
  const dismissed = await expectStatus(
    200,
    forge.admin.post(`${PULL}/reviews/${body.id}/dismissals`, { message: "no" }),
  );
  expect(dismissed.body.dismissed).toBe(true);
  expect(await merge(bob, head)).toMatch(/^405/);
  await expectStatus(200, forge.admin.post(`${PULL}/reviews/${body.id}/undismissals`));
  expect(await merge(bob, head)).toBe("merged");
});

test("an approval survives a new base, as in Forgejo: whoever merges has to look at the base", async () => {
  await using forge = await startTestForge();
  const { bob, operator } = await withRule(forge);
  await expectStatus(201, bob.post(`${PLACE}/branches`, { new_branch_name: "side" }));
  const head = await commit(bob, { branch: "main", new_branch: "topic" }, "a.txt");
  await expectStatus(201, bob.post(`${PLACE}/pulls`, { head: "topic", base: "side", title: "x" }));
  const { body } = await expectStatus(200, review(operator, "APPROVED"));
  expect(body.official).toBe(true);
  expect((await expectStatus(201, bob.patch(PULL, { base: "main" }))).body.base.ref).toBe("main");
  expect(await merge(bob, head)).toBe("merged");
});
