/** Webhooks: who hears of what, in which form, and what becomes of a delivery that nobody takes. */
import { createHmac } from "node:crypto";
import { Webhooks } from "@octokit/webhooks";
import { afterEach, expect, test } from "vitest";
import { hookEvents } from "../../src/hived/forge/plan.ts";
import { type Answered, expectStatus } from "./caller.ts";
import { type Delivery, type HookReceiver, startHookReceiver } from "./hook-receiver.ts";
import { becomes, type Repo, review, useStage } from "./stage.ts";

const stage = useStage();
const SECRET = "s3cret";
const EVERYTHING = ["create", "delete", "push", "issues", "issue_comment", "pull_request", "repository"];

const started: HookReceiver[] = [];
afterEach(async () => {
  for (const receiver of started.splice(0)) await receiver[Symbol.asyncDispose]();
});
async function receive(): Promise<HookReceiver> {
  const receiver = await startHookReceiver();
  started.push(receiver);
  return receiver;
}

const hookFor = ({ url }: { url: string }, change: object = {}) => ({
  type: "gitea",
  active: true,
  config: { url, content_type: "json", secret: SECRET },
  events: EVERYTHING,
  ...change,
});

/** A repository with a hook of its own. */
async function hooked(change: object = {}): Promise<{ repo: Repo; receiver: HookReceiver; hook: Answered["body"] }> {
  const [repo, receiver] = [await stage.repo(), await receive()];
  const { body } = await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, change)));
  return { repo, receiver, hook: body };
}
const subscribed = () => hooked({ events: hookEvents.asked });

const nameOf = ({ headers, body }: Delivery): string =>
  [headers["x-gitea-event"], headers["x-gitea-event-type"], body.action].filter(Boolean).join(" ");
/** What the hook's receiver reads of every event: where to look, and who did it. */
const points = (repo: Repo, who: { name: string }) => ({
  repository: { full_name: repo.path },
  sender: { login: who.name },
});
const hmac = (algorithm: string, text: string) => createHmac(algorithm, SECRET).update(text).digest("hex");

test("each of the events that are subscribed, and those that they bring along, is in the hook's list", async () => {
  const { hook } = await subscribed();
  expect(hook).toMatchObject({ type: "gitea", active: true });
  expect(hook.events).toEqual(expect.arrayContaining(hookEvents.told));
});

test("a delivery has an id, and both names of its event under the headers of four forges", async () => {
  const { repo, receiver } = await subscribed();
  await repo.issue(stage.alice, "One");
  const { headers } = await receiver.next();
  const id = headers["x-forgejo-delivery"];
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(headers["content-type"]).toBe("application/json");
  for (const family of ["forgejo", "gitea", "gogs", "github"]) {
    expect(headers[`x-${family}-event`]).toBe("issues");
    expect(headers[`x-${family}-event-type`]).toBe("issues");
    expect(headers[`x-${family}-delivery`]).toBe(id);
  }
});

test("it is signed with SHA-256, bare and named, and with SHA-1", async () => {
  const { repo, receiver } = await subscribed();
  await repo.issue(stage.alice, "Ünsigned? <b>");
  const { headers, text } = await receiver.next();
  for (const family of ["forgejo", "gitea", "gogs"]) {
    expect(headers[`x-${family}-signature`]).toBe(hmac("sha256", text));
  }
  expect(headers["x-hub-signature"]).toBe(`sha1=${hmac("sha1", text)}`);
  expect(await new Webhooks({ secret: SECRET }).verify(text, String(headers["x-hub-signature-256"]))).toBe(true);
});

test("without a secret the signatures are there and empty", async () => {
  const receiver = await receive();
  const repo = await stage.repo();
  const config = { url: receiver.url, content_type: "json" };
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, { config })));
  await repo.issue(stage.alice, "One");
  const { headers } = await receiver.next();
  expect(headers["x-forgejo-signature"]).toBe("");
  expect(headers["x-hub-signature-256"]).toBe("sha256=");
});

