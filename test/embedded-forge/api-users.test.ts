import { expect, test } from "vitest";
import { basic, expectStatus, newUser, passwordOf, startTestForge } from "./test-forge.ts";

test("the first start makes the site admin, whose token is in the file and may do everything", async () => {
  await using forge = await startTestForge();
  const { status, body } = await forge.admin.get("/user");
  expect(status).toBe(200);
  expect(body).toMatchObject({ login: "root-of-all", username: "root-of-all", is_admin: true });
});

test("a caller without credentials is refused with 403, one with wrong ones with 401", async () => {
  await using forge = await startTestForge();
  expect((await forge.withHeader().get("/version")).status).toBe(403);
  expect((await forge.withHeader("Digest x").get("/user")).status).toBe(403);
  for (const wrong of ["token abc", `Bearer ${"0".repeat(40)}`, basic("root-of-all", "nothing")]) {
    const { status, body } = await forge.withHeader(wrong).get("/user");
    expect(status).toBe(401);
    expect(body).toEqual({ message: expect.any(String), url: `${forge.url}/api/swagger` });
  }
});

test("a token is accepted in each of the places where Forgejo looks for it", async () => {
  await using forge = await startTestForge();
  const token = await forge.userToken("alice");
  const ways = [
    `token ${token}`,
    `Bearer ${token}`,
    basic("anybody", token),
    basic(token, ""),
    basic(token, "x-oauth-basic"),
  ];
  for (const way of ways) expect((await forge.withHeader(way).get("/user")).body.login).toBe("alice");
});

test("a new user has to change its password first, unless the admin says otherwise", async () => {
  await using forge = await startTestForge();
  const { must_change_password: _, ...wish } = newUser("alice");
  await expectStatus(201, forge.admin.post("/admin/users", wish));
  expect((await forge.withPassword("alice").get("/user")).status).toBe(403);
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { must_change_password: false }));
  expect((await forge.withPassword("alice").get("/user")).status).toBe(200);
});

test("a user is refused with the words of Forgejo when its name, address or password does not do", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const refused = async (change: object) => {
    const { status, body } = await forge.admin.post("/admin/users", { ...newUser("bob"), ...change });
    return `${status} ${body.message}`;
  };
  expect(await refused({ username: "Alice" })).toBe("422 user already exists [name: Alice]");
  expect(await refused({ username: "api" })).toBe("422 name is reserved [name: api]");
  expect(await refused({ username: "-bob" })).toMatch(/^422 name is invalid/);
  expect(await refused({ email: "ALICE@forge.invalid" })).toMatch(/^422 e-mail already in use/);
  expect(await refused({ password: "short" })).toMatch(/^400 PasswordComplexity/);
  expect(await refused({ password: "" })).toBe("400 PasswordIsRequired");
});

test("a user who may not sign in, or is deactivated, loses the API at once", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { prohibit_login: true }));
  expect((await alice.get("/user")).status).toBe(403);
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { prohibit_login: false, active: false }));
  expect((await alice.get("/user")).status).toBe(403);
});

test("what others see of a user is neither its address nor its powers", async () => {
  await using forge = await startTestForge();
  const [alice, bob] = [await forge.user("alice"), await forge.user("bob")];
  expect((await alice.get("/users/alice")).body).toMatchObject({ email: "alice@forge.invalid", active: true });
  expect((await bob.get("/users/alice")).body).toMatchObject({ email: "alice@noreply.localhost", active: false });
  expect((await forge.admin.get("/users/alice")).body.email).toBe("alice@forge.invalid");
});

test("tokens are made and deleted with a password only, of the user or of a site admin", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await forge.user("bob");
  const wish = { name: "new", scopes: ["read:user"] };
  expect((await alice.post("/users/alice/tokens", wish)).status).toBe(401);
  expect((await forge.withPassword("bob").post("/users/alice/tokens", wish)).status).toBe(403);
  const { body } = await expectStatus(201, forge.withPassword("alice").post("/users/alice/tokens", wish));
  expect(body).toMatchObject({ name: "new", scopes: ["read:user"], sha1: expect.stringMatching(/^[0-9a-f]{40}$/) });
  expect(body.token_last_eight).toBe(body.sha1.slice(-8));
  expect((await forge.withPassword("alice").post("/users/alice/tokens", wish)).status).toBe(400);
  const listed = (await alice.get("/users/alice/tokens")).body;
  expect(listed.map((token: { name: string; sha1: string }) => [token.name, token.sha1])).toContainEqual(["new", ""]);
  await expectStatus(204, forge.withPassword("alice").delete("/users/alice/tokens/new"));
  expect((await forge.withToken(body.sha1).get("/user")).status).toBe(401);
});

test("a token without scopes is not made, nor one with an unknown scope", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const alice = forge.withPassword("alice");
  expect((await alice.post("/users/alice/tokens", { name: "none", scopes: [] })).status).toBe(400);
  expect((await alice.post("/users/alice/tokens", { name: "odd", scopes: ["read:everything"] })).status).toBe(400);
});

test("a token can do what its scopes say, of each category that a call names", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const withScopes = async (...scopes: string[]) => forge.withToken(await forge.token("alice", scopes));
  expect((await (await withScopes("read:user")).get("/user")).status).toBe(200);
  expect((await (await withScopes("write:issue")).get("/user")).status).toBe(403);
  expect((await (await withScopes("write:user", "write:issue")).get("/user/orgs")).status).toBe(403);
  expect((await (await withScopes("read:user", "read:organization")).get("/user/orgs")).status).toBe(200);
  expect((await (await withScopes("read:organization")).post("/orgs", { username: "o" })).body.message).toContain(
    "write:organization",
  );
});

test("a site admin acts as another user by Sudo, and is then no admin", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  expect((await forge.admin.get("/user", { sudo: "alice" })).body.login).toBe("alice");
  expect((await forge.admin.get("/user?sudo=alice")).body.login).toBe("alice");
  expect((await forge.admin.get("/admin/users", { sudo: "alice" })).status).toBe(403);
  expect((await forge.admin.get("/user", { sudo: "nobody" })).status).toBe(404);
  expect((await alice.get("/user", { sudo: "root-of-all" })).status).toBe(403);
});

test("a password that an admin sets anew replaces the old one", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { password: "another password" }));
  expect((await forge.withHeader(basic("alice", passwordOf("alice"))).get("/user")).status).toBe(401);
  expect((await forge.withHeader(basic("alice", "another password")).get("/user")).status).toBe(200);
});

test("a deleted user is gone with its tokens", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await expectStatus(204, forge.admin.delete("/admin/users/alice"));
  expect((await forge.admin.get("/users/alice")).status).toBe(404);
  expect((await alice.get("/user")).status).toBe(401);
});

test("the embedded forge says the version whose behaviour it has, and that it is the embedded one", async () => {
  await using forge = await startTestForge();
  expect((await forge.admin.get("/version")).body).toEqual({ version: "15.0.3+gitea-1.22.0" });
  expect((await forge.admin.get("/api/forgejo/v1/version")).body).toMatchObject({ embedded: true });
  expect((await forge.withHeader().get("/api/healthz")).body).toMatchObject({ status: "pass" });
});

test("only a site admin gets a link that signs in a browser", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  expect((await alice.post("/api/embedded/sign-in-links", { user: "alice" })).status).toBe(403);
  const { body } = await expectStatus(201, forge.admin.post("/api/embedded/sign-in-links", { user: "alice" }));
  expect(body.url).toMatch(new RegExp(`^${forge.url}/sign-in/link\\?secret=[\\w-]{40,}$`));
});
