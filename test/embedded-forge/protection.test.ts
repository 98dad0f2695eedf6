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
    await expectStatus(204, shop.admin.delete(`${API}/branch_protections/${encodeURIComponent(rule.rule_name)}`));
  }
});

/** Only the reviewer's approval counts, and a new change takes it away. */
const REVIEWED = {
  rule_name: "main",
  required_approvals: 1,
  enable_approvals_whitelist: true,
  approvals_whitelist_username: ["reviewer"],
  dismiss_stale_approvals: true,
};
const flagsOf = async (number: number) =>
  (await shop.reviews(number)).map(({ state, official, stale, dismissed }: Record<string, unknown>) =>
    [state, official && "official", stale && "stale", dismissed && "dismissed"].filter(Boolean).join(" "),
  );

test("direct pushes are for the list alone, whoever owns the repository; forced ones and deletion for nobody", async () => {
  await shop.protect({
    rule_name: "main",
    enable_push: true,
    enable_push_whitelist: true,
    push_whitelist_usernames: ["writer"],
  });
  const writer = await shop.clone("writer");
  await writer.commit("direct", "1");
  expect(await writer.push("HEAD:main")).toMatchObject({ code: 0 });
  await writer.get("commit", "--amend", "-qm", "rewritten");
  expect((await writer.push("+HEAD:main")).text).toMatch(/branch main is protected from force push/);
  const content = Buffer.from("x").toString("base64");
  expect(await shop.admin.post(`${API}/contents/admin`, { content })).toMatchObject({ status: 403 });
  await expectStatus(200, shop.admin.patch(`${API}/branch_protections/main`, { enable_push: false }));
  await writer.get("reset", "-q", "--hard", "origin/main");
  await writer.commit("direct", "2");
  expect((await writer.push("HEAD:main")).text).toMatch(/Forgejo: Not allowed to push to protected branch main/);
});

test("an atomic push with one refused branch moves none", async () => {
  await shop.protect({ rule_name: "main" });
  const writer = await shop.clone("writer");
  await writer.commit("atomic", "1");
  expect((await writer.push("--atomic", "HEAD:beside", "HEAD:main")).code).toBe(1);
  expect(await writer.get("ls-remote", "origin", "refs/heads/beside")).toBe("");
});

test("a rule with a glob holds for branches that do not exist yet, and the branch's own rule comes first", async () => {
  await shop.protect({ rule_name: "release/*" });
  const writer = await shop.clone("writer");
  await writer.commit("released", "1");
  expect((await writer.push("HEAD:release/1")).text).toMatch(/Not allowed to push to protected branch release\/1/);
  expect(await shop.as("writer").post(`${API}/branches`, { new_branch_name: "release/2" })).toMatchObject({
    status: 403,
  });
  expect(await writer.push("HEAD:release-1")).toMatchObject({ code: 0 });
  await shop.protect({ rule_name: "release/1", enable_push: true });
  expect(await writer.push("HEAD:release/1")).toMatchObject({ code: 0 });
  expect((await writer.push(":release/1")).text).toMatch(/protected from deletion/);
  expect(await shop.admin.delete(`${API}/branches/release%2F1`)).toMatchObject({ status: 403 });
});

test("files can be closed to everybody, or open although the branch is not", async () => {
  await shop.protect({
    rule_name: "main",
    protected_file_patterns: "*.lock;secret/**",
    unprotected_file_patterns: "notes/*",
  });
  const writer = await shop.clone("writer");
  await writer.commit("notes/a", "1");
  expect(await writer.push("HEAD:main")).toMatchObject({ code: 0 });
  await writer.commit("secret/deep/a", "1");
  expect((await writer.push("HEAD:main")).text).toMatch(/protected from changing file secret\/deep\/a/);
  const { number } = await shop.propose("locked", "package.LOCK");
  expect((await shop.merge(shop.as("writer"), number)).body.message).toContain("Changed protected files");
});

