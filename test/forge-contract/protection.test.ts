/** Protected branches: their rules, read and changed, and what they refuse to a push and to the API. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { encoded, names, type Repo, useStage } from "./stage.ts";

const stage = useStage();

const put = async (
  who: { post: (path: string, body: object) => Promise<{ status: number }> },
  repo: Repo,
  file: string,
) => (await who.post(`${repo.api}/contents/${file}`, { content: encoded("x"), branch: "main" })).status;
const change = (repo: Repo, rule: object) =>
  expectStatus(200, stage.admin.patch(`${repo.api}/branch_protections/main`, rule));

test("a rule is read back as it was written", async () => {
  const repo = await stage.repo();
  const wish = {
    rule_name: "main",
    required_approvals: 1,
    enable_approvals_whitelist: true,
    approvals_whitelist_username: [stage.olga.name],
    enable_merge_whitelist: true,
    merge_whitelist_usernames: [stage.bob.name],
    block_on_rejected_reviews: true,
    dismiss_stale_approvals: true,
    protected_file_patterns: "*.lock",
  };
  const { body } = await repo.protect({ ...wish, apply_to_admins: true });
  expect(body).toMatchObject({ ...wish, enable_push: false });
  // the field came after 7
  if (stage.major >= 15) expect(body.apply_to_admins).toBe(true);
  expect((await stage.admin.get(`${repo.api}/branch_protections/main`)).body).toEqual(body);
  expect((await stage.admin.get(`${repo.api}/branch_protections`)).body).toEqual([body]);
});

test("names that could not use their place are dropped without a word: read the rule back", async () => {
  const repo = await stage.repo();
  const { body } = await repo.protect({
    enable_push: true,
    enable_push_whitelist: true,
    push_whitelist_usernames: [stage.alice.name, stage.bob.name],
    enable_merge_whitelist: true,
    merge_whitelist_usernames: [stage.bob.name, stage.alice.name],
    enable_approvals_whitelist: true,
    approvals_whitelist_username: [stage.mallory.name, stage.carol.name],
  });
  expect(body.push_whitelist_usernames).toEqual([stage.bob.name]);
  expect(body.merge_whitelist_usernames).toEqual([stage.bob.name]);
  expect(body.approvals_whitelist_username).toEqual([stage.carol.name]);
});

test("a site admin whom no team gives the repository is dropped from who approves", async () => {
  const site = await stage.user("site");
  const wish = { source_id: 0, login_name: site.name, admin: true };
  await expectStatus(200, stage.admin.patch(`/admin/users/${site.name}`, wish));
  const repo = await stage.repo();
  const { body } = await repo.protect({
    enable_approvals_whitelist: true,
    approvals_whitelist_username: [site.name, stage.olga.name],
  });
  expect(body.approvals_whitelist_username).toEqual([stage.olga.name]);
});

test("an unknown name is refused with 422, a second rule of the same name with 403", async () => {
  const repo = await stage.repo();
  const make = async (rule: object) => (await stage.admin.post(`${repo.api}/branch_protections`, rule)).status;
  const nobody = { enable_merge_whitelist: true, merge_whitelist_usernames: ["nobody-at-all"] };
  expect(await make({ rule_name: "main", ...nobody })).toBe(422);
  expect(await make({ rule_name: "main" })).toBe(201);
  expect(await make({ rule_name: "main" })).toBe(403);
});

test("only admins of the repository read, make and change rules", async () => {
  const repo = await stage.repo();
  await repo.protect({});
  const place = `${repo.api}/branch_protections`;
  for (const who of [stage.alice, stage.bob]) {
    expect((await who.get(place)).status).toBe(403);
    expect((await who.get(`${place}/main`)).status).toBe(403);
    expect((await who.post(place, { rule_name: "x" })).status).toBe(403);
    expect((await who.patch(`${place}/main`, { required_approvals: 0 })).status).toBe(403);
    expect((await who.delete(`${place}/main`)).status).toBe(403);
  }
  expect((await stage.mallory.get(place)).status).toBe(404);
});

test("a change of a rule leaves what it does not name; a deleted rule is gone", async () => {
  const repo = await stage.repo();
  const { body } = await repo.protect({ required_approvals: 1, dismiss_stale_approvals: true });
  const { body: changed } = await change(repo, { required_approvals: 2 });
  expect(changed).toMatchObject({ ...body, required_approvals: 2, updated_at: expect.any(String) });
  await expectStatus(204, stage.admin.delete(`${repo.api}/branch_protections/main`));
  expect((await stage.admin.get(`${repo.api}/branch_protections/main`)).status).toBe(404);
  expect(await put(stage.bob, repo, "a")).toBe(201);
});

test("a branch tells whether it is protected, and whether the caller may push and merge", async () => {
  const repo = await stage.repo();
  const branch = async (who: typeof stage.bob) => (await who.get(`${repo.api}/branches/main`)).body;
  expect(await branch(stage.bob)).toMatchObject({ protected: false, user_can_push: true, user_can_merge: true });
  await repo.protect({
    required_approvals: 1,
    enable_merge_whitelist: true,
    merge_whitelist_usernames: [stage.olga.name],
  });
  expect(await branch(stage.bob)).toMatchObject({
    protected: true,
    required_approvals: 1,
    user_can_push: false,
    user_can_merge: false,
  });
  expect(await branch(stage.olga)).toMatchObject({ user_can_push: false, user_can_merge: true });
});

test("a protected branch takes no commit by the API, not even the site admin's, but whom its list names", async () => {
  const repo = await stage.repo();
  await repo.protect({});
  for (const who of [stage.bob, stage.admin]) expect(await put(who, repo, "a")).toBe(403);
  await change(repo, { enable_push: true, enable_push_whitelist: true, push_whitelist_usernames: [stage.bob.name] });
  expect(await put(stage.olga, repo, "a")).toBe(403);
  expect(await put(stage.admin, repo, "a")).toBe(403);
  expect(await put(stage.bob, repo, "a")).toBe(201);
});

test("whether the push list holds is heard only beside enable_push; the list itself always", async () => {
  const repo = await stage.repo();
  await repo.protect({ enable_push: true });
  const wish = { enable_push_whitelist: true, push_whitelist_usernames: [stage.bob.name] };
  expect((await change(repo, wish)).body.enable_push_whitelist).toBe(false);
  expect((await change(repo, { ...wish, enable_push: true })).body).toMatchObject({ enable_push: true, ...wish });
  const { body } = await change(repo, { push_whitelist_usernames: [stage.olga.name] });
  expect(body.push_whitelist_usernames).toEqual([stage.olga.name]);
});

test("a push to a protected branch is refused in words, with whoever's credentials", async () => {
  const repo = await stage.repo();
  await repo.protect({});
  for (const who of [stage.bob, stage.admin]) {
    const clone = await repo.clone(who);
    await clone.commit("a", "1");
    const { code, text } = await clone.push("HEAD:main");
    expect(code).toBe(1);
    expect(text).toMatch(/remote: Forgejo: Not allowed to push to protected branch main/);
  }
});

test("whom the list names may push, but neither force it nor delete the branch", async () => {
  const repo = await stage.repo();
  await repo.protect({ enable_push: true, enable_push_whitelist: true, push_whitelist_usernames: [stage.bob.name] });
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  expect(await clone.push("HEAD:main")).toMatchObject({ code: 0 });
  await clone.get("commit", "--amend", "-qm", "rewritten");
  expect((await clone.push("+HEAD:main")).text).toMatch(/branch main is protected from force push/);
  expect((await clone.push("--delete", "main")).code).toBe(1);
});

test("an atomic push with one refused branch moves none", async () => {
  const repo = await stage.repo();
  await repo.protect({});
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  expect((await clone.push("--atomic", "HEAD:beside", "HEAD:main")).code).toBe(1);
  expect(await clone.get("ls-remote", "origin", "refs/heads/beside")).toBe("");
});

test("a rule with a glob holds for branches that are not there yet, a branch's own rule comes first", async () => {
  const repo = await stage.repo();
  await repo.protect({ rule_name: "release/*" });
  const clone = await repo.clone(stage.bob);
  await clone.commit("a", "1");
  expect((await clone.push("HEAD:release/1")).text).toMatch(/Not allowed to push to protected branch release\/1/);
  expect(await clone.push("HEAD:release-1")).toMatchObject({ code: 0 });
  await repo.protect({ rule_name: "release/1", enable_push: true });
  expect(await clone.push("HEAD:release/1")).toMatchObject({ code: 0 });
  const { body } = await stage.admin.get(`${repo.api}/branch_protections`);
  expect(body.map((rule: { rule_name: string }) => rule.rule_name).sort()).toEqual(["release/*", "release/1"]);
});

test("a protected branch is not deleted, by push or by the API", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "kept" }));
  await repo.protect({ rule_name: "kept", enable_push: true });
  const clone = await repo.clone(stage.bob);
  expect((await clone.push(":kept")).text).toMatch(/protected from deletion/);
  expect((await stage.admin.delete(`${repo.api}/branches/kept`)).status).toBe(403);
  expect(names(await stage.bob.get(`${repo.api}/branches`)).sort()).toEqual(["kept", "main"]);
});

test("the default branch is never deleted, protected or not", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  expect((await clone.push(":main")).code).toBe(1);
  expect((await stage.admin.delete(`${repo.api}/branches/main`)).status).toBe(403);
  expect(await repo.tip()).toBe(await clone.get("rev-parse", "HEAD"));
});

test("files can be closed to everybody, or open although the branch is not", async () => {
  const repo = await stage.repo();
  await repo.protect({ protected_file_patterns: "*.lock;secret/**", unprotected_file_patterns: "notes/*" });
  const clone = await repo.clone(stage.bob);
  await clone.commit("notes/a", "1");
  expect(await clone.push("HEAD:main")).toMatchObject({ code: 0 });
  await clone.commit("secret/deep/a", "1");
  expect((await clone.push("HEAD:main")).text).toMatch(/protected from changing file secret\/deep\/a/);
  const pull = await repo.propose(stage.alice, "locked", "package.LOCK");
  expect(await repo.merge(stage.bob, pull)).toContain("Changed protected files");
});

test("a rule fits a branch whatever the case of its name", async () => {
  const repo = await stage.repo();
  await repo.protect({ rule_name: "MAIN", required_approvals: 7 });
  expect(await repo.get("/branches/main")).toMatchObject({ protected: true, required_approvals: 7 });
});
