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

test("a user makes repositories of its own, and nobody else sees the private ones", async () => {
  await using forge = await startTestForge();
  const [alice, bob] = [await forge.user("alice", { restricted: true }), await forge.user("bob")];
  const { body } = await expectStatus(
    201,
    alice.post("/user/repos", { name: "notes", private: true, auto_init: true }),
  );
  expect(body).toMatchObject({
    full_name: "alice/notes",
    private: true,
    empty: false,
    default_branch: "main",
    clone_url: `${forge.url}/alice/notes.git`,
    permissions: { admin: true, push: true, pull: true },
  });
  expect((await bob.get("/repos/alice/notes")).status).toBe(404);
  expect((await bob.get("/repos/ALICE/Notes")).status).toBe(404);
  expect((await alice.get("/repos/ALICE/Notes")).status).toBe(200);
  expect((await alice.post("/user/repos", { name: "Notes" })).status).toBe(409);
  expect((await alice.post("/user/repos", { name: "../up" })).status).toBe(422);
});

test("a public repository is there for everybody but restricted users", async () => {
  await using forge = await startTestForge();
  const [alice, bob, carol] = [
    await forge.user("alice"),
    await forge.user("bob"),
    await forge.user("carol", { restricted: true }),
  ];
  await expectStatus(201, alice.post("/user/repos", { name: "open", private: false }));
  expect((await bob.get("/repos/alice/open")).body.permissions).toEqual({ admin: false, push: false, pull: true });
  expect((await carol.get("/repos/alice/open")).status).toBe(404);
  expect((await carol.get("/repos/search")).body).toEqual({ ok: true, data: [] });
});

test("in an organization only owners, and teams that may, make repositories", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  expect((await bob.post("/orgs/acme/repos", { name: "more" })).status).toBe(403);
  const writers = (await forge.admin.get("/orgs/acme/teams/search?q=writers")).body.data[0];
  await expectStatus(200, forge.admin.patch(`/teams/${writers.id}`, { name: "writers", can_create_org_repo: true }));
  await expectStatus(201, bob.post("/orgs/acme/repos", { name: "more", private: true }));
  expect((await alice.get("/orgs/acme/repos")).body.map((repo: { name: string }) => repo.name)).toEqual([
    "docs",
    "more",
  ]);
  expect((await alice.get("/user/repos")).body.map((repo: { name: string }) => repo.name)).toEqual(["docs", "more"]);
});

test("who has written one limit of repositories makes no more", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { max_repo_creation: 1 }));
  await expectStatus(201, alice.post("/user/repos", { name: "one" }));
  expect((await alice.post("/user/repos", { name: "two" })).status).toBe(403);
});

test("a repository is changed by its admins, and deleted by its owner with the scope of the owner's kind", async () => {
  await using forge = await startTestForge();
  const { bob } = await withDocs(forge);
  expect((await bob.patch(PLACE, { description: "x" })).status).toBe(403);
  const { body } = await expectStatus(
    200,
    forge.admin.patch(PLACE, { has_wiki: false, default_merge_style: "squash" }),
  );
  expect(body).toMatchObject({ has_wiki: false, default_merge_style: "squash" });
  expect((await bob.delete(PLACE)).status).toBe(403);
  await expectStatus(201, bob.post("/user/repos", { name: "own" }));
  const scoped = async (...scopes: string[]) => forge.withToken(await forge.token("bob", scopes));
  expect((await (await scoped("write:repository")).delete("/repos/bob/own")).status).toBe(403);
  await expectStatus(204, (await scoped("write:user")).delete("/repos/bob/own"));
  expect((await bob.get("/repos/bob/own")).status).toBe(404);
});

