import { expect, test } from "vitest";
import { expectStatus, startTestForge } from "./test-forge.ts";
import { signedIn, textOf } from "./visitor.ts";

test("a user's page shows repositories and threads, as far as the visitor may see them", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  await forge.user("bob");
  await expectStatus(201, alice.post("/user/repos", { name: "open", auto_init: true }));
  await expectStatus(201, alice.post("/user/repos", { name: "closed", private: true }));
  await expectStatus(201, alice.post("/repos/alice/open/issues", { title: "Seen by all" }));
  await expectStatus(201, alice.post("/repos/alice/closed/issues", { title: "Seen by one" }));
  const shown = async (name: string) => textOf((await (await signedIn(forge, name)).get("/alice")).html);
  expect(await shown("alice")).toMatch(/alice\/open.*alice\/closed|alice\/closed.*alice\/open/);
  expect(await shown("alice")).toContain("Seen by one");
  expect(await shown("bob")).toContain("Seen by all");
  expect(await shown("bob")).not.toMatch(/closed|Seen by one/);
});

test("names lead to their pages; an organization's shows its teams to its members only", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  await forge.user("mallory");
  await forge.org("acme", "docs", { readers: { level: "read", members: ["alice"] } });
  const alice = await signedIn(forge, "alice");
  expect(textOf((await alice.get("/acme")).html)).toContain("Team readersA alice");
  expect((await alice.get("/alice")).html).toContain('<a class="person" href="/acme">acme</a>');
  expect((await (await signedIn(forge, "mallory")).get("/acme")).status).toBe(404);
});

test("the list of people tells the site admin more than anybody else", async () => {
  await using forge = await startTestForge();
  await forge.user("alice", { restricted: true });
  await forge.user("bob");
  const { body } = await expectStatus(201, forge.admin.post("/api/embedded/sign-in-links", { user: "root-of-all" }));
  const admin = await signedIn(forge, "bob");
  const asBob = textOf((await admin.get("/explore/users")).html);
  expect(asBob).toContain("alice");
  expect(asBob).not.toMatch(/Restricted|forge\.invalid/);
  const secret = new URL(body.url).searchParams.get("secret") ?? "";
  await admin.post("/sign-in/link", { secret });
  const asAdmin = textOf((await admin.get("/explore/users")).html);
  expect(asAdmin).toMatch(/alice\s*Restricted alice@forge\.invalid/);
});
