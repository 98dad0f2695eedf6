import { expect, test } from "vitest";
import { type Clone, cloneAs } from "../forge-contract/git-client.ts";
import { type Caller, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";
import { hiddenFields, type Shown, signedIn, textOf, type Visitor } from "./visitor.ts";

const PAGE = "/acme/docs/pulls/1";
const SUBMIT = `${PAGE}/files/reviews/submit`;
const LINE = `${PAGE}/files/reviews/comments`;

interface Scene {
  operator: Visitor;
  api: Caller;
  clone: Clone;
  head: string;
}

/** Alice, who may read, has proposed a file; the operator, whose approval main needs, looks at it in a browser. */
async function withProposal(forge: TestForge): Promise<Scene> {
  const token = await forge.userToken("alice", { restricted: true });
  const api = await forge.user("operator");
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice"] },
    writers: { level: "write", members: ["operator"] },
  });
  const rule = { rule_name: "main", required_approvals: 1, dismiss_stale_approvals: true };
  await expectStatus(201, forge.admin.post("/repos/acme/docs/branch_protections", rule));
  const clone = await cloneAs(forge, "acme/docs", token);
  const head = await clone.commit("guide.md", "# Guide\n\nAsk first.\n", "Write a guide");
  await clone.propose("guide");
  return { operator: await signedIn(forge, "operator"), api, clone, head };
}

const reviewsOf = async (api: Caller) => (await api.get("/repos/acme/docs/pulls/1/reviews")).body;
const shownHead = (page: Shown): string | undefined => hiddenFields(page.html, SUBMIT)["commit_id"];

test("the operator reads the diff, presses Approve, and the review is on the head that was shown", async () => {
  await using forge = await startTestForge();
  const { operator, api, head } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files`);
  expect(textOf(page.html)).toContain("Ask first.");
  expect(shownHead(page)).toBe(head);
  const answer = await operator.send(page, SUBMIT, { type: "approve", content: "Good." });
  expect(answer.location).toMatch(/^\/acme\/docs\/pulls\/1#issuecomment-\d+$/);
  const reviews = await reviewsOf(api);
  expect(reviews).toMatchObject([{ state: "APPROVED", commit_id: head, official: true, body: "Good." }]);
  expect(textOf((await operator.get(PAGE)).html)).toContain("operator approved these changes");
});

test("an approval of a head that has moved meanwhile is refused with a sentence, and what was typed is kept", async () => {
  await using forge = await startTestForge();
  const { operator, api, clone, head } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files`);
  const moved = await clone.commit("guide.md", "# Guide\n\nNever ask.\n", "Change the guide");
  await clone.propose("guide");
  const answer = await operator.send(page, SUBMIT, { type: "approve", content: "I like asking." });
  expect(answer.status).toBe(409);
  const moves = `moved from ${head.slice(0, 10)} to ${moved.slice(0, 10)} since this page was opened, so nothing was sent`;
  expect(textOf(answer.html)).toContain(moves);
  expect(answer.html).toContain("I like asking.</textarea>");
  expect(textOf(answer.html)).toContain("Never ask.");
  expect(await reviewsOf(api)).toEqual([]);
  await operator.send(answer, SUBMIT, { type: "approve" });
  expect(await reviewsOf(api)).toMatchObject([{ state: "APPROVED", commit_id: moved }]);
});

test("a request for changes needs a text", async () => {
  await using forge = await startTestForge();
  const { operator, api } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files`);
  const empty = await operator.send(page, SUBMIT, { type: "reject", content: " " });
  expect(empty.status).toBe(422);
  expect(textOf(empty.html)).toContain("Say what should change: a request for changes needs a text.");
  expect((await operator.send(page, SUBMIT, { type: "reject", content: "Shorter." })).status).toBe(303);
  expect(await reviewsOf(api)).toMatchObject([{ state: "REQUEST_CHANGES", body: "Shorter." }]);
});

test("the author is offered no verdict, and cannot take one", async () => {
  await using forge = await startTestForge();
  const { head } = await withProposal(forge);
  const alice = await signedIn(forge, "alice");
  const page = await alice.get(`${PAGE}/files`);
  expect(page.html).not.toContain(">Approve</button>");
  expect(page.html).toContain(">Comment</button>");
  const answer = await alice.post(SUBMIT, { type: "approve", content: "", commit_id: head });
  expect(answer.status).toBe(422);
  expect(textOf(answer.html)).toContain("Approve your own pull is not allowed.");
});

test("a form without the head that it was made for is refused", async () => {
  await using forge = await startTestForge();
  const { operator, api } = await withProposal(forge);
  expect((await operator.post(SUBMIT, { type: "approve" })).status).toBe(400);
  expect((await operator.post(SUBMIT, { type: "approve", commit_id: "" })).status).toBe(409);
  expect(await reviewsOf(api)).toEqual([]);
});

test("a line's number leads to a form under it, and the comment stands there and in the conversation", async () => {
  await using forge = await startTestForge();
  const { operator } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files?path=guide.md&line=3`);
  expect(textOf(page.html)).toContain("Comment on line 3");
  const answer = await operator.send(page, LINE, { content: "Whom?", mode: "single" });
  expect(answer.location).toMatch(/^\/acme\/docs\/pulls\/1\/files#diff-[0-9a-f]{16}R3$/);
  const files = textOf((await operator.get(`${PAGE}/files`)).html);
  expect(files).toMatch(/Ask first\.\s*O operator just now Whom\?/);
  expect(textOf((await operator.get(PAGE)).html)).toContain("guide.md, line 3");
});

