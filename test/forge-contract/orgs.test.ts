/** Organizations, their teams and members, and what a team's units and levels grant. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { ADMIN } from "./forge-under-test.ts";
import { names, newTeam, useStage } from "./stage.ts";

const stage = useStage();
const teamsOf = async (org: string) => (await expectStatus(200, stage.admin.get(`/orgs/${org}/teams`))).body;
const teamNamed = async (org: string, name: string) =>
  (await teamsOf(org)).find((team: { name: string }) => team.name === name);
const newOrg = async () => {
  const username = stage.fresh("org");
  await expectStatus(201, stage.admin.post("/orgs", { username, visibility: "private" }));
  return username;
};

test("an ordinary user makes no organization", async () => {
  expect((await stage.bob.post("/orgs", { username: stage.fresh("org") })).status).toBe(403);
});

test("who makes an organization is in its team of owners, which has every repository", async () => {
  const org = await newOrg();
  const [owners] = await teamsOf(org);
  expect(owners).toMatchObject({ name: "Owners", permission: "owner", includes_all_repositories: true });
  expect((await stage.admin.get(`/teams/${owners.id}/members`)).body).toMatchObject([{ login: ADMIN }]);
});

test("an organization is answered as it was wished, and changed by its owners", async () => {
  const username = stage.fresh("org");
  const wish = { username, full_name: "The Org", description: "d", visibility: "private" };
  expect((await expectStatus(201, stage.admin.post("/orgs", wish))).body).toMatchObject({ ...wish, name: username });
  const { body } = await expectStatus(200, stage.admin.patch(`/orgs/${username}`, { description: "e" }));
  expect(body.description).toBe("e");
});

test("users and organizations share one name space, in any case", async () => {
  for (const username of [stage.bob.name.toUpperCase(), stage.org.toUpperCase()]) {
    expect((await stage.admin.post("/orgs", { username })).status, username).toBe(422);
  }
});

test("a private organization is there for its members only", async () => {
  expect((await stage.mallory.get(`/orgs/${stage.org}`)).status).toBe(404);
  expect([403, 404]).toContain((await stage.mallory.get(`/orgs/${stage.org}/teams`)).status);
  // of these is listed what shows itself to everybody, which is nothing
  for (const path of ["/members", "/repos"]) {
    expect((await expectStatus(200, stage.mallory.get(`/orgs/${stage.org}${path}`))).body, path).toEqual([]);
  }
  expect((await stage.alice.get(`/orgs/${stage.org}`)).status).toBe(200);
  expect((await stage.alice.get("/user/orgs")).body).toMatchObject([{ username: stage.org }]);
  expect((await stage.mallory.get("/user/orgs")).body).toEqual([]);
});

test("a member is found among the members, a stranger is not", async () => {
  const { body } = await stage.alice.get(`/orgs/${stage.org}/members`);
  const members = body.map(({ login }: { login: string }) => login);
  expect(members).toContain(stage.bob.name);
  expect(members).not.toContain(stage.mallory.name);
  await expectStatus(204, stage.alice.get(`/orgs/${stage.org}/members/${stage.bob.name}`));
  await expectStatus(404, stage.alice.get(`/orgs/${stage.org}/members/${stage.mallory.name}`));
});

test("a team's answer says what it grants on which unit", async () => {
  const org = await newOrg();
  const { body } = await expectStatus(201, stage.admin.post(`/orgs/${org}/teams`, newTeam("readers", "read")));
  expect(body).toMatchObject({
    name: "readers",
    permission: "read",
    includes_all_repositories: true,
    can_create_org_repo: false,
    units_map: { "repo.code": "read", "repo.issues": "read", "repo.pulls": "read" },
  });
  expect((await stage.admin.get(`/teams/${body.id}`)).body).toMatchObject({
    name: "readers",
    organization: { username: org },
  });
});

test("teams are found by a part of their name, and two of one organization have different names", async () => {
  const found = (await stage.admin.get(`/orgs/${stage.org}/teams/search?q=READ`)).body;
  expect(found).toMatchObject({ ok: true, data: [{ name: "readers" }] });
  expect((await stage.admin.post(`/orgs/${stage.org}/teams`, newTeam("Readers", "read"))).status).toBe(422);
});

test("a team without units is refused with 500", async () => {
  const wish = { name: "empty", permission: "read" };
  expect((await stage.admin.post(`/orgs/${stage.org}/teams`, wish)).status).toBe(500);
});

test("a team reaches the repositories that it was given, and no others, until they are taken away", async () => {
  const [one, two] = [await stage.repo(), await stage.repo()];
  const dave = await stage.user("dave", { restricted: true });
  const wish = { ...newTeam(stage.fresh("some"), "read"), includes_all_repositories: false };
  const { body: team } = await expectStatus(201, stage.admin.post(`/orgs/${stage.org}/teams`, wish));
  await expectStatus(204, stage.admin.put(`/teams/${team.id}/members/${dave.name}`));
  expect((await dave.get(one.api)).status).toBe(404);
  await expectStatus(204, stage.admin.put(`/teams/${team.id}/repos/${one.path}`));
  expect((await dave.get(one.api)).body.permissions).toEqual({ admin: false, push: false, pull: true });
  expect((await dave.get(two.api)).status).toBe(404);
  expect(names(await stage.admin.get(`/teams/${team.id}/repos`))).toEqual([one.name]);
  await expectStatus(204, stage.admin.delete(`/teams/${team.id}/repos/${one.path}`));
  expect((await dave.get(one.api)).status).toBe(404);
});

test("a team grants each unit for itself: issues without code", async () => {
  const repo = await stage.repo();
  const dave = await stage.user("dave", { restricted: true });
  const wish = { ...newTeam(stage.fresh("issues"), "read"), units_map: { "repo.issues": "write" } };
  const { body: team } = await expectStatus(201, stage.admin.post(`/orgs/${stage.org}/teams`, wish));
  await expectStatus(204, stage.admin.put(`/teams/${team.id}/members/${dave.name}`));
  await expectStatus(201, dave.post(`${repo.api}/issues`, { title: "x" }));
  for (const path of ["/contents/README.md", "/branches", "/pulls"]) {
    expect([403, 404], path).toContain((await dave.get(repo.api + path)).status);
  }
});

test("members come and go, and who has left sees nothing any more", async () => {
  const repo = await stage.repo();
  const dave = await stage.user("dave", { restricted: true });
  const readers = await teamNamed(stage.org, "readers");
  const place = `/teams/${readers.id}/members/${dave.name}`;
  await expectStatus(204, stage.admin.put(place));
  expect((await dave.get(repo.api)).status).toBe(200);
  await expectStatus(204, stage.admin.delete(place));
  expect((await dave.get(repo.api)).status).toBe(404);
  expect((await stage.admin.put(`/teams/${readers.id}/members/nobody-at-all`)).status).toBe(404);
});

test("the last owner stays", async () => {
  const org = await newOrg();
  const [owners] = await teamsOf(org);
  const { status } = await stage.admin.delete(`/teams/${owners.id}/members/${ADMIN}`);
  // Forgejo does not tell this from an accident of its own
  expect(status).toBe(stage.kind === "Forgejo" ? 500 : 422);
  expect((await stage.admin.get(`/teams/${owners.id}/members`)).body).toHaveLength(1);
});

test("who owns nothing in an organization changes nothing in it", async () => {
  const writers = await teamNamed(stage.org, "writers");
  expect((await stage.bob.post(`/orgs/${stage.org}/teams`, newTeam("more", "write"))).status).toBe(403);
  expect([403, 404]).toContain((await stage.bob.put(`/teams/${writers.id}/members/${stage.mallory.name}`)).status);
  expect((await stage.bob.post(`/orgs/${stage.org}/labels`, { name: "l", color: "#ff0000" })).status).toBe(403);
  expect((await stage.bob.patch(`/orgs/${stage.org}`, { description: "x" })).status).toBe(403);
  expect((await stage.bob.get(`/orgs/${stage.org}/hooks`)).status).toBe(403);
  expect((await stage.bob.delete(`/orgs/${stage.org}`)).status).toBe(403);
});

test("a repository names the teams that reach it", async () => {
  const repo = await stage.repo();
  const found = names(await stage.admin.get(`${repo.api}/teams`));
  for (const team of ["Owners", "readers", "writers"]) expect(found).toContain(team);
});

test("a team that may, makes repositories in its organization", async () => {
  const dave = await stage.user("dave");
  const name = stage.fresh("made");
  expect((await stage.bob.post(`/orgs/${stage.org}/repos`, { name })).status).toBe(403);
  const wish = { ...newTeam(stage.fresh("makers"), "write"), can_create_org_repo: true };
  const { body: team } = await expectStatus(201, stage.admin.post(`/orgs/${stage.org}/teams`, wish));
  await expectStatus(204, stage.admin.put(`/teams/${team.id}/members/${dave.name}`));
  await expectStatus(201, dave.post(`/orgs/${stage.org}/repos`, { name, private: true }));
  expect(names(await stage.alice.get(`/orgs/${stage.org}/repos?limit=50`))).toContain(name);
});

test("a change of a team's permission reaches its members at once", async () => {
  const repo = await stage.repo();
  const dave = await stage.user("dave", { restricted: true });
  const wish = newTeam(stage.fresh("rising"), "read");
  const { body: team } = await expectStatus(201, stage.admin.post(`/orgs/${stage.org}/teams`, wish));
  await expectStatus(204, stage.admin.put(`/teams/${team.id}/members/${dave.name}`));
  expect((await dave.get(repo.api)).body.permissions.push).toBe(false);
  await expectStatus(200, stage.admin.patch(`/teams/${team.id}`, newTeam(wish.name, "write")));
  expect((await dave.get(repo.api)).body.permissions.push).toBe(true);
});

test("an organization with repositories is not deleted, an empty one is", async () => {
  const org = await newOrg();
  const name = stage.fresh("repo");
  await expectStatus(201, stage.admin.post(`/orgs/${org}/repos`, { name, private: true }));
  // Forgejo does not tell this from an accident of its own
  expect((await stage.admin.delete(`/orgs/${org}`)).status).toBe(stage.kind === "Forgejo" ? 500 : 422);
  await expectStatus(204, stage.admin.delete(`/repos/${org}/${name}`));
  await expectStatus(204, stage.admin.delete(`/orgs/${org}`));
  expect((await stage.admin.get(`/orgs/${org}`)).status).toBe(404);
});
