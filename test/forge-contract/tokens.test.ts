/** Tokens: where they are accepted, who makes and revokes them, and what each scope opens. */
import { expect, test } from "vitest";
import { basic, type Caller, expectStatus } from "./caller.ts";
import { useStage } from "./stage.ts";

const stage = useStage();

test("a token is accepted in each of the places where Forgejo looks for it", async () => {
  const { token, name } = stage.bob;
  const ways = [
    `token ${token}`,
    `Bearer ${token}`,
    basic(name, token),
    basic("anybody", token),
    basic(token, ""),
    basic(token, "x-oauth-basic"),
  ];
  for (const way of ways) expect((await stage.withHeader(way).get("/user")).body.login, way).toBe(name);
});

test("a token in the address is not accepted", async () => {
  expect((await stage.withHeader().get(`/user?token=${stage.bob.token}`)).status).toBe(403);
  expect((await stage.withHeader().get(`/user?access_token=${stage.bob.token}`)).status).toBe(403);
});

test("a token is shown once, when it is made; later its last eight characters", async () => {
  const { name } = stage.bob;
  const wish = { name: stage.fresh("token"), scopes: ["read:user"] };
  const { body } = await expectStatus(201, stage.withPassword(name).post(`/users/${name}/tokens`, wish));
  expect(body).toMatchObject({ name: wish.name, sha1: expect.stringMatching(/^[0-9a-f]{40}$/) });
  expect(body.token_last_eight).toBe(body.sha1.slice(-8));
  const listed = (await stage.withPassword(name).get(`/users/${name}/tokens?limit=50`)).body;
  const again = listed.find((token: { name: string }) => token.name === wish.name);
  expect(again).toMatchObject({
    id: body.id,
    sha1: "",
    token_last_eight: body.token_last_eight,
    scopes: ["read:user"],
  });
});

test("a token is made with a password, never with a token", async () => {
  const wish = { name: stage.fresh("token"), scopes: ["read:user"] };
  expect((await stage.bob.post(`/users/${stage.bob.name}/tokens`, wish)).status).toBe(401);
  expect((await stage.admin.post(`/users/${stage.bob.name}/tokens`, wish)).status).toBe(401);
});

test("nobody makes a token of somebody else, or sees the list of its tokens", async () => {
  const wish = { name: stage.fresh("token"), scopes: ["read:user"] };
  const byCarol = stage.withPassword(stage.carol.name);
  expect((await byCarol.post(`/users/${stage.bob.name}/tokens`, wish)).status).toBe(403);
  expect((await byCarol.get(`/users/${stage.bob.name}/tokens`)).status).toBe(403);
});

test("two tokens of one user have different names", async () => {
  const { name } = stage.bob;
  const wish = { name: stage.fresh("token"), scopes: ["read:user"] };
  await expectStatus(201, stage.withPassword(name).post(`/users/${name}/tokens`, wish));
  expect((await stage.withPassword(name).post(`/users/${name}/tokens`, wish)).status).toBe(400);
});

test("a token with an unknown scope is not made, nor, since 15, one without scopes", async () => {
  const { name } = stage.bob;
  const make = async (scopes: string[]) =>
    (await stage.withPassword(name).post(`/users/${name}/tokens`, { name: stage.fresh("token"), scopes })).status;
  expect(await make(["read:everything"])).toBe(400);
  expect(await make([])).toBe(stage.major >= 15 ? 400 : 201);
});

test("a revoked token opens nothing any more, whether it was revoked by name or by number", async () => {
  const { name } = stage.bob;
  for (const key of ["name", "id"] as const) {
    const wish = { name: stage.fresh("token"), scopes: ["read:user"] };
    const { body } = await expectStatus(201, stage.withPassword(name).post(`/users/${name}/tokens`, wish));
    expect((await stage.withToken(body.sha1).get("/user")).status).toBe(200);
    expect((await stage.bob.delete(`/users/${name}/tokens/${body[key]}`)).status).toBe(401);
    await expectStatus(204, stage.withPassword(name).delete(`/users/${name}/tokens/${body[key]}`));
    expect((await stage.withToken(body.sha1).get("/user")).status).toBe(401);
  }
});

test("a token that is not there cannot be revoked", async () => {
  const { name } = stage.bob;
  expect((await stage.withPassword(name).delete(`/users/${name}/tokens/never-made`)).status).toBe(404);
});