test("a hook for forms carries the JSON that is signed in the field payload", async () => {
  const receiver = await receive();
  const repo = await stage.repo();
  const config = { url: receiver.url, content_type: "form", secret: SECRET };
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, { config })));
  await repo.issue(stage.alice, "One");
  const { headers, text, body } = await receiver.next();
  expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
  expect(body.issue.title).toBe("One");
  expect(headers["x-gitea-signature"]).toBe(hmac("sha256", new URLSearchParams(text).get("payload") ?? ""));
});

test("push tells ref, commits, and who pushed", async () => {
  const { repo, receiver } = await subscribed();
  const before = await repo.tip();
  const after = await repo.write(stage.bob, "a");
  const delivery = await receiver.next();
  expect(nameOf(delivery)).toBe("push push");
  expect(delivery.body).toMatchObject({
    ...points(repo, stage.bob),
    ref: "refs/heads/main",
    before,
    after,
    total_commits: 1,
    commits: [{ id: after, message: "add a\n", added: ["a"], modified: [], removed: [] }],
    head_commit: { id: after },
    pusher: { login: stage.bob.name },
  });
});

test("an issue tells when it is opened, edited, assigned, labelled, closed and opened again", async () => {
  const { repo, receiver } = await subscribed();
  const { number } = await repo.issue(stage.bob, "One");
  const place = `${repo.api}/issues/${number}`;
  const { body: label } = await expectStatus(
    201,
    stage.bob.post(`${repo.api}/labels`, { name: "bug", color: "#ff0000" }),
  );
  const causes: [string, () => Promise<Answered>][] = [
    ["issues issues edited", () => stage.bob.patch(place, { title: "Two" })],
    ["issues issue_assign assigned", () => stage.bob.patch(place, { assignees: [stage.bob.name] })],
    ["issues issue_label label_updated", () => stage.bob.post(`${place}/labels`, { labels: [label.id] })],
    ["issues issues closed", () => stage.bob.patch(place, { state: "closed" })],
    ["issues issues reopened", () => stage.bob.patch(place, { state: "open" })],
  ];
  const opened = await receiver.next();
  expect(nameOf(opened)).toBe("issues issues opened");
  expect(opened.body).toMatchObject({ ...points(repo, stage.bob), number, issue: { number, title: "One" } });
  for (const [name, cause] of causes) {
    expect((await cause()).status, name).toBeLessThan(300);
    const delivery = await receiver.next();
    expect(nameOf(delivery)).toBe(name);
    expect(delivery.body, name).toMatchObject({ ...points(repo, stage.bob), issue: { number } });
  }
});

test("a comment on an issue tells when it is made, edited and deleted", async () => {
  const { repo, receiver } = await subscribed();
  const { number } = await repo.issue(stage.alice, "One");
  await receiver.next();
  const { body } = await expectStatus(
    201,
    stage.alice.post(`${repo.api}/issues/${number}/comments`, { body: "hello" }),
  );
  const place = `${repo.api}/issues/comments/${body.id}`;
  const made = await receiver.next();
  expect(made.body).toMatchObject({
    ...points(repo, stage.alice),
    issue: { number },
    comment: { id: body.id, body: "hello" },
    is_pull: false,
  });
  await expectStatus(200, stage.alice.patch(place, { body: "hello!" }));
  const edited = await receiver.next();
  await expectStatus(204, stage.alice.delete(place));
  const names = [made, edited, await receiver.next()].map(nameOf);
  expect(names).toEqual(["created", "edited", "deleted"].map((action) => `issue_comment issue_comment ${action}`));
});