test("an approval is official when its giver is on the list; a reader there is enough, a writer elsewhere is not", async () => {
  await shop.protect(REVIEWED);
  const { number, head } = await shop.propose("official");
  await expectStatus(200, shop.review("writer", number, "APPROVED"));
  expect(await shop.merge(shop.as("writer"), number)).toMatchObject({ status: 405 });
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  expect(await flagsOf(number)).toEqual(["APPROVED", "APPROVED official"]);
  await expectStatus(200, shop.merge(shop.as("writer"), number, { head_commit_id: head }));
});

test("a review given before the rule is what it was when it was given", async () => {
  const { number } = await shop.propose("earlier");
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  await shop.protect(REVIEWED);
  expect(await flagsOf(number)).toEqual(["APPROVED"]);
  expect(await shop.merge(shop.as("writer"), number)).toMatchObject({ status: 405 });
});

test("a push by AGit that only adds a file dismisses the approval, in the moment in which the head moves", async () => {
  await shop.protect(REVIEWED);
  const { number, clone } = await shop.propose("added");
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  const next = await clone.commit("one-more", "x");
  await shop.push(clone, "added");
  expect(await flagsOf(number)).toEqual(["APPROVED official stale dismissed"]);
  const merged = await shop.merge(shop.as("writer"), number, { head_commit_id: next });
  expect(merged).toMatchObject({ status: 405, body: { message: expect.stringContaining("enough approvals") } });
});

test("a rebase that proposes the very same change keeps the approval", async () => {
  await shop.protect({ ...REVIEWED, enable_push: true });
  const { number, clone } = await shop.propose("rebased");
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  await shop.write("elsewhere", "x");
  await clone.get("fetch", "-q", "origin");
  await clone.get("rebase", "-q", "origin/main");
  await shop.push(clone, "rebased", "-o", "force-push=true");
  expect(await flagsOf(number)).toEqual(["APPROVED official"]);
});

test("without the wish to dismiss, stale approvals count unless the rule ignores them", async () => {
  await shop.protect({ ...REVIEWED, dismiss_stale_approvals: false, ignore_stale_approvals: true });
  const { number, head, clone } = await shop.propose("stale");
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  await clone.commit("stale", "2");
  await shop.push(clone, "stale");
  expect(await flagsOf(number)).toEqual(["APPROVED official stale"]);
  expect(await shop.merge(shop.as("writer"), number)).toMatchObject({ status: 405 });
  await clone.get("reset", "-q", "--hard", head);
  await shop.push(clone, "stale", "-o", "force-push=true");
  expect(await flagsOf(number)).toEqual(["APPROVED official"]);
  await expectStatus(200, shop.merge(shop.as("writer"), number));
});

test("of one reviewer's verdicts only the newest counts, and being asked again takes its weight", async () => {
  await shop.protect({ ...REVIEWED, block_on_rejected_reviews: true });
  const { number } = await shop.propose("newest");
  await expectStatus(200, shop.review("reviewer", number, "REQUEST_CHANGES", { body: "no" }));
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  expect(await flagsOf(number)).toEqual(["REQUEST_CHANGES dismissed", "APPROVED official"]);
  const asked = { reviewers: ["reviewer"] };
  await expectStatus(201, shop.as("author").post(`${API}/pulls/${number}/requested_reviewers`, asked));
  expect(await flagsOf(number)).toEqual(["REQUEST_CHANGES dismissed", "APPROVED", "REQUEST_REVIEW official"]);
  await expectStatus(204, shop.as("author").delete(`${API}/pulls/${number}/requested_reviewers`, asked));
  expect(await flagsOf(number)).toEqual(["REQUEST_CHANGES dismissed", "APPROVED official"]);
});

test("a rule that the forge could not keep is not accepted", async () => {
  const wish = { rule_name: "main", require_signed_commits: true };
  expect(await shop.admin.post(`${API}/branch_protections`, wish)).toMatchObject({ status: 422 });
});
