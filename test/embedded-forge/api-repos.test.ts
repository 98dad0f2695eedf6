import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Caller, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

const PLACE = "/repos/acme/docs";
const encoded = (text: string): string => Buffer.from(text).toString("base64");
const added = (name: string, text: string) => ({ operation: "create", path: name, content: encoded(text) });

/** Organization `acme` with repository `docs`: alice may read, bob may write. */
async function withDocs(forge: TestForge) {
  const [alice, bob] = [await forge.user("alice", { restricted: true }), await forge.user("bob")];
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice"] },
    writers: { level: "write", members: ["bob"] },
  });
  return { alice, bob };
}

const commit = (caller: Caller, wish: object) =>
  expectStatus(201, caller.post(`${PLACE}/contents`, { branch: "main", message: "more", ...wish }));

test("a branch's rule is read back as it was written, but for names that could not use it", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const wish = {
    rule_name: "main",
    required_approvals: 1,
    enable_approvals_whitelist: true,
    approvals_whitelist_username: ["root-of-all", "bob"],
    enable_merge_whitelist: true,
    merge_whitelist_usernames: ["bob", "alice"],
    block_on_rejected_reviews: true,
    dismiss_stale_approvals: true,
    apply_to_admins: true,
  };
  const { body } = await expectStatus(201, forge.admin.post(`${PLACE}/branch_protections`, wish));
  expect(body).toMatchObject({ ...wish, enable_push: false, merge_whitelist_usernames: ["bob"] });
  expect((await forge.admin.get(`${PLACE}/branch_protections/main`)).body).toEqual(body);
  expect((await forge.admin.post(`${PLACE}/branch_protections`, wish)).status).toBe(403);
  expect((await bob.get(`${PLACE}/branch_protections/main`)).status).toBe(403);
  expect((await alice.get(`${PLACE}/branch_protections`)).status).toBe(403);
  const nobody = { ...wish, rule_name: "other", merge_whitelist_usernames: ["nobody"] };
  expect((await forge.admin.post(`${PLACE}/branch_protections`, nobody)).status).toBe(422);
  const changed = await expectStatus(
    200,
    forge.admin.patch(`${PLACE}/branch_protections/main`, { required_approvals: 2 }),
  );
  expect(changed.body).toMatchObject({ ...body, required_approvals: 2, updated_at: expect.any(String) });
  await expectStatus(204, forge.admin.delete(`${PLACE}/branch_protections/main`));
});

test("a protected branch takes no commit by the API, not even the site admin's", async () => {
  await using forge = await startTestForge();
  const { bob } = await withDocs(forge);
  const { body } = await expectStatus(201, forge.admin.post(`${PLACE}/branch_protections`, { rule_name: "main" }));
  expect(body).toMatchObject({ enable_push: false });
  for (const caller of [bob, forge.admin]) {
    expect((await caller.post(`${PLACE}/contents/a.txt`, { content: encoded("a") })).status).toBe(403);
  }
  const push = { enable_push: true, enable_push_whitelist: true, push_whitelist_usernames: ["bob"] };
  await expectStatus(200, forge.admin.patch(`${PLACE}/branch_protections/main`, push));
  await expectStatus(201, bob.post(`${PLACE}/contents/a.txt`, { content: encoded("a") }));
});

test("an archive holds the files of a commit below one folder", async () => {
  await using forge = await startTestForge();
  const { bob } = await withDocs(forge);
  await commit(bob, { files: [added("a/b.txt", "hello\n")] });
  const response = await fetch(`${forge.url}/api/v1${PLACE}/archive/main.tar.gz`, {
    headers: { authorization: `token ${forge.adminToken}` },
  });
  expect(response.headers.get("content-type")).toBe("application/gzip");
  const folder = path.join(forge.home, "unpacked");
  mkdirSync(folder);
  writeFileSync(`${folder}.tar.gz`, Buffer.from(await response.arrayBuffer()));
  execFileSync("tar", ["xzf", `${folder}.tar.gz`, "-C", folder]);
  expect(execFileSync("cat", [path.join(folder, "docs", "a", "b.txt")], { encoding: "utf8" })).toBe("hello\n");
});