test("a proposal by AGit tells that it is opened, moved, and closed", async () => {
  const { repo, receiver } = await subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  const opened = await receiver.nextOf("pull_request");
  expect(nameOf(opened)).toBe("pull_request pull_request opened");
  expect(opened.body).toMatchObject({
    ...points(repo, stage.alice),
    number: pull.number,
    pull_request: { number: pull.number, state: "open", head: { sha: pull.head }, base: { ref: "main" } },
  });
  await pull.clone.commit("topic", "2");
  await repo.repropose(pull, "topic");
  const moved = await receiver.nextOf("pull_request_sync");
  expect(nameOf(moved)).toBe("pull_request pull_request_sync synchronized");
  expect(moved.body).toMatchObject({ ...points(repo, stage.alice), pull_request: { number: pull.number } });
  await expectStatus(201, stage.alice.patch(pull.api, { state: "closed" }));
  const closed = await receiver.nextOf("pull_request");
  expect(nameOf(closed)).toBe("pull_request pull_request closed");
  expect(closed.body).toMatchObject({ pull_request: { number: pull.number, merged: false } });
});

test("a commit to the head's branch by the API tells the pull request's move", async () => {
  const { repo, receiver } = await subscribed();
  const { number } = await repo.pullFromBranch(stage.bob, "topic");
  await receiver.nextOf("pull_request");
  await repo.write(stage.bob, "more", "x", { branch: "topic" });
  expect((await receiver.nextOf("pull_request_sync")).body).toMatchObject({
    ...points(repo, stage.bob),
    action: "synchronized",
    pull_request: { number },
  });
});

test("a merge tells a closed pull request that is merged, and a push", async () => {
  const { repo, receiver } = await subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  await receiver.nextOf("pull_request");
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
  // in any order: the push comes from git's hook, the closing from the API's call
  const heard = [await receiver.next(), await receiver.next()].sort((one, other) =>
    nameOf(one) < nameOf(other) ? -1 : 1,
  );
  expect(heard.map(nameOf)).toEqual(["pull_request pull_request closed", "push push"]);
  expect(heard[0]?.body).toMatchObject({ ...points(repo, stage.bob), pull_request: { merged: true } });
  expect(heard[1]?.body).toMatchObject({ ...points(repo, stage.bob), ref: "refs/heads/main" });
});

test("an edited pull request tells what it was, a new base among it", async () => {
  const { repo, receiver } = await subscribed();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "next" }));
  const pull = await repo.propose(stage.alice, "topic");
  await receiver.nextOf("pull_request");
  await expectStatus(201, stage.alice.patch(pull.api, { title: "Better" }));
  const retitled = await receiver.nextOf("pull_request");
  expect(retitled.body).toMatchObject({ action: "edited", changes: { title: { from: "write topic" } } });
  await expectStatus(201, stage.alice.patch(pull.api, { base: "next" }));
  const aimed = await receiver.nextOf("pull_request");
  // 7 names the new base where it means the old one
  const from = stage.major >= 15 ? "main" : "next";
  expect(aimed.body).toMatchObject({ action: "edited", changes: { ref: { from } } });
});

test("who is assigned to a pull request is told under a name of its own", async () => {
  const { repo, receiver } = await subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  await expectStatus(201, stage.bob.patch(pull.api, { assignees: [stage.bob.name] }));
  const delivery = await receiver.nextOf("pull_request_assign");
  expect(nameOf(delivery)).toBe("pull_request pull_request_assign assigned");
  expect(delivery.body).toMatchObject({ ...points(repo, stage.bob), pull_request: { number: pull.number } });
});

test("a request for review tells whom it asks, also when it is taken back", async () => {
  const { repo, receiver } = await subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  const wish = { reviewers: [stage.olga.name] };
  await expectStatus(201, stage.alice.post(`${pull.api}/requested_reviewers`, wish));
  const asked = await receiver.nextOf("pull_request_review_request");
  expect(nameOf(asked)).toBe("pull_request pull_request_review_request review_requested");
  expect(asked.body).toMatchObject({
    ...points(repo, stage.alice),
    pull_request: { number: pull.number },
    requested_reviewer: { login: stage.olga.name },
  });
  await expectStatus(204, stage.alice.delete(`${pull.api}/requested_reviewers`, wish));
  const unasked = await receiver.nextOf("pull_request_review_request");
  expect(unasked.body.action).toBe("review_request_removed");
});

