/** What the embedded forge does with pull requests where Forgejo does less, or later. The rest is the contract suite's. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { API, openWorkshop, type Workshop } from "./proposals.ts";
import { expectStatus } from "./test-forge.ts";

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());

/** A pull request from a new branch with one file more. @returns its number */
async function fromBranch(branch: string, base = "main"): Promise<number> {
  const file = { operation: "create", path: `on-${branch}`, content: "MQ==" };
  const commit = { branch: "main", new_branch: branch, message: "m", files: [file] };
  await expectStatus(201, shop.as("writer").post(`${API}/contents`, commit));
  const wish = { head: branch, base, title: branch };
  return (await expectStatus(201, shop.as("author").post(`${API}/pulls`, wish))).body.number;
}
const setState = (number: number, state: string) => shop.as("author").patch(`${API}/pulls/${number}`, { state });

test("none is opened again whose base branch is gone; Forgejo opens it", async () => {
  await expectStatus(201, shop.as("writer").post(`${API}/branches`, { new_branch_name: "old-base" }));
  const number = await fromBranch("onto-old", "old-base");
  await expectStatus(204, shop.as("writer").delete(`${API}/branches/old-base`));
  expect(await shop.pull(number)).toMatchObject({ state: "closed" });
  expect(await setState(number, "open")).toMatchObject({ status: 404 });
});

test("none is opened again beside another for the same branches; Forgejo opens it", async () => {
  const number = await fromBranch("once");
  await expectStatus(201, setState(number, "closed"));
  await expectStatus(201, shop.as("author").post(`${API}/pulls`, { head: "once", base: "main", title: "again" }));
  expect(await setState(number, "open")).toMatchObject({ status: 409 });
});

test("merges of several at once all happen, one after the other; Forgejo may ask to try again", async () => {
  const made = [];
  for (const topic of ["p1", "p2", "p3"]) made.push(await shop.propose(topic));
  const answers = await Promise.all(made.map(({ number }) => shop.merge(shop.admin, number)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  for (const { head } of made)
    expect((await shop.admin.get(`${API}/compare/main...${head}`)).body.total_commits).toBe(0);
});

test("an approval is dismissed in the moment in which the head moves; Forgejo does it later", async () => {
  await shop.protect({
    rule_name: "main",
    required_approvals: 1,
    enable_approvals_whitelist: true,
    approvals_whitelist_username: ["reviewer"],
    dismiss_stale_approvals: true,
  });
  const { number, clone } = await shop.propose("moment");
  await expectStatus(200, shop.review("reviewer", number, "APPROVED"));
  const next = await clone.commit("one-more", "x");
  await shop.push(clone, "moment");
  expect(await shop.reviews(number)).toMatchObject([{ official: true, stale: true, dismissed: true }]);
  const merged = await shop.merge(shop.as("writer"), number, { head_commit_id: next });
  expect(merged).toMatchObject({ status: 405, body: { message: expect.stringContaining("enough approvals") } });
});

test("a rule that the forge could not keep is not accepted", async () => {
  const wish = { rule_name: "signed", require_signed_commits: true };
  expect(await shop.admin.post(`${API}/branch_protections`, wish)).toMatchObject({ status: 422 });
});
