import { expect, test } from "vitest";
import { openWorkshop } from "./proposals.ts";
import { expectStatus, startTestForge } from "./test-forge.ts";

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

test("a site admin alone is told the topics of pull requests by AGit, which Forgejo's API hides", async () => {
  await using workshop = await openWorkshop();
  const { number } = await workshop.propose("a/topic", "file");
  const path = "/api/embedded/repos/team/code/topics";
  expect((await workshop.as("author").get(path)).status).toBe(403);
  expect((await workshop.admin.get(path)).body).toEqual([{ number, topic: "a/topic" }]);
});
