/** Users: making, changing and deleting them, what they may do and see, and acting as somebody else. */
import { expect, test } from "vitest";
import { basic, expectStatus } from "./caller.ts";
import { ADMIN } from "./forge-under-test.ts";
import { newUser, passwordOf, useStage } from "./stage.ts";

const stage = useStage();

test("the site admin's token may do everything", async () => {
  const { body } = await expectStatus(200, stage.admin.get("/user"));
  expect(body).toMatchObject({ login: ADMIN, is_admin: true });
});

test("a caller without credentials, or with an unknown scheme, is refused", async () => {
  for (const path of ["/version", "/user", "/repos/search"]) {
    expect((await stage.withHeader().get(path)).status, path).toBe(403);
  }
  expect((await stage.withHeader("Digest x").get("/user")).status).toBe(403);
});

test("a wrong token or password is refused with 401", async () => {
  for (const wrong of ["token abc", `Bearer ${"0".repeat(40)}`, basic(ADMIN, "nothing")]) {
    const { status, body } = await stage.withHeader(wrong).get("/user");
    expect(status, wrong).toBe(401);
    expect(body).toMatchObject({ message: expect.any(String), url: `${stage.url}/api/swagger` });
  }
});

test("the health check and the versions are answered", async () => {
  expect((await stage.withHeader().get("/api/healthz")).body).toMatchObject({ status: "pass" });
  expect((await stage.admin.get("/version")).body.version).toMatch(/^\d+\.\d+\.\d+/);
  const { body } = await stage.admin.get("/api/forgejo/v1/version");
  expect(body.version).toMatch(/^\d+\.\d+\.\d+/);
});

test("a new user is answered as it was wished", async () => {
  const name = stage.fresh("new");
  const wish = { ...newUser(name, true), full_name: "New One", visibility: "private" };
  const { body } = await expectStatus(201, stage.admin.post("/admin/users", wish));
  expect(body).toMatchObject({
    login: name,
    username: name,
    full_name: "New One",
    email: `${name}@forge.invalid`,
    restricted: true,
    is_admin: false,
    active: true,
    visibility: "private",
  });
});

test("a new user has to change its password first, unless the admin says otherwise", async () => {
  const name = stage.fresh("new");
  const { must_change_password: _, ...wish } = newUser(name);
  await expectStatus(201, stage.admin.post("/admin/users", wish));
  expect((await stage.withPassword(name).get("/user")).status).toBe(403);
  const change = { source_id: 0, login_name: name, must_change_password: false };
  await expectStatus(200, stage.admin.patch(`/admin/users/${name}`, change));
  expect((await stage.withPassword(name).get("/user")).status).toBe(200);
});

test("only a site admin makes users", async () => {
  expect((await stage.bob.post("/admin/users", newUser(stage.fresh("new")))).status).toBe(403);
  expect((await stage.bob.get("/admin/users")).status).toBe(403);
});

test("a name or an address that is taken, in any case, is refused with 422", async () => {
  const taken = stage.bob.name;
  const refused = async (change: object) => {
    const { status, body } = await stage.admin.post("/admin/users", { ...newUser(stage.fresh("new")), ...change });
    return `${status} ${body.message}`;
  };
  const loud = taken.toUpperCase();
  expect(await refused({ username: loud })).toBe(`422 user already exists [name: ${loud}]`);
  expect(await refused({ email: `${loud}@FORGE.invalid` })).toMatch(/^422 e-mail already in use/);
});

test("a name that is reserved or no name is refused with 422", async () => {
  for (const username of ["api", "admin", "user", "ghost", "a.keys"]) {
    const { status } = await stage.admin.post("/admin/users", { ...newUser(stage.fresh("new")), username });
    expect(status, username).toBe(422);
  }
  for (const username of ["-bob", "a/b", "a..b", "..", "a b", "ünicode", "<b>x</b>", "a".repeat(41), "%2e%2e"]) {
    const { status } = await stage.admin.post("/admin/users", { ...newUser(stage.fresh("new")), username });
    expect(status, username).toBe(422);
  }
});

