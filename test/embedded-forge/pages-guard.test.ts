import { expect, test } from "vitest";
import { expectStatus, startTestForge, type TestForge } from "./test-forge.ts";
import { signedIn, statusForHost, Visitor } from "./visitor.ts";

const COMMENTS = "/acme/docs/issues/1/comments";

async function withIssue(forge: TestForge) {
  const alice = await forge.user("alice");
  await forge.org("acme", "docs", { readers: { level: "read", members: ["alice"] } });
  await expectStatus(201, alice.post("/repos/acme/docs/issues", { title: "A question" }));
  return { alice, visitor: await signedIn(forge, "alice") };
}

test("a form that does not come from a page of the forge is refused and changes nothing", async () => {
  await using forge = await startTestForge();
  const { alice, visitor } = await withIssue(forge);
  const port = Number(new URL(forge.url).port);
  const strangers: Record<string, string>[] = [
    {},
    { origin: "null" },
    { origin: "https://evil.invalid" },
    { origin: `http://127.0.0.1:${port + 1}`, "sec-fetch-site": "same-site" },
    { origin: `http://localhost:${port}` },
    { origin: forge.url, "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "none" },
  ];
  for (const headers of strangers) {
    const answer = await visitor.post(COMMENTS, { content: "by a stranger's page" }, headers);
    expect(answer.status, JSON.stringify(headers)).toBe(403);
    expect(answer.html).toContain("This form was not sent by a page of this forge");
  }
  expect((await alice.get("/repos/acme/docs/issues/1/comments")).body).toEqual([]);
});

test("a form is taken by either of the two headers that name its own origin", async () => {
  await using forge = await startTestForge();
  const { visitor } = await withIssue(forge);
  for (const headers of [{ origin: forge.url }, { "sec-fetch-site": "same-origin" }] as Record<string, string>[]) {
    expect((await visitor.post(COMMENTS, { content: "mine" }, headers)).status).toBe(303);
  }
});

test("a form without a session is answered by a page that says that nothing was done", async () => {
  await using forge = await startTestForge();
  await withIssue(forge);
  const answer = await new Visitor(forge).post(COMMENTS, { content: "who am I?" });
  expect(answer.status).toBe(401);
  expect(answer.html).toContain("Nothing was done.");
});

test("under another name than its own the forge shows nothing", async () => {
  await using forge = await startTestForge();
  for (const path of ["/", "/user/login", "/acme/docs"]) {
    expect(await statusForHost(forge, path, "evil.invalid")).toBe(421);
  }
});

test("every page forbids scripts, frames, sniffing and keeping a copy", async () => {
  await using forge = await startTestForge();
  const { visitor } = await withIssue(forge);
  const pages = ["/", "/user/login", "/acme/docs", "/acme/docs/issues/1", "/acme/nothing", "/no/such/page/at/all"];
  for (const path of [...pages, "/acme/docs/raw/branch/main/README.md"]) {
    const { headers } = await visitor.get(path);
    expect(headers.get("content-security-policy"), path).toMatch(/^default-src 'none'/);
    expect(headers.get("content-security-policy"), path).not.toContain("unsafe");
    expect(headers.get("x-content-type-options"), path).toBe("nosniff");
    expect(headers.get("cache-control"), path).toBe("no-store");
  }
});

test("what is not there and what may not be seen are the same page", async () => {
  await using forge = await startTestForge();
  await withIssue(forge);
  await forge.user("mallory");
  const mallory = await signedIn(forge, "mallory");
  const hidden = await mallory.get("/acme/docs/issues/1");
  const missing = await mallory.get("/acme/nothing/issues/1");
  expect([hidden.status, missing.status]).toEqual([404, 404]);
  expect(hidden.html).toBe(missing.html);
  expect(hidden.html).toContain("There is nothing here, or you may not see it.");
});

test("a page tells that this is the trial forge and how a real one takes over", async () => {
  await using forge = await startTestForge();
  const { html } = await new Visitor(forge).get("/user/login");
  expect(html).toContain("<code>hive forge migrate</code>");
});

test("the style sheet's address changes with its content, so it may be kept", async () => {
  await using forge = await startTestForge();
  const visitor = new Visitor(forge);
  const [href = ""] = /\/assets\/style-[0-9a-f]{16}\.css/.exec((await visitor.get("/user/login")).html) ?? [];
  const { status, headers } = await visitor.get(href);
  expect(status).toBe(200);
  expect(headers.get("cache-control")).toContain("immutable");
});