test("a collaborator has what was given, until it is taken back", async () => {
  await using forge = await startTestForge();
  const [alice, bob] = [await forge.user("alice"), await forge.user("bob", { restricted: true })];
  await expectStatus(201, alice.post("/user/repos", { name: "notes", private: true, auto_init: true }));
  await expectStatus(204, alice.put("/repos/alice/notes/collaborators/bob", { permission: "read" }));
  expect((await bob.get("/repos/alice/notes")).body.permissions).toEqual({ admin: false, push: false, pull: true });
  expect((await bob.put("/repos/alice/notes/collaborators/bob", { permission: "admin" })).status).toBe(403);
  expect((await alice.get("/repos/alice/notes/collaborators/bob/permission")).body).toMatchObject({
    permission: "read",
  });
  await expectStatus(204, alice.delete("/repos/alice/notes/collaborators/bob"));
  expect((await bob.get("/repos/alice/notes")).status).toBe(404);
});

test("one commit creates, changes and deletes files on a branch that it makes", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const readme = (await alice.get(`${PLACE}/contents/README.md`)).body;
  const { body } = await commit(bob, {
    new_branch: "topic/one",
    files: [
      added("a/b.txt", "hello\n"),
      { operation: "update", path: "README.md", sha: readme.sha, content: encoded("new\n") },
    ],
  });
  expect(body.files).toMatchObject([{ path: "a/b.txt", content: encoded("hello\n") }, { path: "README.md" }]);
  expect(body.commit).toMatchObject({ message: "more\n", author: { name: "bob" } });
  expect((await alice.get(`${PLACE}/raw/a/b.txt?ref=topic/one`)).body).toBe("hello\n");
  expect((await alice.get(`${PLACE}/raw/a/b.txt`)).status).toBe(404);
  expect((await alice.get(`${PLACE}/contents/a?ref=topic/one`)).body).toMatchObject([
    { path: "a/b.txt", type: "file", content: null },
  ]);
  expect((await alice.get(`${PLACE}/contents/a/b.txt?ref=topic/one`)).body).toMatchObject({
    encoding: "base64",
    size: 6,
  });
});

test("a reader writes no file, and a stale or missing sha is refused", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  expect((await alice.post(`${PLACE}/contents/a.txt`, { content: encoded("a") })).status).toBe(403);
  await expectStatus(201, bob.post(`${PLACE}/contents/a.txt`, { content: encoded("a") }));
  expect((await bob.post(`${PLACE}/contents/a.txt`, { content: encoded("b") })).status).toBe(422);
  expect((await bob.put(`${PLACE}/contents/a.txt`, { content: encoded("b"), sha: "0".repeat(40) })).status).toBe(422);
  expect((await bob.put(`${PLACE}/contents/a.txt`, { content: encoded("b") })).status).toBe(422);
  expect((await bob.post(`${PLACE}/contents/b.txt`, { content: "no base64!" })).status).toBe(422);
  const { sha } = (await bob.get(`${PLACE}/contents/a.txt`)).body;
  await expectStatus(200, bob.put(`${PLACE}/contents/a.txt`, { content: encoded("b"), sha }));
  const { sha: next } = (await bob.get(`${PLACE}/contents/a.txt`)).body;
  await expectStatus(200, bob.delete(`${PLACE}/contents/a.txt`, { sha: next }));
  expect((await bob.get(`${PLACE}/contents/a.txt`)).status).toBe(404);
});

test("branches are made, listed with their rule, and deleted", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  await expectStatus(201, bob.post(`${PLACE}/branches`, { new_branch_name: "topic/one" }));
  expect((await alice.post(`${PLACE}/branches`, { new_branch_name: "mine" })).status).toBe(403);
  const { body, headers } = await alice.get(`${PLACE}/branches`);
  expect(body.map((branch: { name: string }) => branch.name)).toEqual(["main", "topic/one"]);
  expect(headers.get("x-total-count")).toBe("2");
  expect((await alice.get(`${PLACE}/branches/topic%2Fone`)).body).toMatchObject({
    name: "topic/one",
    protected: false,
    user_can_push: false,
  });
  await expectStatus(204, bob.delete(`${PLACE}/branches/topic%2Fone`));
  expect((await alice.get(`${PLACE}/branches/topic%2Fone`)).status).toBe(404);
});

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