test("a password that is short or missing is refused with 400", async () => {
  for (const password of ["short", ""]) {
    const { status, body } = await stage.admin.post("/admin/users", { ...newUser(stage.fresh("new")), password });
    expect(`${status} ${body.message}`).toBe("400 PasswordIsRequired");
  }
});

test("a user who may not sign in loses the API at once, and gets it back", async () => {
  const dave = await stage.user("dave");
  const change = (wish: object) =>
    expectStatus(200, stage.admin.patch(`/admin/users/${dave.name}`, { source_id: 0, login_name: dave.name, ...wish }));
  await change({ prohibit_login: true });
  expect((await dave.get("/user")).status).toBe(403);
  await change({ prohibit_login: false });
  expect((await dave.get("/user")).status).toBe(200);
});

test("a user who is deactivated loses the API at once", async () => {
  const dave = await stage.user("dave");
  const wish = { source_id: 0, login_name: dave.name, active: false };
  await expectStatus(200, stage.admin.patch(`/admin/users/${dave.name}`, wish));
  expect((await dave.get("/user")).status).toBe(403);
});

test("what others see of a user is neither its address nor its powers", async () => {
  const address = `${stage.bob.name}@forge.invalid`;
  const place = `/users/${stage.bob.name}`;
  expect((await stage.bob.get(place)).body).toMatchObject({ email: address, active: true });
  expect((await stage.carol.get(place)).body).toMatchObject({
    email: `${stage.bob.name}@noreply.localhost`,
    active: false,
  });
  expect((await stage.admin.get(place)).body.email).toBe(address);
});

test("an unknown user is not found", async () => {
  expect((await stage.bob.get("/users/nobody-at-all")).status).toBe(404);
  expect((await stage.admin.patch("/admin/users/nobody-at-all", { source_id: 0, login_name: "x" })).status).toBe(404);
});

test("a site admin acts as another user by Sudo, and is then no admin", async () => {
  const { name } = stage.bob;
  expect((await stage.admin.get("/user", { sudo: name })).body.login).toBe(name);
  expect((await stage.admin.get(`/user?sudo=${name}`)).body.login).toBe(name);
  expect((await stage.admin.get("/admin/users", { sudo: name })).status).toBe(403);
  expect((await stage.admin.get("/user", { sudo: "nobody-at-all" })).status).toBe(404);
});

test("nobody but a site admin acts as another user", async () => {
  expect((await stage.bob.get("/user", { sudo: ADMIN })).status).toBe(403);
});

test("a password that an admin sets anew replaces the old one", async () => {
  const dave = await stage.user("dave");
  const wish = { source_id: 0, login_name: dave.name, password: "another password" };
  await expectStatus(200, stage.admin.patch(`/admin/users/${dave.name}`, { ...wish, must_change_password: false }));
  expect((await stage.withHeader(basic(dave.name, passwordOf(dave.name))).get("/user")).status).toBe(401);
  expect((await stage.withHeader(basic(dave.name, "another password")).get("/user")).status).toBe(200);
});

test("a deleted user is gone with its tokens", async () => {
  const dave = await stage.user("dave");
  await expectStatus(204, stage.admin.delete(`/admin/users/${dave.name}`));
  expect((await stage.admin.get(`/users/${dave.name}`)).status).toBe(404);
  expect((await dave.get("/user")).status).toBe(401);
});

test("a user who owns a repository is deleted only with the word that purges", async () => {
  const dave = await stage.user("dave");
  const repo = await stage.repoOf(dave, { auto_init: false });
  expect((await stage.admin.delete(`/admin/users/${dave.name}`)).status).toBe(422);
  await expectStatus(204, stage.admin.delete(`/admin/users/${dave.name}?purge=true`));
  expect((await stage.admin.get(repo.api)).status).toBe(404);
});

test("users are listed for a site admin, and found by a part of their name", async () => {
  const dave = await stage.user("dave");
  const { body, headers } = await stage.admin.get("/admin/users?limit=1");
  expect(body).toHaveLength(1);
  expect(Number(headers.get("x-total-count"))).toBeGreaterThan(5);
  const found = (await stage.admin.get(`/users/search?q=${dave.name.slice(1)}`)).body;
  expect(found).toMatchObject({ ok: true, data: [{ login: dave.name }] });
});
