/** Repositories: who makes, sees, changes and deletes them; collaborators; branches, tags and commit statuses. */
import { expect, test } from "vitest";
import { type Caller, expectStatus } from "./caller.ts";
import { names, useStage } from "./stage.ts";

const stage = useStage();
const EMPTY = { auto_init: false };
const READ_ONLY = { admin: false, push: false, pull: true };

test("a user makes repositories of its own, answered with their addresses and its rights", async () => {
  const name = stage.fresh("notes");
  const wish = { name, private: true, auto_init: true };
  const { body } = await expectStatus(201, stage.alice.post("/user/repos", wish));
  expect(body).toMatchObject({
    full_name: `${stage.alice.name}/${name}`,
    private: true,
    default_branch: "main",
    clone_url: `${stage.url}/${stage.alice.name}/${name}.git`,
    html_url: `${stage.url}/${stage.alice.name}/${name}`,
    permissions: { admin: true, push: true, pull: true },
  });
});

test("nobody else sees a private repository: it is not found, in any case of its name", async () => {
  const repo = await stage.repoOf(stage.bob, EMPTY);
  for (const path of ["", "/issues", "/pulls", "/branches", "/contents", "/commits", "/labels", "/hooks"]) {
    expect((await stage.carol.get(repo.api + path)).status, path).toBe(404);
  }
  expect((await stage.carol.get(repo.api.toUpperCase().replace("/REPOS", "/repos"))).status).toBe(404);
  expect((await stage.bob.get(repo.api.toUpperCase().replace("/REPOS", "/repos"))).status).toBe(200);
});

test("a name that is taken is refused with 409, one that is none with 422", async () => {
  const repo = await stage.repoOf(stage.bob, EMPTY);
  expect((await stage.bob.post("/user/repos", { name: repo.name.toUpperCase() })).status).toBe(409);
  for (const name of ["../up", "a/b", "a b", "", "x.git", "x.wiki", ".", "..", "<b>"]) {
    expect((await stage.bob.post("/user/repos", { name })).status, name).toBe(422);
  }
});

test("a public repository is there for everybody but restricted users", async () => {
  const repo = await stage.repoOf(stage.bob, EMPTY);
  await expectStatus(200, stage.admin.patch(repo.api, { private: false }));
  expect((await stage.carol.get(repo.api)).body.permissions).toEqual(READ_ONLY);
  expect((await stage.mallory.get(repo.api)).status).toBe(404);
});

test("the search of repositories finds what the caller may see alone", async () => {
  const repo = await stage.repo(EMPTY);
  const search = async (who: Caller) =>
    names({
      ...(await who.get(`/repos/search?q=${repo.name}`)),
      body: (await who.get(`/repos/search?q=${repo.name}`)).body.data,
    });
  expect(await search(stage.alice)).toEqual([repo.name]);
  expect(await search(stage.mallory)).toEqual([]);
});

test("who has made as many repositories as it may, makes no more", async () => {
  const dave = await stage.user("dave");
  const limit = { source_id: 0, login_name: dave.name, max_repo_creation: 1 };
  await expectStatus(200, stage.admin.patch(`/admin/users/${dave.name}`, limit));
  await expectStatus(201, dave.post("/user/repos", { name: "one" }));
  expect((await dave.post("/user/repos", { name: "two" })).status).toBe(stage.major >= 15 ? 403 : 500);
});

test("a repository is changed by its admins alone", async () => {
  const repo = await stage.repo(EMPTY);
  expect((await stage.bob.patch(repo.api, { description: "x" })).status).toBe(403);
  const wish = { description: "why", has_wiki: false, default_merge_style: "squash" };
  expect((await expectStatus(200, stage.admin.patch(repo.api, wish))).body).toMatchObject(wish);
  expect((await stage.alice.get(repo.api)).body.description).toBe("why");
});

test("a repository is deleted by its owners alone", async () => {
  const repo = await stage.repo(EMPTY);
  expect((await stage.bob.delete(repo.api)).status).toBe(403);
  expect((await stage.mallory.delete(repo.api)).status).toBe(404);
  await expectStatus(204, stage.admin.delete(repo.api));
  expect((await stage.admin.get(repo.api)).status).toBe(404);
});

