import { expect, test } from "vitest";
import { type Answered, type Caller, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";
import { signedIn, textOf, type Visitor } from "./visitor.ts";

const API = "/repos/acme/docs/issues";
const PAGE = "/acme/docs/issues/1";

/** Alice may read and has opened an issue; the writer may write. */
async function withIssue(forge: TestForge): Promise<{ alice: Caller; writer: Caller }> {
  const alice = await forge.user("alice");
  const writer = await forge.user("writer");
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice"] },
    writers: { level: "write", members: ["writer"] },
  });
  await expectStatus(201, alice.post(API, { title: "Which licence?", body: "One\nTwo" }));
  return { alice, writer };
}

async function labels(writer: Caller, ...wishes: object[]): Promise<number[]> {
  const ids: number[] = [];
  for (const wish of wishes)
    ids.push((await expectStatus(201, writer.post("/repos/acme/docs/labels", { color: "b02a2a", ...wish }))).body.id);
  return ids;
}

const issueOf = async (caller: Caller): Promise<Answered["body"]> => (await caller.get(`${API}/1`)).body;
const edit = async (visitor: Visitor, fields: Record<string, string>) =>
  visitor.send(await visitor.get(`${PAGE}/edit`), `${PAGE}/edit`, fields);

test("an author changes title and text, whose line breaks stay what they were", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  const answer = await edit(await signedIn(forge, "alice"), { title: "Which?", content: "One\r\n\r\nThree" });
  expect(answer.location).toBe(PAGE);
  expect(await issueOf(alice)).toMatchObject({ title: "Which?", body: "One\n\nThree" });
});

test("the form shows the text as it is, also when it begins with an empty line", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  await expectStatus(201, alice.patch(`${API}/1`, { body: "\n</textarea><b>x" }));
  const { html } = await (await signedIn(forge, "alice")).get(`${PAGE}/edit`);
  expect(html).toContain(">\n\n&lt;/textarea&gt;&lt;b&gt;x</textarea>");
});

test("saving what nobody has changed tells nothing", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  const before = await issueOf(alice);
  await edit(await signedIn(forge, "alice"), { title: "Which licence?", content: "One\r\nTwo" });
  expect((await issueOf(alice)).updated_at).toBe(before.updated_at);
  expect((await alice.get(`${API}/1/timeline`)).body).toEqual([]);
});

test("what was changed in between is not overwritten, and what was typed comes back", async () => {
  await using forge = await startTestForge();
  const { alice, writer } = await withIssue(forge);
  const visitor = await signedIn(forge, "alice");
  const page = await visitor.get(`${PAGE}/edit`);
  await expectStatus(201, writer.patch(`${API}/1`, { body: "By the writer" }));
  const answer = await visitor.send(page, `${PAGE}/edit`, { title: "Which licence?", content: "By alice" });
  expect(answer.status).toBe(409);
  expect(answer.html).toContain("By alice</textarea>");
  expect(await issueOf(alice)).toMatchObject({ body: "By the writer" });
});

test("who may edit ticks the boxes of a text where it is read; boxes that somebody wrote as HTML are no fields", async () => {
  await using forge = await startTestForge();
  const { alice, writer } = await withIssue(forge);
  const body = 'Which?\n\n- [ ] red\n- [x] <b>blue</b> [x]\n\n<input name="box" value="2" data-box="-2" checked>';
  await expectStatus(201, alice.patch(`${API}/1`, { body }));
  const visitor = await signedIn(forge, "writer");
  const page = await visitor.get(PAGE);
  expect(page.html.match(/<input [^>]*name="box"[^>]*>/g)).toHaveLength(2);
  const answer = await visitor.send(page, `${PAGE}/boxes`, { box: "2" });
  expect(answer.location).toBe(PAGE);
  const ticked = body.replace("[ ] red", "[x] red").replace("[x] <b>", "[ ] <b>");
  expect(await issueOf(alice)).toMatchObject({ body: ticked });
  await expectStatus(201, writer.patch(`${API}/1`, { body: "- [ ] green" }));
  expect((await visitor.send(page, `${PAGE}/boxes`, { box: "0" })).status).toBe(409);
  const { html } = await (await signedIn(forge, "alice")).get(PAGE);
  expect(html).toContain('aria-label="green"'); // its author may edit it, too
});

test("without a title nothing is saved", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  const answer = await edit(await signedIn(forge, "alice"), { title: " ", content: "x" });
  expect(answer.status).toBe(422);
  expect(await issueOf(alice)).toMatchObject({ title: "Which licence?", body: "One\nTwo" });
});

test("a writer sets labels and assignees; who only reads is offered neither", async () => {
  await using forge = await startTestForge();
  const { writer } = await withIssue(forge);
  const [urgent] = await labels(writer, { name: "urgent" });
  await edit(await signedIn(forge, "writer"), {
    title: "Which licence?",
    content: "One\nTwo",
    label: String(urgent),
    assignee: "alice",
  });
  expect(await issueOf(writer)).toMatchObject({ labels: [{ name: "urgent" }], assignees: [{ login: "alice" }] });
  const alice = await signedIn(forge, "alice");
  expect((await alice.get(`${PAGE}/edit`)).html).not.toContain('type="checkbox"');
  await edit(alice, { title: "Which licence?", content: "One\nTwo" });
  expect(await issueOf(writer)).toMatchObject({ labels: [{ name: "urgent" }], assignees: [{ login: "alice" }] });
});

