import { expect, test } from "vitest";
import { expectStatus, startTestForge, type TestForge } from "./test-forge.ts";
import { signedIn, textOf } from "./visitor.ts";

const PAGE = "/acme/docs/issues/1";
const COMMENTS = `${PAGE}/comments`;

/** Alice, who may read, has asked a question; the operator may write. */
async function withQuestion(forge: TestForge, issue: object = {}) {
  const alice = await forge.user("alice", { restricted: true });
  const api = await forge.user("operator");
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice"] },
    writers: { level: "write", members: ["operator"] },
  });
  await expectStatus(201, alice.post("/repos/acme/docs/issues", { title: "Which licence?", body: "Which?", ...issue }));
  return { alice, api, operator: await signedIn(forge, "operator") };
}

test("a comment is written, told as the API tells it, and the browser is led to it", async () => {
  await using forge = await startTestForge();
  const { api, operator } = await withQuestion(forge);
  const answer = await operator.send(await operator.get(PAGE), COMMENTS, { content: "Take **MIT**.", status: "" });
  const { body } = await api.get("/repos/acme/docs/issues/1/comments");
  expect(body).toMatchObject([{ body: "Take **MIT**.", user: { login: "operator" } }]);
  expect(answer.location).toBe(`${PAGE}#issuecomment-${body[0].id}`);
  expect((await operator.get(PAGE)).html).toContain("Take <strong>MIT</strong>.");
});

test("closing with a comment does both, and opening again needs no word", async () => {
  await using forge = await startTestForge();
  const { api, operator } = await withQuestion(forge);
  await operator.send(await operator.get(PAGE), COMMENTS, { content: "MIT.", status: "close" });
  expect((await api.get("/repos/acme/docs/issues/1")).body).toMatchObject({ state: "closed", comments: 1 });
  await operator.send(await operator.get(PAGE), COMMENTS, { content: "", status: "reopen" });
  expect((await api.get("/repos/acme/docs/issues/1")).body).toMatchObject({ state: "open", comments: 1 });
});

test("an empty comment is refused with a sentence", async () => {
  await using forge = await startTestForge();
  const { operator } = await withQuestion(forge);
  const answer = await operator.send(await operator.get(PAGE), COMMENTS, { content: "  ", status: "" });
  expect(answer.status).toBe(422);
  expect(textOf(answer.html)).toContain("Write something first: the comment is empty.");
});

test("who may neither write nor is the author is offered no close, and a refused one keeps what was typed", async () => {
  await using forge = await startTestForge();
  const { api } = await withQuestion(forge);
  await expectStatus(201, api.post("/repos/acme/docs/issues", { title: "By the operator" }));
  const alice = await signedIn(forge, "alice");
  expect((await alice.get("/acme/docs/issues/2")).html).not.toContain("Close issue");
  const answer = await alice.post("/acme/docs/issues/2/comments", { content: "I close this", status: "close" });
  expect(answer.status).toBe(403);
  expect(answer.html).toContain("I close this</textarea>");
  expect((await api.get("/repos/acme/docs/issues/2")).body).toMatchObject({ state: "open", comments: 0 });
});

test("labels and assignees are shown, and a hidden block of the body is not", async () => {
  await using forge = await startTestForge();
  const { api, operator } = await withQuestion(forge, { body: '<!-- hive: {"deadline": 1} -->\n- [ ] MIT\n- [x] ISC' });
  const { body: label } = await expectStatus(
    201,
    api.post("/repos/acme/docs/labels", { name: "urgent", color: "b02a2a" }),
  );
  await expectStatus(200, api.post("/repos/acme/docs/issues/1/labels", { labels: [label.id] }));
  await expectStatus(201, api.patch("/repos/acme/docs/issues/1", { assignees: ["operator"] }));
  const { html } = await operator.get(PAGE);
  expect(html).not.toContain("deadline");
  expect(html).toMatch(/<input (?=[^>]*checked)[^>]*aria-label="ISC"[^>]*> ISC/);
  expect(textOf(html)).toMatch(/Labels Change\s*urgent\s*Assignees Change\s*O operator/);
});

test("the list shows open issues, closed ones on demand, and finds by words", async () => {
  await using forge = await startTestForge();
  const { api, operator } = await withQuestion(forge);
  await expectStatus(201, api.post("/repos/acme/docs/issues", { title: "Second", closed: true }));
  const list = async (query: string) => textOf((await operator.get(`/acme/docs/issues${query}`)).html);
  expect(await list("")).toContain("Which licence?");
  expect(await list("")).not.toContain("Second");
  expect(await list("?state=closed")).toContain("Second");
  expect(await list("?q=LICENCE")).toContain("Which licence?");
  expect(await list("?q=nothing")).toContain("There are no open issues that match.");
});

test("the front page lists what is assigned to the visitor and what it opened", async () => {
  await using forge = await startTestForge();
  const { api, operator } = await withQuestion(forge);
  await expectStatus(201, api.patch("/repos/acme/docs/issues/1", { assignees: ["operator"] }));
  await expectStatus(201, api.post("/repos/acme/docs/issues", { title: "My own" }));
  const text = textOf((await operator.get("/")).html);
  expect(text).toMatch(/Assigned to you 1\s+Which licence\?/);
  expect(text).toMatch(/Your issues 1\s+My own/);
  expect(textOf((await (await signedIn(forge, "alice")).get("/")).html)).toContain("Nothing is assigned to you.");
});
