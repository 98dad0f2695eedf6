import { expect, test } from "vitest";
import { type Caller, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

/** Organization `acme` with repository `docs`: alice and carol may read, bob may write. */
async function withDocs(forge: TestForge) {
  const [alice, bob, carol] = [
    await forge.user("alice", { restricted: true }),
    await forge.user("bob"),
    await forge.user("carol"),
  ];
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice", "carol"] },
    writers: { level: "write", members: ["bob"] },
  });
  return { alice, bob, carol };
}
const PLACE = "/repos/acme/docs";
const titles = (answer: { body: { title: string }[] }) => answer.body.map((issue) => issue.title);
const open = async (caller: Caller, title: string, more: object = {}) =>
  (await expectStatus(201, caller.post(`${PLACE}/issues`, { title, ...more }))).body;

test("a reader opens an issue, but neither labels nor assigns it: both are dropped without an error", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const { body: label } = await expectStatus(201, bob.post(`${PLACE}/labels`, { name: "bug", color: "#ff0000" }));
  const wish = { assignees: ["bob"], labels: [label.id], due_date: "2030-01-01T00:00:00Z" };
  expect(await open(alice, "By a reader", wish)).toMatchObject({ assignees: null, labels: [], due_date: null });
  expect(await open(bob, "By a writer", wish)).toMatchObject({
    assignees: [{ login: "bob" }],
    labels: [{ name: "bug", color: "ff0000" }],
    due_date: "2030-01-01T00:00:00Z",
  });
});

test("an issue has the fields that Forgejo answers", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  const issue = await open(alice, "Question", { body: "Which one?" });
  expect(issue).toMatchObject({
    number: 1,
    title: "Question",
    body: "Which one?",
    state: "open",
    comments: 0,
    closed_at: null,
    pull_request: null,
    user: { login: "alice" },
    html_url: `${forge.url}/acme/docs/issues/1`,
    repository: { name: "docs", owner: "acme", full_name: "acme/docs" },
  });
  expect(issue.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test("who cannot read a repository is told that its issues do not exist", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  const mallory = await forge.user("mallory", { restricted: true });
  await open(alice, "Secret");
  for (const path of ["/issues", "/issues/1", "/issues/1/comments", "/labels"]) {
    expect((await mallory.get(PLACE + path)).status).toBe(404);
  }
  expect((await mallory.post(`${PLACE}/issues`, { title: "x" })).status).toBe(404);
  expect((await mallory.post(`${PLACE}/issues/1/comments`, { body: "x" })).status).toBe(404);
  expect(titles(await mallory.get("/repos/issues/search?state=all"))).toEqual([]);
});

test("an issue without a title, with labels by name, or to somebody who cannot read it, is refused", async () => {
  await using forge = await startTestForge();
  const { bob } = await withDocs(forge);
  await forge.user("mallory", { restricted: true });
  const refused = async (body: Record<string, unknown>) => (await bob.post(`${PLACE}/issues`, body)).status;
  expect(await refused({})).toBe(422);
  expect(await refused({ title: " " })).toBe(422);
  expect(await refused({ title: "x", labels: ["bug"] })).toBe(422);
  expect(await refused({ title: "x", assignees: ["nobody"] })).toBe(422);
  expect(await refused({ title: "x", assignees: ["mallory"] })).toBe(422);
  expect((await bob.get(`${PLACE}/issues`)).body).toEqual([]);
});

test("author and writers edit an issue, other readers do not", async () => {
  await using forge = await startTestForge();
  const { alice, bob, carol } = await withDocs(forge);
  await open(alice, "One");
  expect((await carol.patch(`${PLACE}/issues/1`, { title: "Mine" })).status).toBe(403);
  await expectStatus(201, alice.patch(`${PLACE}/issues/1`, { title: "Two", assignees: ["bob"] }));
  const { body } = await expectStatus(201, bob.patch(`${PLACE}/issues/1`, { assignees: ["alice", "bob"] }));
  expect(body).toMatchObject({ title: "Two", assignees: [{ login: "alice" }, { login: "bob" }] });
  expect((await expectStatus(201, bob.patch(`${PLACE}/issues/1`, { assignees: [] }))).body.assignees).toBeNull();
});

test("an issue is closed and opened again; a word that is no state changes nothing", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  await open(alice, "One");
  const closed = (await expectStatus(201, alice.patch(`${PLACE}/issues/1`, { state: "closed" }))).body;
  expect(closed).toMatchObject({ state: "closed", closed_at: expect.any(String) });
  expect((await expectStatus(201, alice.patch(`${PLACE}/issues/1`, { state: "done" }))).body.state).toBe("closed");
  expect((await expectStatus(201, alice.patch(`${PLACE}/issues/1`, { state: "open" }))).body).toMatchObject({
    state: "open",
    closed_at: null,
  });
});