test("of a commit's statuses the newest of each context counts, and the worst of those is the combined one", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const { id } = (await bob.get(`${PLACE}/branches/main`)).body.commit;
  const status = (caller: Caller, state: string, context: string) =>
    caller.post(`${PLACE}/statuses/${id}`, { state, context, description: "d", target_url: "http://127.0.0.1/" });
  expect((await alice.get(`${PLACE}/commits/${id}/status`)).body).toMatchObject({
    state: "",
    total_count: 0,
    statuses: null,
  });
  expect((await status(alice, "success", "a")).status).toBe(403);
  expect((await status(bob, "done", "a")).status).toBe(422);
  await expectStatus(201, status(bob, "pending", "a"));
  const { body: given } = await expectStatus(201, status(bob, "success", "b"));
  expect(given).toMatchObject({ status: "success", context: "b", creator: { login: "bob" } });
  expect((await alice.get(`${PLACE}/commits/main/status`)).body).toMatchObject({
    state: "pending",
    sha: id,
    total_count: 2,
  });
  await expectStatus(201, status(bob, "failure", "a"));
  expect((await alice.get(`${PLACE}/commits/${id}/status`)).body.state).toBe("failure");
  await expectStatus(201, status(bob, "success", "a"));
  expect((await alice.get(`${PLACE}/commits/${id}/status`)).body.state).toBe("success");
  expect((await alice.get(`${PLACE}/statuses/${id}`)).headers.get("x-total-count")).toBe("4");
  expect((await bob.post(`${PLACE}/statuses/${"1".repeat(40)}`, { state: "success" })).status).toBe(404);
});

test("tags with slashes are made, found and deleted", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const { body } = await expectStatus(
    201,
    bob.post(`${PLACE}/tags`, { tag_name: "deployed/a/1", target: "main", message: "m" }),
  );
  expect(body).toMatchObject({ name: "deployed/a/1", message: "m" });
  expect((await bob.post(`${PLACE}/tags`, { tag_name: "deployed/a/1" })).status).toBe(409);
  expect((await alice.post(`${PLACE}/tags`, { tag_name: "mine" })).status).toBe(403);
  expect((await alice.get(`${PLACE}/tags/deployed%2Fa%2F1`)).body).toEqual(body);
  expect((await alice.get(`${PLACE}/tags`)).body).toEqual([body]);
  await expectStatus(204, bob.delete(`${PLACE}/tags/deployed%2Fa%2F1`));
});

test("commits, trees, blobs and differences are what git says", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  await commit(bob, { new_branch: "topic", files: [added("a/b.txt", "hello\n")] });
  const { body: commits, headers } = await alice.get(`${PLACE}/commits?sha=topic&limit=1`);
  expect(headers.get("x-total-count")).toBe("2");
  expect(commits).toMatchObject([
    { commit: { message: "more\n" }, author: { login: "bob" }, files: [{ filename: "a/b.txt", status: "added" }] },
  ]);
  const tree = (await alice.get(`${PLACE}/git/trees/topic?recursive=true`)).body;
  expect(tree.tree.map((entry: { path: string }) => entry.path)).toEqual(["README.md", "a", "a/b.txt"]);
  const blob = tree.tree[2].sha;
  expect((await alice.get(`${PLACE}/git/blobs/${blob}`)).body).toMatchObject({ content: encoded("hello\n"), size: 6 });
  expect((await alice.get(`${PLACE}/compare/main...topic`)).body).toMatchObject({
    total_commits: 1,
    commits: [{ sha: commits[0].sha }],
  });
  expect((await alice.get(`${PLACE}/git/commits/${commits[0].sha}`)).body.parents).toHaveLength(1);
  expect((await alice.get(`${PLACE}/git/commits/nothing`)).status).toBe(404);
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

test("a token for public repositories opens no private one", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await expectStatus(201, alice.post("/user/repos", { name: "notes", private: true }));
  const limited = forge.withToken(await forge.token("alice", ["read:repository", "public-only"]));
  expect((await limited.get("/repos/alice/notes")).status).toBe(403);
});