test("a comment on a pull request is an issue_comment, with a fine name of its own", async () => {
  const { repo, receiver } = await subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  await expectStatus(201, stage.bob.post(`${repo.api}/issues/${pull.number}/comments`, { body: "hello" }));
  const delivery = await receiver.nextOf("pull_request_comment");
  expect(nameOf(delivery)).toBe("issue_comment pull_request_comment created");
  expect(delivery.body).toMatchObject({
    ...points(repo, stage.bob),
    issue: { number: pull.number },
    comment: { body: "hello" },
    is_pull: true,
  });
});

test("each kind of review has names of its own, and tells neither id nor commit nor weight", async () => {
  const { repo, receiver } = await subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  for (const [event, kind, body] of [
    ["REQUEST_CHANGES", "rejected", "no"],
    ["COMMENT", "comment", "hm"],
    ["APPROVED", "approved", "yes"],
  ] as const) {
    await expectStatus(200, review(stage.olga, pull, event, { body }));
    const type = `pull_request_review_${kind}`;
    const delivery = await receiver.nextOf(type);
    expect(nameOf(delivery)).toBe(`pull_request_${kind} ${type} reviewed`);
    expect(delivery.body).toMatchObject({
      ...points(repo, stage.olga),
      number: pull.number,
      pull_request: { number: pull.number },
    });
    expect(delivery.body.review).toEqual({ type, content: body });
  }
});

test("branches tell of their creation and deletion", async () => {
  const { repo, receiver } = await hooked();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "topic" }));
  expect((await receiver.nextOf("create")).body).toMatchObject({
    ...points(repo, stage.bob),
    ref: "topic",
    ref_type: "branch",
  });
  await expectStatus(204, stage.bob.delete(`${repo.api}/branches/topic`));
  expect((await receiver.nextOf("delete")).body).toMatchObject({ ref: "topic", ref_type: "branch" });
});

test("a hook of an organization hears of its repositories, also of new ones, and of no others", async () => {
  const receiver = await receive();
  const org = stage.fresh("org");
  await expectStatus(201, stage.admin.post("/orgs", { username: org, visibility: "private" }));
  await expectStatus(201, stage.admin.post(`/orgs/${org}/hooks`, hookFor(receiver)));
  await stage.repo().then((elsewhere) => elsewhere.issue(stage.alice, "There"));
  await expectStatus(201, stage.admin.post(`/orgs/${org}/repos`, { name: "notes", private: true }));
  const delivery = await receiver.next();
  expect(nameOf(delivery)).toBe("repository repository created");
  expect(delivery.body).toMatchObject({
    repository: { full_name: `${org}/notes` },
    sender: { login: stage.admin.name },
  });
});

test("a system hook hears of every repository, and only a site admin makes one", async () => {
  const receiver = await receive();
  const config = { url: receiver.url, content_type: "json", is_system_webhook: "true" };
  const wish = hookFor(receiver, { config, events: ["issues_only"] });
  expect((await stage.bob.post("/admin/hooks", wish)).status).toBe(403);
  const { body: hook } = await expectStatus(201, stage.admin.post("/admin/hooks", wish));
  const ids = (await stage.admin.get("/admin/hooks")).body.map(({ id }: { id: number }) => id);
  expect(ids).toContain(hook.id);
  const heard = async (path: string): Promise<void> => {
    if ((await receiver.next()).body.repository.full_name !== path) await heard(path);
  };
  for (const repo of [await stage.repo(), await stage.repoOf(stage.bob)]) {
    await repo.issue(stage.bob, "One");
    await heard(repo.path);
  }
  await expectStatus(204, stage.admin.delete(`/admin/hooks/${hook.id}`));
});