test("comments are listed in order, and changed by their author or the repository's admin alone", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  await open(alice, "One");
  await expectStatus(201, alice.post(`${PLACE}/issues/1/comments`, { body: "first" }));
  const { body: second } = await expectStatus(201, bob.post(`${PLACE}/issues/1/comments`, { body: "second" }));
  expect((await alice.patch(`${PLACE}/issues/comments/${second.id}`, { body: "x" })).status).toBe(403);
  expect((await alice.delete(`${PLACE}/issues/comments/${second.id}`)).status).toBe(403);
  await expectStatus(200, bob.patch(`${PLACE}/issues/comments/${second.id}`, { body: "changed" }));
  const listed = (await alice.get(`${PLACE}/issues/1/comments`)).body;
  expect(listed.map((comment: { body: string }) => comment.body)).toEqual(["first", "changed"]);
  expect(listed[1]).toMatchObject({ user: { login: "bob" }, issue_url: `${forge.url}/acme/docs/issues/1` });
  await expectStatus(204, forge.admin.delete(`${PLACE}/issues/comments/${second.id}`));
  expect((await alice.get(`${PLACE}/issues/1`)).body.comments).toBe(1);
  expect((await alice.post(`${PLACE}/issues/1/comments`, { body: "" })).status).toBe(422);
  expect((await alice.post(`${PLACE}/issues/9/comments`, { body: "x" })).status).toBe(404);
});

test("the comments of a whole repository are paged and can be asked for since a moment", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  await open(alice, "One");
  for (const body of ["a", "b", "c"]) await expectStatus(201, alice.post(`${PLACE}/issues/1/comments`, { body }));
  const { body, headers } = await alice.get(`${PLACE}/issues/comments?limit=2&page=2`);
  expect(body).toMatchObject([{ body: "c" }]);
  expect(headers.get("x-total-count")).toBe("3");
  expect((await alice.get(`${PLACE}/issues/comments?since=2099-01-01T00:00:00Z`)).body).toEqual([]);
  expect((await alice.get(`${PLACE}/issues/comments?since=yesterday`)).status).toBe(422);
});

test("the search finds what the caller may see, each relation flag for the caller and all of them at once", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  await open(alice, "By alice");
  await open(bob, "For alice", { assignees: ["alice"] });
  await open(alice, "Closed", { closed: true });
  await expectStatus(201, bob.post("/user/repos", { name: "own", private: true }));
  await expectStatus(201, bob.post("/repos/bob/own/issues", { title: "Hidden", assignees: ["bob"] }));
  const search = async (query: string) => titles(await alice.get(`/repos/issues/search?${query}`));
  expect(await search("")).toEqual(["For alice", "By alice"]);
  expect(await search("state=all")).toEqual(["Closed", "For alice", "By alice"]);
  expect(await search("created=true")).toEqual(["By alice"]);
  expect(await search("assigned=true")).toEqual(["For alice"]);
  expect(await search("created=true&assigned=true")).toEqual([]);
  expect(await search("type=pulls")).toEqual([]);
  expect(await search("q=FOR")).toEqual(["For alice"]);
  expect(await search("owner=acme&state=closed")).toEqual(["Closed"]);
  expect((await alice.get("/repos/issues/search?team=readers")).status).toBe(400);
  expect(titles(await forge.admin.get("/repos/issues/search?assigned=true", { sudo: "alice" }))).toEqual(["For alice"]);
});

test("since and before compare whole seconds, both inclusive", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  const { updated_at } = await open(alice, "Now");
  const later = new Date(Date.parse(updated_at) + 1000).toISOString();
  const search = async (query: string) => titles(await alice.get(`/repos/issues/search?${query}`));
  expect(await search(`since=${updated_at}`)).toEqual(["Now"]);
  expect(await search(`before=${updated_at}`)).toEqual(["Now"]);
  expect(await search(`since=${later}`)).toEqual([]);
});

test("a comment, a label and a new state each move the issue's updated time", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  await using forge = await startTestForge({ now: () => now });
  const { alice } = await withDocs(forge);
  await open(alice, "One");
  const updatedAt = async () => (await alice.get(`${PLACE}/issues/1`)).body.updated_at;
  const steps = [
    () => alice.post(`${PLACE}/issues/1/comments`, { body: "x" }),
    () => alice.patch(`${PLACE}/issues/1`, { state: "closed" }),
  ];
  for (const step of steps) {
    now += 60_000;
    await step();
    expect(await updatedAt()).toBe(new Date(now).toISOString().replace(".000", ""));
  }
});

