import { expect, test } from "vitest";
import { expectStatus, passwordOf, startTestForge, type TestForge } from "./test-forge.ts";
import { signedIn, textOf, Visitor } from "./visitor.ts";

async function linkFor(forge: TestForge, user: string): Promise<string> {
  const { body } = await expectStatus(201, forge.admin.post("/api/embedded/sign-in-links", { user }));
  return body.url.slice(forge.url.length);
}
const secretOf = (link: string) => ({ secret: new URLSearchParams(link.split("?")[1]).get("secret") ?? "" });

test("who is not signed in is sent to the sign-in page, and from there to where it wanted to go", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const visitor = new Visitor(forge);
  const asked = await visitor.get("/alice?x=1");
  expect(asked).toMatchObject({ status: 303, location: "/user/login?redirect_to=%2Falice%3Fx%3D1" });
  const page = await visitor.get(asked.location ?? "");
  const fields = { user_name: "alice", password: passwordOf("alice") };
  expect(await visitor.send(page, "/user/login", fields)).toMatchObject({ status: 303, location: "/alice?x=1" });
  expect((await visitor.get("/alice")).status).toBe(200);
});

test("signing in leads to no other site", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  for (const target of ["https://evil.invalid/", "//evil.invalid", "/\\evil.invalid", "javascript:alert(1)", "/a\nb"]) {
    const fields = { user_name: "alice", password: passwordOf("alice"), redirect_to: target };
    expect((await new Visitor(forge).post("/user/login", fields)).location, target).toBe("/");
  }
});

test("a wrong password is refused with a sentence that keeps the name, and signs nobody in", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const visitor = new Visitor(forge);
  const answer = await visitor.post("/user/login", { user_name: "alice", password: "not it at all" });
  expect(answer.status).toBe(401);
  expect(answer.html).toContain("User name or password is wrong.");
  expect(answer.html).toContain('value="alice"');
  expect(answer.html).not.toContain("not it at all");
  expect(visitor.cookie).toBe("");
});

test("the cookie is out of reach of scripts and of other sites' forms", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const fields = { user_name: "alice", password: passwordOf("alice") };
  const answer = await new Visitor(forge).post("/user/login", fields);
  expect(answer.headers.get("set-cookie")).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/);
});

test("a one-time link signs in by its button, once; opening it alone uses nothing up", async () => {
  await using forge = await startTestForge();
  await forge.user("operator");
  const link = await linkFor(forge, "operator");
  const visitor = new Visitor(forge);
  await visitor.get(link);
  const page = await visitor.get(link);
  expect(textOf(page.html)).toContain("This one-time link signs this browser in");
  expect(await visitor.send(page, "/sign-in/link", {})).toMatchObject({ status: 303, location: "/" });
  expect((await visitor.get("/")).html).toContain("operator");
  const second = await new Visitor(forge).post("/sign-in/link", secretOf(link));
  expect(second.status).toBe(401);
  expect(textOf(second.html)).toContain("This link does not work any more");
});

test("a one-time link does not work after its five minutes", async () => {
  let now = Date.now();
  await using forge = await startTestForge({ now: () => now });
  await forge.user("operator");
  const link = await linkFor(forge, "operator");
  now += 5 * 60_000 + 1;
  expect((await new Visitor(forge).post("/sign-in/link", secretOf(link))).status).toBe(401);
});

test("signing out ends the session, also for a copy of its cookie", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const visitor = await signedIn(forge, "alice");
  const copy = new Visitor(forge);
  copy.cookie = visitor.cookie;
  expect(await visitor.post("/user/logout", {})).toMatchObject({ status: 303, location: "/user/login" });
  expect((await copy.get("/")).status).toBe(303);
});

test("a deactivated user is signed out at once", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const visitor = await signedIn(forge, "alice");
  await expectStatus(200, forge.admin.patch("/admin/users/alice", { prohibit_login: true }));
  expect((await visitor.get("/")).status).toBe(303);
});