test("a hook of the site that is not called a system hook is in no list", async () => {
  const receiver = await receive();
  const { body } = await expectStatus(201, stage.admin.post("/admin/hooks", hookFor(receiver)));
  const ids = (await stage.admin.get("/admin/hooks")).body.map(({ id }: { id: number }) => id);
  expect(ids).not.toContain(body.id);
});

test("a hook of a repository hears of that one alone, and only its admins see and make hooks", async () => {
  const { repo, receiver } = await hooked();
  const other = await stage.repo();
  await other.issue(stage.alice, "There");
  await repo.issue(stage.alice, "Here");
  expect((await receiver.next()).body.issue.title).toBe("Here");
  for (const who of [stage.alice, stage.bob]) {
    expect((await who.get(`${repo.api}/hooks`)).status).toBe(403);
    expect((await who.post(`${repo.api}/hooks`, hookFor(receiver))).status).toBe(403);
  }
});

test("two hooks that hear of the same are told each, under ids of their own", async () => {
  const { repo, receiver } = await hooked();
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver)));
  await repo.issue(stage.alice, "One");
  const [one, other] = [await receiver.next(), await receiver.next()];
  expect(one.body.issue.title).toBe("One");
  expect(other.body.issue.title).toBe("One");
  expect(one.headers["x-forgejo-delivery"]).not.toBe(other.headers["x-forgejo-delivery"]);
});

test("umbrella names switch on a family, no name means push; a review that comments is with the comments", async () => {
  const repo = await stage.repo();
  const receiver = await receive();
  const events = async (wish: string[]): Promise<string[]> =>
    (await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, { events: wish })))).body.events;
  expect(await events([])).toEqual(["push"]);
  expect(await events(["issues_only", "pull_request_only"])).toEqual(["issues", "pull_request"]);
  expect(await events(["issues"])).toEqual(
    expect.arrayContaining(["issues", "issue_assign", "issue_label", "issue_comment"]),
  );
  const reviews = ["pull_request_review_approved", "pull_request_review_rejected"];
  expect((await events(["pull_request_review"])).sort()).toEqual(reviews);
  expect(await events(["pull_request_comment"])).toEqual(
    expect.arrayContaining(["pull_request_comment", "pull_request_review_comment"]),
  );
});

test("a hook that nobody switched on, or that subscribes something else, hears nothing", async () => {
  const { repo, receiver, hook } = await hooked({ active: false });
  expect(hook.active).toBe(false);
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, { events: ["issue_comment"] })));
  const { number } = await repo.issue(stage.alice, "One");
  await expectStatus(201, stage.alice.post(`${repo.api}/issues/${number}/comments`, { body: "hello" }));
  expect(nameOf(await receiver.next())).toBe("issue_comment issue_comment created");
});

test("a deleted hook hears no more", async () => {
  const { repo, receiver, hook } = await hooked();
  await expectStatus(204, stage.admin.delete(`${repo.api}/hooks/${hook.id}`));
  await repo.issue(stage.alice, "Before");
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver)));
  await repo.issue(stage.alice, "After");
  expect((await receiver.next()).body.issue.title).toBe("After");
});

test("a hook is refused with Forgejo's words, and its secret is never shown", async () => {
  const { repo, receiver, hook } = await hooked();
  const refused = async (change: object) => {
    const { status, body } = await stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, change));
    return `${status} ${body.message}`;
  };
  expect(await refused({ type: "carrier-pigeon" })).toBe("422 Invalid hook type: carrier-pigeon");
  expect(await refused({ config: {} })).toBe("422 Missing config option: url");
  expect(await refused({ config: { url: receiver.url, content_type: "xml" } })).toBe("422 Invalid content type");
  expect(JSON.stringify(hook)).not.toContain(SECRET);
  expect(JSON.stringify((await stage.admin.get(`${repo.api}/hooks`)).body)).not.toContain(SECRET);
  expect(hook.config).toEqual({ url: receiver.url, content_type: "json" });
});