test("lists are cut into pages with a total, links to the neighbours, and a limit that is clamped", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  for (let number = 1; number <= 55; number += 1) await open(alice, `Issue ${number}`);
  const page = await alice.get(`${PLACE}/issues?limit=10&page=2&state=all`);
  expect(titles(page)[0]).toBe("Issue 45");
  expect(page.headers.get("x-total-count")).toBe("55");
  const link = page.headers.get("link") ?? "";
  expect(link).toContain(`<${forge.url}/api/v1/repos/acme/docs/issues?limit=10&page=3&state=all>; rel="next"`);
  for (const relation of ["last", "first", "prev"]) expect(link).toContain(`rel="${relation}"`);
  expect((await alice.get(`${PLACE}/issues?limit=1000`)).body).toHaveLength(50);
  expect((await alice.get(`${PLACE}/issues?limit=-1`)).body).toHaveLength(30);
  expect((await alice.get("/repos/issues/search")).body).toHaveLength(20);
  expect((await alice.get("/settings/api")).body).toMatchObject({ max_response_items: 50, default_paging_num: 30 });
});

test("labels of the organization serve all its repositories, and an exclusive one drives out its like", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const label = async (name: string) =>
    (await expectStatus(201, forge.admin.post("/orgs/acme/labels", { name, color: "#0000ff", exclusive: true }))).body;
  const [low, high] = [await label("priority/low"), await label("priority/high")];
  await open(alice, "One");
  expect((await alice.post(`${PLACE}/issues/1/labels`, { labels: [low.id] })).status).toBe(403);
  await expectStatus(200, bob.post(`${PLACE}/issues/1/labels`, { labels: [low.id] }));
  const { body } = await expectStatus(200, bob.post(`${PLACE}/issues/1/labels`, { labels: ["priority/high"] }));
  expect(body).toMatchObject([{ name: "priority/high" }]);
  expect(titles(await alice.get(`${PLACE}/issues?labels=priority/high`))).toEqual(["One"]);
  expect(titles(await alice.get(`${PLACE}/issues?labels=priority/low`))).toEqual([]);
  expect(titles(await alice.get(`${PLACE}/issues?labels=unknown`))).toEqual(["One"]);
  await expectStatus(204, bob.delete(`${PLACE}/issues/1/labels/${high.id}`));
  expect((await bob.get(`${PLACE}/issues/1/labels`)).body).toEqual([]);
});

test("the timeline tells everything that happened, oldest first", async () => {
  await using forge = await startTestForge();
  const { alice, bob } = await withDocs(forge);
  const { body: label } = await expectStatus(201, bob.post(`${PLACE}/labels`, { name: "bug", color: "#ff0000" }));
  await open(alice, "One");
  await expectStatus(201, bob.patch(`${PLACE}/issues/1`, { title: "Two", assignees: ["bob"] }));
  await expectStatus(200, bob.post(`${PLACE}/issues/1/labels`, { labels: [label.id] }));
  await expectStatus(201, alice.post(`${PLACE}/issues/1/comments`, { body: "hello" }));
  await expectStatus(201, alice.patch(`${PLACE}/issues/1`, { state: "closed" }));
  const { body } = await alice.get(`${PLACE}/issues/1/timeline`);
  expect(body.map((entry: { type: string }) => entry.type)).toEqual([
    "change_title",
    "assignees",
    "label",
    "comment",
    "close",
  ]);
  expect(body[0]).toMatchObject({ old_title: "One", new_title: "Two" });
  expect(body[1]).toMatchObject({ assignee: { login: "bob" }, removed_assignee: false });
  expect(body[2]).toMatchObject({ label: { name: "bug" }, body: "1" });
});

test("an archived repository takes no new issue and no comment", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  await open(alice, "One");
  await expectStatus(200, forge.admin.patch(PLACE, { archived: true }));
  expect((await alice.post(`${PLACE}/issues`, { title: "x" })).status).toBe(423);
  expect((await alice.post(`${PLACE}/issues/1/comments`, { body: "x" })).status).toBe(423);
});

test("a repository whose issues are off has none", async () => {
  await using forge = await startTestForge();
  const { alice } = await withDocs(forge);
  await open(alice, "One");
  await expectStatus(200, forge.admin.patch(PLACE, { has_issues: false }));
  expect((await alice.get(`${PLACE}/issues/1`)).status).toBe(404);
  expect(titles(await alice.get("/repos/issues/search"))).toEqual([]);
});