test("a comment for a line that a push has taken away is refused, and its text is kept in the review's form", async () => {
  await using forge = await startTestForge();
  const { operator, clone } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files?path=guide.md&line=3`);
  await clone.commit("guide.md", "# Guide\n");
  await clone.propose("guide");
  const answer = await operator.send(page, LINE, { content: "Whom, please?", mode: "single" });
  expect(answer.status).toBe(409);
  expect(answer.html).toContain("so nothing was sent");
  expect(answer.html).toContain("Whom, please?</textarea>");
});

test("comments of a review that is under way are seen by their writer alone until the review is finished", async () => {
  await using forge = await startTestForge();
  const { operator } = await withProposal(forge);
  const alice = await signedIn(forge, "alice");
  const page = await operator.get(`${PAGE}/files?path=guide.md&line=3`);
  await operator.send(page, LINE, { content: "Whom?", mode: "review" });
  const mine = await operator.get(`${PAGE}/files`);
  expect(textOf(mine.html)).toContain("1 pending comment on lines will be sent with it.");
  expect((await alice.get(`${PAGE}/files`)).html).not.toContain("Whom?");
  await operator.send(mine, SUBMIT, { type: "comment", content: "" });
  expect((await alice.get(`${PAGE}/files`)).html).toContain("Whom?");
});

test("a review that is under way can be thrown away", async () => {
  await using forge = await startTestForge();
  const { operator } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files?path=guide.md&line=1`);
  await operator.send(page, LINE, { content: "Never mind", mode: "review" });
  await operator.post(`${PAGE}/files/reviews/discard`, {});
  expect((await operator.get(`${PAGE}/files`)).html).not.toContain("Never mind");
});

test("a comment stays under its line while the line is there, and leaves the diff with it", async () => {
  await using forge = await startTestForge();
  const { operator, clone } = await withProposal(forge);
  const page = await operator.get(`${PAGE}/files?path=guide.md&line=3`);
  await operator.send(page, LINE, { content: "Whom?", mode: "single" });
  await clone.commit("guide.md", "# Guide\n\nAsk first.\n\nThen wait.\n");
  await clone.propose("guide");
  expect((await operator.get(`${PAGE}/files`)).html).toContain("Whom?");
  await clone.commit("guide.md", "# Guide\n\nAsk the manager.\n");
  await clone.propose("guide");
  expect((await operator.get(`${PAGE}/files`)).html).not.toContain("Whom?");
  expect((await operator.get(PAGE)).html).toContain("Whom?");
});

test("the conversation shows statuses with their descriptions and who was asked for a review", async () => {
  await using forge = await startTestForge();
  const { operator, api, head } = await withProposal(forge);
  const status = { state: "success", context: "hive/validate", description: "agent.yaml is valid" };
  await expectStatus(201, api.post(`/repos/acme/docs/statuses/${head}`, status));
  const request = { reviewers: ["operator"] };
  await expectStatus(201, forge.admin.post("/repos/acme/docs/pulls/1/requested_reviewers", request));
  const text = textOf((await operator.get(PAGE)).html);
  expect(text).toContain("All checks have passed");
  expect(text).toContain("hive/validate agent.yaml is valid");
  expect(text).toContain("Your review is requested.");
  expect(textOf((await operator.get("/")).html)).toContain("Waiting for your review 1");
});

test("the merge button is there when nothing stands against it, and merges the head that was shown", async () => {
  await using forge = await startTestForge();
  const { operator, api, clone, head } = await withProposal(forge);
  const before = await operator.get(PAGE);
  expect(textOf(before.html)).toContain("0 of 1 required approval given.");
  expect(textOf(before.html)).toContain("It does not have the approvals that it needs.");
  expect(before.html).not.toContain("Create merge commit");
  await operator.send(await operator.get(`${PAGE}/files`), SUBMIT, { type: "approve" });
  const page = await operator.get(PAGE);
  await clone.commit("more.md", "more\n");
  await clone.propose("guide");
  const late = await operator.send(page, `${PAGE}/merge`, {});
  expect(late.status).toBe(405);
  expect((await api.get("/repos/acme/docs/pulls/1")).body.merged).toBe(false);
  await operator.send(await operator.get(`${PAGE}/files`), SUBMIT, { type: "approve" });
  const fresh = await operator.get(PAGE);
  expect(hiddenFields(fresh.html, `${PAGE}/merge`)["head_commit_id"]).not.toBe(head);
  expect((await operator.send(fresh, `${PAGE}/merge`, {})).status).toBe(303);
  expect(textOf((await operator.get(PAGE)).html)).toContain("Merged operator merged 2 commits into main");
});

test("the tabs list the commits of the proposal alone", async () => {
  await using forge = await startTestForge();
  const { operator } = await withProposal(forge);
  const text = textOf((await operator.get(`${PAGE}/commits`)).html);
  expect(text).toContain("Write a guide");
  expect(text).not.toContain("Initial commit");
});

test("a pull request can be closed with a last word and opened again", async () => {
  await using forge = await startTestForge();
  const { operator, api } = await withProposal(forge);
  const comments = "/acme/docs/issues/1/comments";
  await operator.send(await operator.get(PAGE), comments, { content: "Not now.", status: "close" });
  expect((await api.get("/repos/acme/docs/pulls/1")).body.state).toBe("closed");
  expect((await api.get("/repos/acme/docs/issues/1/comments")).body).toMatchObject([{ body: "Not now." }]);
  await operator.send(await operator.get(PAGE), comments, { content: "", status: "reopen" });
  expect((await api.get("/repos/acme/docs/pulls/1")).body.state).toBe("open");
});
