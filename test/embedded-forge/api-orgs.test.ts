import { expect, test } from "vitest";
import { expectStatus, newTeam, startTestForge } from "./test-forge.ts";

test("only a site admin, or who was allowed to, makes an organization and owns it", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  expect((await alice.post("/orgs", { username: "acme" })).status).toBe(403);
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { allow_create_organization: true }));
  const { body } = await expectStatus(201, alice.post("/orgs", { username: "acme", visibility: "private" }));
  expect(body).toMatchObject({ name: "acme", username: "acme", visibility: "private" });
  const [owners] = (await alice.get("/orgs/acme/teams")).body;
  expect(owners).toMatchObject({ name: "Owners", permission: "owner", includes_all_repositories: true });
});

test("users and organizations share one name space", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  expect((await forge.admin.post("/orgs", { username: "Alice" })).status).toBe(422);
});

test("a private organization is there for its members only", async () => {
  await using forge = await startTestForge();
  const [alice, bob] = [await forge.user("alice"), await forge.user("bob", { restricted: true })];
  await forge.org("acme", "docs", { readers: { level: "read", members: ["alice"] } });
  expect((await alice.get("/orgs/acme")).status).toBe(200);
  expect((await bob.get("/orgs/acme")).status).toBe(404);
  expect((await bob.get("/orgs/acme/members")).status).toBe(404);
  expect((await alice.get("/orgs/acme/members")).body.map((user: { login: string }) => user.login)).toEqual([
    "alice",
    "root-of-all",
  ]);
  expect((await alice.get("/user/orgs")).body).toMatchObject([{ name: "acme" }]);
  expect((await bob.get("/user/orgs")).body).toEqual([]);
});

test("a team's answer says what it grants on which unit", async () => {
  await using forge = await startTestForge();
  await expectStatus(201, forge.admin.post("/orgs", { username: "acme" }));
  const { body } = await expectStatus(201, forge.admin.post("/orgs/acme/teams", newTeam("readers", "read")));
  expect(body).toMatchObject({
    name: "readers",
    permission: "read",
    units_map: { "repo.code": "read", "repo.issues": "read", "repo.pulls": "read" },
    organization: { name: "acme" },
  });
  expect((await forge.admin.get("/orgs/acme/teams/search?q=READ")).body).toMatchObject({
    ok: true,
    data: [{ name: "readers" }],
  });
  expect((await forge.admin.post("/orgs/acme/teams", newTeam("Readers", "read"))).status).toBe(422);
});

test("a team without units is refused with 500, as Forgejo does", async () => {
  await using forge = await startTestForge();
  await expectStatus(201, forge.admin.post("/orgs", { username: "acme" }));
  expect((await forge.admin.post("/orgs/acme/teams", { name: "empty", permission: "read" })).status).toBe(500);
});

test("members come and go, and the last owner stays", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  await forge.org("acme", "docs", { readers: { level: "read", members: ["alice"] } });
  const [owners, readers] = (await forge.admin.get("/orgs/acme/teams")).body;
  const members = async () => (await forge.admin.get(`/teams/${readers.id}/members`)).body;
  expect(await members()).toMatchObject([{ login: "alice" }]);
  await expectStatus(204, forge.admin.delete(`/teams/${readers.id}/members/alice`));
  expect(await members()).toEqual([]);
  expect((await forge.admin.delete(`/teams/${owners.id}/members/root-of-all`)).status).toBe(422);
});

test("who owns nothing in an organization changes nothing in it", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await forge.org("acme", "docs", { writers: { level: "write", members: ["alice"] } });
  const [, writers] = (await forge.admin.get("/orgs/acme/teams")).body;
  expect((await alice.post("/orgs/acme/teams", newTeam("more", "write"))).status).toBe(403);
  expect((await alice.put(`/teams/${writers.id}/members/root-of-all`)).status).toBe(404);
  expect((await alice.post("/orgs/acme/labels", { name: "l", color: "#ff0000" })).status).toBe(403);
  expect((await alice.patch("/orgs/acme", { description: "x" })).status).toBe(403);
  expect((await alice.get("/orgs/acme/hooks")).status).toBe(403);
});

test("a team's grant reaches the repositories that it covers, for their teams and for its members", async () => {
  await using forge = await startTestForge();
  const [alice, bob] = [await forge.user("alice", { restricted: true }), await forge.user("bob", { restricted: true })];
  await forge.org("acme", "docs", { readers: { level: "read", members: ["alice"] } });
  expect((await alice.get("/repos/acme/docs")).body.permissions).toEqual({ admin: false, push: false, pull: true });
  expect((await bob.get("/repos/acme/docs")).status).toBe(404);
  const names = (await forge.admin.get("/repos/acme/docs/teams")).body.map((team: { name: string }) => team.name);
  expect(names).toEqual(["Owners", "readers"]);
});
