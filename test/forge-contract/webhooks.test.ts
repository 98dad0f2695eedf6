/** What webhooks tell: the form of a delivery, and each event that the hive asks for, in the fields that it reads. */
import { Webhooks } from "@octokit/webhooks";
import { expect, test } from "vitest";
import { hookEvents } from "../../src/hived/forge/plan.ts";
import { type Answered, expectStatus } from "./caller.ts";
import { hmac, nameOf, SECRET, useHooks } from "./hooked.ts";
import { type Repo, review, useStage } from "./stage.ts";

const stage = useStage();
const hooks = useHooks(stage);
/** What the hook's receiver reads of every event: where to look, and who did it. */
const points = (repo: Repo, who: { name: string }) => ({
  repository: { full_name: repo.path },
  sender: { login: who.name },
});

test("each of the events that are subscribed, and those that they bring along, is in the hook's list", async () => {
  const { hook } = await hooks.subscribed();
  expect(hook).toMatchObject({ type: "gitea", active: true });
  expect(hook.events).toEqual(expect.arrayContaining(hookEvents.told));
});

test("a delivery has an id, and both names of its event under the headers of four forges", async () => {
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
  await repo.issue(stage.alice, "Ünsigned? <b>");
  const { headers, text } = await receiver.next();
  for (const family of ["forgejo", "gitea", "gogs"]) {
    expect(headers[`x-${family}-signature`]).toBe(hmac("sha256", text));
  }
  expect(headers["x-hub-signature"]).toBe(`sha1=${hmac("sha1", text)}`);
  expect(await new Webhooks({ secret: SECRET }).verify(text, String(headers["x-hub-signature-256"]))).toBe(true);
});

test("without a secret the signatures are there and empty", async () => {
  const receiver = await hooks.receive();
  const repo = await stage.repo();
  const config = { url: receiver.url, content_type: "json" };
  await hooks.on(repo, receiver, { config });
  await repo.issue(stage.alice, "One");
  const { headers } = await receiver.next();
  expect(headers["x-forgejo-signature"]).toBe("");
  expect(headers["x-hub-signature-256"]).toBe("sha256=");
});

test("a hook for forms carries the JSON that is signed in the field payload", async () => {
  const receiver = await hooks.receive();
  const repo = await stage.repo();
  const config = { url: receiver.url, content_type: "form", secret: SECRET };
  await hooks.on(repo, receiver, { config });
  await repo.issue(stage.alice, "One");
  const { headers, text, body } = await receiver.next();
  expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
  expect(body.issue.title).toBe("One");
  expect(headers["x-gitea-signature"]).toBe(hmac("sha256", new URLSearchParams(text).get("payload") ?? ""));
});

test("push tells ref, commits, and who pushed", async () => {
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
  const pull = await repo.propose(stage.alice, "topic");
  await expectStatus(201, stage.bob.patch(pull.api, { assignees: [stage.bob.name] }));
  const delivery = await receiver.nextOf("pull_request_assign");
  expect(nameOf(delivery)).toBe("pull_request pull_request_assign assigned");
  expect(delivery.body).toMatchObject({ ...points(repo, stage.bob), pull_request: { number: pull.number } });
});

test("a request for review tells whom it asks, also when it is taken back", async () => {
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.hooked();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "topic" }));
  expect((await receiver.nextOf("create")).body).toMatchObject({
    ...points(repo, stage.bob),
    ref: "topic",
    ref_type: "branch",
  });
  await expectStatus(204, stage.bob.delete(`${repo.api}/branches/topic`));
  expect((await receiver.nextOf("delete")).body).toMatchObject({ ref: "topic", ref_type: "branch" });
});