test("editing a hook resets what is left out, and its secret cannot be changed", async () => {
  const { repo, receiver, hook } = await hooked({ branch_filter: "main" });
  const change = { active: true, events: ["issues_only"], config: { secret: "another" } };
  const { body } = await expectStatus(200, stage.admin.patch(`${repo.api}/hooks/${hook.id}`, change));
  expect(body).toMatchObject({ events: ["issues"], branch_filter: "", active: true });
  await repo.issue(stage.alice, "One");
  const { headers, text } = await receiver.next();
  expect(headers["x-gitea-signature"]).toBe(hmac("sha256", text));
});

test("a hook with a branch filter hears pushes to those branches alone", async () => {
  const { repo, receiver } = await hooked({ events: ["push"], branch_filter: "release/*" });
  await repo.write(stage.bob, "a");
  await repo.write(stage.bob, "b", "x", { branch: "main", new_branch: "release/1" });
  expect((await receiver.next()).body.ref).toBe("refs/heads/release/1");
});

test("what a delivery tells of is there for who looks", async () => {
  const { repo, receiver } = await subscribed();
  const made = repo.issue(stage.alice, "One");
  const { body } = await receiver.next();
  expect(await repo.get(`/issues/${body.issue.number}`)).toMatchObject({ id: body.issue.id, title: "One" });
  await made;
});

test("deliveries of one hook come one after the other, in the order of what happened", async () => {
  const { repo, receiver } = await subscribed();
  const wanted = Array.from({ length: 8 }, (_, index) => `Number ${index}`);
  for (const title of wanted) await repo.issue(stage.alice, title);
  const heard: string[] = [];
  for (const _ of wanted) heard.push((await receiver.next()).body.issue.title);
  expect(heard).toEqual(wanted);
});

test("a delivery that is answered with a failure is not repeated, and the next ones come", async () => {
  const { repo, receiver } = await subscribed();
  receiver.status = 500;
  await repo.issue(stage.alice, "One");
  expect((await receiver.next()).body.issue.title).toBe("One");
  receiver.status = 200;
  await repo.issue(stage.alice, "Two");
  expect((await receiver.next()).body.issue.title).toBe("Two");
});

test("what happens while nobody listens is lost, and the next deliveries come", async () => {
  const { repo, hook } = await hooked();
  const gone = started.pop();
  await gone?.[Symbol.asyncDispose]();
  await repo.issue(stage.alice, "Lost");
  const receiver = await receive();
  await expectStatus(204, stage.admin.delete(`${repo.api}/hooks/${hook.id}`));
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver)));
  await repo.issue(stage.alice, "Heard");
  expect((await receiver.next()).body.issue.title).toBe("Heard");
});

test("a receiver that does not answer holds up nobody but later deliveries", async () => {
  const { repo, receiver } = await subscribed();
  receiver.isSilent = true;
  await repo.issue(stage.alice, "One");
  expect((await receiver.next()).body.issue.title).toBe("One");
  for (const title of ["Two", "Three"]) await repo.issue(stage.alice, title);
  await becomes(async () => (await repo.get("/issues")).length).toBe(3);
  receiver.isSilent = false;
  receiver.hangUp();
  expect((await receiver.next()).body.issue.title).toBe("Two");
  expect((await receiver.next()).body.issue.title).toBe("Three");
});

test("a hook reaches nothing beyond this machine", async () => {
  const { repo, receiver } = await hooked();
  const config = { url: "http://192.0.2.1/hook", content_type: "json" };
  await expectStatus(201, stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, { config })));
  await repo.issue(stage.alice, "One");
  await repo.issue(stage.alice, "Two");
  // a connection that was tried would be waited for, ten seconds each
  expect((await receiver.next()).body.issue.title).toBe("One");
  expect((await receiver.next()).body.issue.title).toBe("Two");
});
