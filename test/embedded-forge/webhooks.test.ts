import { createHmac } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Webhooks } from "@octokit/webhooks";
import { expect, test } from "vitest";
import { startForge } from "../../forge/embedded/app.ts";
import { type HookReceiver, startHookReceiver } from "../forge-contract/hook-receiver.ts";
import { configOf, expectStatus, startTestForge, TestForge } from "./test-forge.ts";

const EVERYTHING = ["create", "delete", "push", "issues", "issue_comment", "pull_request", "repository"];
const hookBody = (receiver: HookReceiver, change: object = {}) => ({
  type: "gitea",
  active: true,
  config: { url: receiver.url, content_type: "json", secret: "s3cret", is_system_webhook: "true" },
  events: EVERYTHING,
  ...change,
});

async function startHooked(change: object = {}) {
  const forge = await startTestForge();
  const receiver = await startHookReceiver();
  await expectStatus(201, forge.admin.post("/admin/hooks", hookBody(receiver, change)));
  return { forge, receiver };
}

async function withRepo(forge: TestForge) {
  const alice = await forge.user("alice");
  await expectStatus(201, alice.post("/user/repos", { name: "notes", private: true, auto_init: true }));
  return alice;
}

test("a system hook hears of every repository, with the headers of Forgejo and a signature that verifies", async () => {
  const { forge, receiver } = await startHooked();
  await using _forge = forge;
  await using _receiver = receiver;
  await withRepo(forge);
  const { headers, text, body } = await receiver.next();
  expect(body).toMatchObject({
    action: "created",
    repository: { full_name: "alice/notes" },
    sender: { login: "alice" },
  });
  const hex = createHmac("sha256", "s3cret").update(text).digest("hex");
  for (const family of ["forgejo", "gitea", "gogs", "github"]) {
    expect(headers[`x-${family}-event`]).toBe("repository");
    expect(headers[`x-${family}-event-type`]).toBe("repository");
    expect(headers[`x-${family}-delivery`]).toMatch(/^[0-9a-f-]{36}$/);
    if (family !== "github") expect(headers[`x-${family}-signature`]).toBe(hex);
  }
  expect(headers["x-hub-signature"]).toBe(`sha1=${createHmac("sha1", "s3cret").update(text).digest("hex")}`);
  const webhooks = new Webhooks({ secret: "s3cret" });
  expect(await webhooks.verify(text, String(headers["x-hub-signature-256"]))).toBe(true);
});

test("deliveries come in the order of the events, each with its fine and its coarse name", async () => {
  const { forge, receiver } = await startHooked();
  await using _forge = forge;
  await using _receiver = receiver;
  const alice = await withRepo(forge);
  const place = "/repos/alice/notes";
  await expectStatus(201, alice.post(`${place}/labels`, { name: "bug", color: "#ff0000" }));
  await expectStatus(201, alice.post(`${place}/issues`, { title: "One", assignees: ["alice"], labels: [1] }));
  await expectStatus(201, alice.post(`${place}/issues/1/comments`, { body: "hello" }));
  await expectStatus(201, alice.patch(`${place}/issues/1`, { title: "Two", state: "closed" }));
  await receiver.nextOf("repository");
  const names: string[] = [];
  for (let count = 0; count < 6; count += 1) {
    const { headers, body } = await receiver.next();
    names.push(`${headers["x-gitea-event"]} ${headers["x-gitea-event-type"]} ${body.action}`);
  }
  expect(names).toEqual([
    "issues issue_assign assigned",
    "issues issues opened",
    "issues issue_label label_updated",
    "issue_comment issue_comment created",
    "issues issues edited",
    "issues issues closed",
  ]);
});

