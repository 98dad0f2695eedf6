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

test("a closed pull request stays as it was, and takes up its branches when it is opened again", async () => {
  const { number, head, clone } = await fromBranch("reopened");
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${number}`, { state: "closed" }));
  const second = await clone.commit("on-reopened", "2");
  await clone.get("push", "-q", "origin", "HEAD:reopened");
  expect((await shop.pull(number)).head.sha).toBe(head);
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${number}`, { state: "open" }));
  expect(await shop.pull(number)).toMatchObject({ state: "open", head: { sha: second } });
});

test("no second pull request for the same branches, by opening, aiming or opening again", async () => {
  const { number } = await fromBranch("once");
  const again = { head: "once", base: "main", title: "again" };
  expect(await shop.as("author").post(`${API}/pulls`, again)).toMatchObject({ status: 409 });
  await expectStatus(201, shop.as("author").patch(`${API}/pulls/${number}`, { state: "closed" }));
  await expectStatus(201, shop.as("author").post(`${API}/pulls`, again));
  expect(await shop.as("author").patch(`${API}/pulls/${number}`, { state: "open" })).toMatchObject({ status: 409 });
});