test("nobody forks", async () => {
  const repo = await stage.repo();
  expect((await stage.bob.post(`${repo.api}/forks`, {})).status).toBe(404);
});

test("a collaborator has what was given, until it is taken back", async () => {
  const repo = await stage.repoOf(stage.bob);
  const place = `${repo.api}/collaborators/${stage.mallory.name}`;
  await expectStatus(204, stage.bob.put(place, { permission: "read" }));
  expect((await stage.mallory.get(repo.api)).body.permissions).toEqual(READ_ONLY);
  expect((await stage.bob.get(`${place}/permission`)).body).toMatchObject({ permission: "read" });
  await expectStatus(204, stage.bob.put(place, { permission: "write" }));
  expect((await stage.mallory.get(repo.api)).body.permissions.push).toBe(true);
  await expectStatus(204, stage.bob.delete(place));
  expect((await stage.mallory.get(repo.api)).status).toBe(404);
});

test("a collaborator cannot raise itself, and collaborators are listed", async () => {
  const repo = await stage.repoOf(stage.bob, EMPTY);
  const place = `${repo.api}/collaborators/${stage.mallory.name}`;
  await expectStatus(204, stage.bob.put(place, { permission: "write" }));
  expect((await stage.mallory.put(place, { permission: "admin" })).status).toBe(403);
  expect((await stage.bob.get(`${repo.api}/collaborators`)).body).toMatchObject([{ login: stage.mallory.name }]);
  await expectStatus(204, stage.bob.get(place));
  await expectStatus(404, stage.bob.get(`${repo.api}/collaborators/${stage.alice.name}`));
  expect((await stage.bob.put(`${repo.api}/collaborators/nobody-at-all`, { permission: "read" })).status).toBe(422);
});

test("branches are made by writers, listed with a total, and found by their name with its slash", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "topic/one" }));
  expect((await stage.alice.post(`${repo.api}/branches`, { new_branch_name: "mine" })).status).toBe(403);
  const listed = await stage.alice.get(`${repo.api}/branches`);
  expect(names(listed)).toEqual(["main", "topic/one"]);
  expect(listed.headers.get("x-total-count")).toBe("2");
  expect((await stage.alice.get(`${repo.api}/branches/topic%2Fone`)).body).toMatchObject({
    name: "topic/one",
    protected: false,
    user_can_push: false,
  });
});

test("a branch begins where it is told to, and one that is there is not made again", async () => {
  const repo = await stage.repo();
  const first = await repo.tip();
  await repo.write(stage.bob, "a.txt");
  const make = (wish: object) => stage.bob.post(`${repo.api}/branches`, wish);
  await expectStatus(201, make({ new_branch_name: "old", old_ref_name: first }));
  expect(await repo.tip("old")).toBe(first);
  expect((await make({ new_branch_name: "old" })).status).toBe(409);
  // Forgejo does not tell this from an accident of its own
  const unknown = await make({ new_branch_name: "x", old_ref_name: "never-there" });
  expect(unknown.status).toBe(stage.kind === "Forgejo" ? 500 : 404);
});

test("a branch is deleted by writers, but not the default one", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "topic/one" }));
  expect((await stage.alice.delete(`${repo.api}/branches/topic%2Fone`)).status).toBe(403);
  await expectStatus(204, stage.bob.delete(`${repo.api}/branches/topic%2Fone`));
  expect((await stage.alice.get(`${repo.api}/branches/topic%2Fone`)).status).toBe(404);
  expect((await stage.bob.delete(`${repo.api}/branches/main`)).status).toBe(403);
});

test("a branch name that git refuses is refused with 422", async () => {
  const repo = await stage.repo();
  for (const name of ["a..b", "a b", "a~1", "x.lock", "/x", "x/", "a\\b", "@{", "a:b"]) {
    const { status } = await stage.bob.post(`${repo.api}/branches`, { new_branch_name: name });
    expect([400, 422], name).toContain(status);
  }
  expect(names(await stage.bob.get(`${repo.api}/branches`))).toEqual(["main"]);
});