test("a comment on a pull request, and each kind of review, has names of its own", async () => {
  const { forge, receiver } = await startHooked();
  await using _forge = forge;
  await using _receiver = receiver;
  const alice = await withRepo(forge);
  const bob = await forge.user("bob");
  const place = "/repos/alice/notes";
  await expectStatus(204, alice.put(`${place}/collaborators/bob`, { permission: "write" }));
  const file = { operation: "create", path: "a.txt", content: Buffer.from("a\n").toString("base64") };
  await expectStatus(
    201,
    alice.post(`${place}/contents`, { branch: "main", new_branch: "topic", message: "m", files: [file] }),
  );
  await expectStatus(201, alice.post(`${place}/pulls`, { head: "topic", base: "main", title: "P" }));
  await receiver.nextOf("pull_request");
  await expectStatus(201, alice.post(`${place}/pulls/1/requested_reviewers`, { reviewers: ["bob"] }));
  await expectStatus(201, bob.post(`${place}/issues/1/comments`, { body: "hello" }));
  await expectStatus(200, bob.post(`${place}/pulls/1/reviews`, { event: "REQUEST_CHANGES", body: "no" }));
  await expectStatus(200, bob.post(`${place}/pulls/1/reviews`, { event: "COMMENT", body: "hm" }));
  await expectStatus(200, bob.post(`${place}/pulls/1/reviews`, { event: "APPROVED" }));
  const requested = await receiver.next();
  expect(requested.headers["x-gitea-event-type"]).toBe("pull_request_review_request");
  expect(requested.body).toMatchObject({ action: "review_requested", requested_reviewer: { login: "bob" } });
  const comment = await receiver.next();
  expect(comment.headers["x-gitea-event"]).toBe("issue_comment");
  expect(comment.headers["x-gitea-event-type"]).toBe("pull_request_comment");
  expect(comment.body).toMatchObject({ action: "created", is_pull: true, comment: { body: "hello" } });
  for (const [kind, content] of [
    ["rejected", "no"],
    ["comment", "hm"],
    ["approved", ""],
  ]) {
    const { headers, body } = await receiver.next();
    expect(headers["x-gitea-event"]).toBe(`pull_request_${kind}`);
    expect(headers["x-gitea-event-type"]).toBe(`pull_request_review_${kind}`);
    expect(body).toMatchObject({ action: "reviewed", number: 1, sender: { login: "bob" } });
    expect(body.review).toEqual({ type: `pull_request_review_${kind}`, content });
  }
});

test("a commit by the API tells create, push and the pull request's new head", async () => {
  const { forge, receiver } = await startHooked();
  await using _forge = forge;
  await using _receiver = receiver;
  const alice = await withRepo(forge);
  const place = "/repos/alice/notes";
  const file = (name: string) => ({ operation: "create", path: name, content: "YQo=" });
  const topic = { branch: "main", new_branch: "topic", message: "first" };
  await expectStatus(201, alice.post(`${place}/contents`, { ...topic, files: [file("a.txt")] }));
  expect((await receiver.nextOf("create")).body).toMatchObject({ ref: "topic", ref_type: "branch" });
  const push = (await receiver.nextOf("push")).body;
  expect(push).toMatchObject({
    ref: "refs/heads/topic",
    before: "0".repeat(40),
    total_commits: 1,
    pusher: { login: "alice" },
  });
  expect(push.commits).toMatchObject([{ message: "first\n", added: ["a.txt"], modified: [], removed: [] }]);
  await expectStatus(201, alice.post(`${place}/pulls`, { head: "topic", base: "main", title: "P" }));
  await receiver.nextOf("pull_request");
  await expectStatus(
    201,
    alice.post(`${place}/contents`, { branch: "topic", message: "second", files: [file("b.txt")] }),
  );
  const { body } = await receiver.nextOf("pull_request_sync");
  expect(body).toMatchObject({ action: "synchronized", number: 1, pull_request: { title: "P", state: "open" } });
});

test("a hook gets what it subscribes, and a commenting review belongs to the comments", async () => {
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  const subscribed = async (events: string[]) =>
    (await forge.admin.post("/admin/hooks", hookBody(receiver, { events }))).body.events;
  expect(await subscribed([])).toEqual(["push"]);
  expect(await subscribed(["issues_only", "pull_request_only"])).toEqual(["issues", "pull_request"]);
  expect(await subscribed(["pull_request_review"])).toEqual([
    "pull_request_review_approved",
    "pull_request_review_rejected",
  ]);
  expect(await subscribed(["pull_request_comment"])).toEqual(["pull_request_comment", "pull_request_review_comment"]);
  expect(await subscribed(["issues"])).toEqual(["issues", "issue_assign", "issue_label", "issue_comment"]);
});

test("a hook that nobody switched on, or that subscribes something else, hears nothing", async () => {
  const { forge, receiver } = await startHooked({ active: false });
  await using _forge = forge;
  await using _receiver = receiver;
  await expectStatus(201, forge.admin.post("/admin/hooks", hookBody(receiver, { events: ["issues_only"] })));
  const alice = await withRepo(forge);
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "One" }));
  expect((await receiver.next()).headers["x-gitea-event-type"]).toBe("issues");
});

test("a hook that is not called a system hook is only a template: no list shows it and nothing is sent to it", async () => {
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  const { url } = receiver;
  const config = { url, content_type: "json" };
  await expectStatus(201, forge.admin.post("/admin/hooks", hookBody(receiver, { config })));
  expect((await forge.admin.get("/admin/hooks")).body).toEqual([]);
  await expectStatus(201, forge.admin.post("/admin/hooks", hookBody(receiver, { events: ["issues_only"] })));
  const alice = await withRepo(forge);
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "One" }));
  expect((await receiver.next()).headers["x-gitea-event-type"]).toBe("issues");
});