test("write includes read, and read does not include write", async () => {
  const repo = await stage.repo();
  const writing = await stage.withScopes(stage.bob.name, "write:issue");
  const reading = await stage.withScopes(stage.bob.name, "read:issue");
  await expectStatus(201, writing.post(`${repo.api}/issues`, { title: "x" }));
  expect((await writing.get(`${repo.api}/issues`)).status).toBe(200);
  expect((await reading.get(`${repo.api}/issues`)).status).toBe(200);
  expect((await reading.post(`${repo.api}/issues`, { title: "x" })).status).toBe(403);
});

test("what is refused for want of a scope says which", async () => {
  const caller = await stage.withScopes(stage.bob.name, "read:user");
  const { status, body } = await caller.get(`${(await stage.repo()).api}/issues`);
  expect(status).toBe(403);
  expect(body.message).toContain("read:issue");
});

/** A call, and the scopes that it needs all of. */
const ROUTES: [string, (caller: Caller, repo: string) => ReturnType<Caller["get"]>, string[]][] = [
  ["GET /user", (caller) => caller.get("/user"), ["read:user"]],
  ["GET /user/orgs", (caller) => caller.get("/user/orgs"), ["read:user", "read:organization"]],
  ["GET /user/repos", (caller) => caller.get("/user/repos"), ["read:user", "read:repository"]],
  ["GET /orgs/{org}", (caller) => caller.get(`/orgs/${stage.org}`), ["read:organization"]],
  ["GET /orgs/{org}/repos", (caller) => caller.get(`/orgs/${stage.org}/repos`), ["read:organization"]],
  ["GET a repository", (caller, repo) => caller.get(repo), ["read:repository"]],
  ["GET its branches", (caller, repo) => caller.get(`${repo}/branches`), ["read:repository"]],
  ["GET its pull requests", (caller, repo) => caller.get(`${repo}/pulls`), ["read:repository"]],
  ["GET its contents", (caller, repo) => caller.get(`${repo}/contents/README.md`), ["read:repository"]],
  ["GET its issues", (caller, repo) => caller.get(`${repo}/issues`), ["read:issue"]],
  ["GET its labels", (caller, repo) => caller.get(`${repo}/labels`), ["read:issue"]],
  ["GET the search of issues", (caller) => caller.get("/repos/issues/search"), ["read:issue"]],
];

test.each(ROUTES)("%s needs its scopes, and no other will do", async (_name, call, scopes) => {
  const { api } = await stage.repo();
  const all = ["read:user", "read:organization", "read:repository", "read:issue"];
  expect((await call(await stage.withScopes(stage.bob.name, ...scopes), api)).status).toBe(200);
  const { name } = stage.bob;
  for (const scope of scopes) {
    const lacking = await stage.withScopes(name, ...all.filter((one) => one !== scope));
    expect((await call(lacking, api)).status, `without ${scope}`).toBe(403);
  }
});

test("a site admin's token needs the scope of the admin's routes like any other", async () => {
  const dave = await stage.user("dave");
  await expectStatus(
    200,
    stage.admin.patch(`/admin/users/${dave.name}`, { source_id: 0, login_name: dave.name, admin: true }),
  );
  expect((await (await stage.withScopes(dave.name, "write:user")).get("/admin/users")).status).toBe(403);
  expect((await (await stage.withScopes(dave.name, "read:admin")).get("/admin/users")).status).toBe(200);
});

test("a repository is deleted with the scope of its owner's kind in 15, with that of repositories in 7", async () => {
  const repo = await stage.repoOf(stage.bob, { auto_init: false });
  const [right, wrong] =
    stage.major >= 15 ? ["write:user", "write:repository"] : ["write:repository", "write:organization"];
  expect((await (await stage.withScopes(stage.bob.name, wrong)).delete(repo.api)).status).toBe(403);
  await expectStatus(204, (await stage.withScopes(stage.bob.name, right)).delete(repo.api));
  expect((await stage.bob.get(repo.api)).status).toBe(404);
});

test("a token for public repositories opens no private one in 15; in 7 it does", async () => {
  const repo = await stage.repoOf(stage.bob, { auto_init: false });
  const limited = await stage.withScopes(stage.bob.name, "read:repository", "public-only");
  expect((await limited.get(repo.api)).status).toBe(stage.major >= 15 ? 403 : 200);
});