test("a label that somebody else has put on meanwhile stays, and an exclusive one gives way to the new one", async () => {
  await using forge = await startTestForge();
  const { writer } = await withIssue(forge);
  const [low, high, urgent] = await labels(
    writer,
    { name: "level/low", exclusive: true },
    { name: "level/high", exclusive: true },
    { name: "urgent" },
  );
  await expectStatus(200, writer.post(`${API}/1/labels`, { labels: [low] }));
  const visitor = await signedIn(forge, "writer");
  const page = await visitor.get(`${PAGE}/edit`);
  await expectStatus(200, writer.post(`${API}/1/labels`, { labels: [urgent] }));
  const fields = { title: "Which licence?", content: "One\nTwo", label: String(high) };
  await visitor.send(page, `${PAGE}/edit`, fields);
  const names = (await issueOf(writer)).labels.map((label: { name: string }) => label.name);
  expect(names).toEqual(["level/high", "urgent"]);
});

test("who neither wrote nor may write it has no form, and cannot send one", async () => {
  await using forge = await startTestForge();
  const { writer } = await withIssue(forge);
  await expectStatus(201, writer.post(API, { title: "By the writer" }));
  const alice = await signedIn(forge, "alice");
  expect((await alice.get("/acme/docs/issues/2")).html).not.toContain("/issues/2/edit");
  expect((await alice.get("/acme/docs/issues/2/edit")).status).toBe(403);
  const fields = { title: "By alice", content: "", version: "" };
  expect((await alice.post("/acme/docs/issues/2/edit", fields)).status).toBe(403);
  expect((await writer.get(`${API}/2`)).body).toMatchObject({ title: "By the writer" });
});

test("an own comment is changed, marked as such, and can be deleted", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  const { id } = (await expectStatus(201, alice.post(`${API}/1/comments`, { body: "MIT" }))).body;
  const visitor = await signedIn(forge, "alice");
  const path = `${PAGE}/comments/${id}`;
  expect((await visitor.get(PAGE)).html).toContain(`href="${path}/edit"`);
  const answer = await visitor.send(await visitor.get(`${path}/edit`), `${path}/edit`, { content: "ISC\r\n" });
  expect(answer.location).toBe(`${PAGE}#issuecomment-${id}`);
  expect((await alice.get(`${API}/comments/${id}`)).body).toMatchObject({ body: "ISC\n" });
  expect((await visitor.post(`${path}/edit`, { content: " " })).status).toBe(422);
  expect((await visitor.post(`${path}/delete`, {})).location).toBe(PAGE);
  expect((await alice.get(`${API}/1/comments`)).body).toEqual([]);
});

test("another one's comment is not for everybody to change, but who may write to the repository ticks its boxes", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  const [body, ticked] = ["- [ ] MIT\n- [ ] ISC", "- [ ] MIT\n- [x] ISC"];
  const { id } = (await expectStatus(201, forge.admin.post(`${API}/1/comments`, { body }))).body;
  const visitor = await signedIn(forge, "alice");
  const path = `${PAGE}/comments/${id}`;
  expect((await visitor.get(PAGE)).html).not.toContain(`${path}/edit`);
  for (const action of ["edit", "boxes", "delete"]) {
    const answer = await visitor.post(`${path}/${action}`, { content: "by alice" });
    expect(answer.status).toBe(403);
    expect(textOf(answer.html)).toContain("Only who wrote a comment");
  }
  expect((await alice.get(`${API}/comments/${id}`)).body).toMatchObject({ body });
  const editor = await signedIn(forge, "writer");
  const page = await editor.get(PAGE);
  expect((await editor.send(page, `${path}/boxes`, { box: "1" })).location).toBe(`${PAGE}#issuecomment-${id}`);
  expect((await alice.get(`${API}/comments/${id}`)).body).toMatchObject({ body: ticked });
  expect((await editor.send(page, `${path}/boxes`, { box: "0" })).status).toBe(409);
});

test("a comment of another issue, and what is no comment, are not there", async () => {
  await using forge = await startTestForge();
  const { alice } = await withIssue(forge);
  await expectStatus(201, alice.post(API, { title: "Second" }));
  const { id } = (await expectStatus(201, alice.post(`${API}/2/comments`, { body: "x" }))).body;
  await expectStatus(201, alice.patch(`${API}/1`, { title: "Renamed" }));
  const visitor = await signedIn(forge, "alice");
  expect((await visitor.get(`${PAGE}/comments/${id}`)).status).toBe(404);
  expect((await visitor.get(`${PAGE}/comments/${id + 1}/edit`)).status).toBe(404);
  expect((await visitor.get(`${PAGE}/comments/x/edit`)).status).toBe(404);
});

test("in an archive nothing can be changed", async () => {
  await using forge = await startTestForge();
  await withIssue(forge);
  await expectStatus(200, forge.admin.patch("/repos/acme/docs", { archived: true }));
  const visitor = await signedIn(forge, "alice");
  expect((await visitor.get(PAGE)).html).not.toContain(`${PAGE}/edit`);
  expect((await visitor.get(`${PAGE}/edit`)).status).toBe(423);
});