test("a hook of a repository hears of that repository alone, and only its admins manage it", async () => {
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  const alice = await withRepo(forge);
  const bob = await forge.user("bob");
  await expectStatus(201, alice.post("/user/repos", { name: "other", private: true }));
  await expectStatus(204, alice.put("/repos/alice/notes/collaborators/bob", { permission: "write" }));
  expect((await bob.post("/repos/alice/notes/hooks", hookBody(receiver))).status).toBe(403);
  await expectStatus(201, alice.post("/repos/alice/notes/hooks", hookBody(receiver)));
  await expectStatus(201, alice.post("/repos/alice/other/issues", { title: "There" }));
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "Here" }));
  expect((await receiver.next()).body.issue.title).toBe("Here");
});

test("a form hook carries the JSON that is signed in the field payload", async () => {
  const config = (url: string) => ({ url, content_type: "form", secret: "s3cret", is_system_webhook: "true" });
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  await expectStatus(201, forge.admin.post("/admin/hooks", hookBody(receiver, { config: config(receiver.url) })));
  await withRepo(forge);
  const { headers, text, body } = await receiver.next();
  expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
  expect(body.action).toBe("created");
  const signed = new URLSearchParams(text).get("payload") ?? "";
  expect(headers["x-gitea-signature"]).toBe(createHmac("sha256", "s3cret").update(signed).digest("hex"));
});

test("a delivery that fails is not repeated, and the next ones come", async () => {
  const { forge, receiver } = await startHooked({ events: ["issues_only"] });
  await using _forge = forge;
  await using _receiver = receiver;
  const alice = await withRepo(forge);
  receiver.status = 500;
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "One" }));
  expect((await receiver.next()).body.issue.title).toBe("One");
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "Two" }));
  expect((await receiver.next()).body.issue.title).toBe("Two");
});

test("a hook cannot reach beyond this machine", async () => {
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  const alice = await withRepo(forge);
  const config = { url: "http://192.0.2.1/hook", content_type: "json" };
  await expectStatus(201, alice.post("/repos/alice/notes/hooks", hookBody(receiver, { config })));
  await expectStatus(201, alice.post("/repos/alice/notes/hooks", hookBody(receiver)));
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "One" }));
  expect((await receiver.next()).body.issue.title).toBe("One");
});

test("what was queued when the forge stopped is sent at the next start, but no attempt is repeated", async () => {
  const home = await mkdtemp(path.join(tmpdir(), "forge-"));
  await using receiver = await startHookReceiver();
  const first = new TestForge(home, await startForge(configOf(home)));
  const alice = await withRepo(first);
  await expectStatus(201, first.admin.post("/admin/hooks", hookBody(receiver)));
  receiver.isSilent = true;
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "Attempted" }));
  expect((await receiver.next()).body.issue.title).toBe("Attempted");
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "Queued" }));
  await first.running.stop();
  receiver.isSilent = false;
  await using _second = new TestForge(home, await startForge(configOf(home)));
  expect((await receiver.next()).body.issue.title).toBe("Queued");
});

test("a hook is refused with the words of Forgejo, and its secret is never shown", async () => {
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  const refused = async (change: object) => {
    const { status, body } = await forge.admin.post("/admin/hooks", hookBody(receiver, change));
    return `${status} ${body.message}`;
  };
  expect(await refused({ type: "carrier-pigeon" })).toBe("422 Invalid hook type: carrier-pigeon");
  expect(await refused({ config: {} })).toBe("422 Missing config option: url");
  expect(await refused({ config: { url: receiver.url, content_type: "xml" } })).toBe("422 Invalid content type");
  const { body } = await expectStatus(201, forge.admin.post("/admin/hooks", hookBody(receiver)));
  expect(JSON.stringify(body)).not.toContain("s3cret");
  expect(body.config).toEqual({ url: receiver.url, content_type: "json" });
});

test("editing a hook resets what is left out and keeps its secret", async () => {
  await using forge = await startTestForge();
  await using receiver = await startHookReceiver();
  const { body: hook } = await expectStatus(
    201,
    forge.admin.post("/admin/hooks", hookBody(receiver, { branch_filter: "main" })),
  );
  const change = { active: true, events: ["issues_only"], config: { secret: "another" } };
  const { body } = await expectStatus(200, forge.admin.patch(`/admin/hooks/${hook.id}`, change));
  expect(body).toMatchObject({ events: ["issues"], branch_filter: "", active: true });
  const alice = await withRepo(forge);
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "One" }));
  const { headers, text } = await receiver.next();
  expect(headers["x-gitea-signature"]).toBe(createHmac("sha256", "s3cret").update(text).digest("hex"));
});