test("a branch name that looks like an option is a name, and a commit that looks like one is not found", async () => {
  const repo = await stage.repo();
  for (const new_branch_name of ["-x", "--upload-pack=touch"]) {
    await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name }));
    await expectStatus(200, stage.bob.get(`${repo.api}/branches/${new_branch_name}`));
  }
  for (const sha of ["--output=x", "-n1"]) {
    const commits = await stage.bob.get(`${repo.api}/commits?sha=${sha}`);
    expect(commits.status, sha).toBe(stage.kind === "Forgejo" ? 500 : 404);
    expect((await stage.bob.get(`${repo.api}/raw/README.md?ref=${sha}`)).status, sha).toBe(404);
  }
});

test("tags with slashes are made by writers, found, listed and deleted", async () => {
  const repo = await stage.repo();
  const wish = { tag_name: "deployed/a/1", target: "main", message: "m" };
  const { body } = await expectStatus(201, stage.bob.post(`${repo.api}/tags`, wish));
  expect(body).toMatchObject({ name: "deployed/a/1", commit: { sha: await repo.tip() } });
  expect((await stage.alice.post(`${repo.api}/tags`, { tag_name: "mine" })).status).toBe(403);
  expect((await stage.alice.get(`${repo.api}/tags/deployed%2Fa%2F1`)).body).toMatchObject({ name: "deployed/a/1" });
  expect(names(await stage.alice.get(`${repo.api}/tags`))).toEqual(["deployed/a/1"]);
  await expectStatus(204, stage.bob.delete(`${repo.api}/tags/deployed%2Fa%2F1`));
  expect((await stage.alice.get(`${repo.api}/tags/deployed%2Fa%2F1`)).status).toBe(404);
});

test("a tag that is there is refused with 409, one of an unknown commit with 404", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/tags`, { tag_name: "v1" }));
  expect((await stage.bob.post(`${repo.api}/tags`, { tag_name: "v1" })).status).toBe(409);
  expect((await stage.bob.post(`${repo.api}/tags`, { tag_name: "v2", target: "0".repeat(40) })).status).toBe(404);
});

const status = (who: Caller, repo: { api: string }, sha: string, state: string, context: string) =>
  who.post(`${repo.api}/statuses/${sha}`, { state, context, description: "d", target_url: "http://127.0.0.1/" });

test("a status is given by writers, and answered in the field status", async () => {
  const repo = await stage.repo();
  const sha = await repo.tip();
  expect((await status(stage.alice, repo, sha, "success", "a")).status).toBe(403);
  const { body } = await expectStatus(201, status(stage.bob, repo, sha, "success", "a"));
  expect(body).toMatchObject({ status: "success", context: "a", description: "d", creator: { login: stage.bob.name } });
});

test("of a commit's statuses the newest of each context counts, and the worst of those is the combined state", async () => {
  const repo = await stage.repo();
  const sha = await repo.tip();
  const combined = async () => (await stage.alice.get(`${repo.api}/commits/${sha}/status`)).body;
  expect(await combined()).toMatchObject({ state: "", total_count: 0 });
  for (const [state, context, worst] of [
    ["pending", "a", "pending"],
    ["success", "b", "pending"],
    ["failure", "a", "failure"],
    ["success", "a", "success"],
    ["error", "b", "failure"],
  ] as const) {
    await expectStatus(201, status(stage.bob, repo, sha, state, context));
    expect((await combined()).state, `${state} of ${context}`).toBe(worst);
  }
  expect(await combined()).toMatchObject({ total_count: 2, sha });
  const listed = await stage.alice.get(`${repo.api}/statuses/${sha}`);
  expect(listed.headers.get("x-total-count")).toBe("5");
});

test("the combined status is found by the name of a branch, too", async () => {
  const repo = await stage.repo();
  const sha = await repo.tip();
  await expectStatus(201, status(stage.bob, repo, sha, "pending", "a"));
  expect((await stage.alice.get(`${repo.api}/commits/main/status`)).body).toMatchObject({ state: "pending", sha });
});

test("nobody without a right to read the repository gives or reads statuses", async () => {
  const repo = await stage.repo();
  const sha = await repo.tip();
  expect((await status(stage.mallory, repo, sha, "success", "a")).status).toBe(404);
  expect((await stage.mallory.get(`${repo.api}/commits/${sha}/status`)).status).toBe(404);
});
