/** Webhooks: who hears of what, making and changing them, and what becomes of a delivery that nobody takes. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { hmac, hookFor, nameOf, SECRET, useHooks } from "./hooked.ts";
import { becomes, useStage } from "./stage.ts";

const stage = useStage();
const hooks = useHooks(stage);

test("a hook of an organization hears of its repositories, also of new ones, and of no others", async () => {
  const receiver = await hooks.receive();
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
  const receiver = await hooks.receive();
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
  const receiver = await hooks.receive();
  const { body } = await expectStatus(201, stage.admin.post("/admin/hooks", hookFor(receiver)));
  const ids = (await stage.admin.get("/admin/hooks")).body.map(({ id }: { id: number }) => id);
  expect(ids).not.toContain(body.id);
});

test("a hook of a repository hears of that one alone, and only its admins see and make hooks", async () => {
  const { repo, receiver } = await hooks.hooked();
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
  const { repo, receiver } = await hooks.hooked();
  await hooks.on(repo, receiver);
  await repo.issue(stage.alice, "One");
  const [one, other] = [await receiver.next(), await receiver.next()];
  expect(one.body.issue.title).toBe("One");
  expect(other.body.issue.title).toBe("One");
  expect(one.headers["x-forgejo-delivery"]).not.toBe(other.headers["x-forgejo-delivery"]);
});

test("umbrella names switch on a family, no name means push; a review that comments is with the comments", async () => {
  const repo = await stage.repo();
  const receiver = await hooks.receive();
  const events = async (wish: string[]): Promise<string[]> => (await hooks.on(repo, receiver, { events: wish })).events;
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
  const { repo, receiver, hook } = await hooks.hooked({ active: false });
  expect(hook.active).toBe(false);
  await hooks.on(repo, receiver, { events: ["issue_comment"] });
  const { number } = await repo.issue(stage.alice, "One");
  await expectStatus(201, stage.alice.post(`${repo.api}/issues/${number}/comments`, { body: "hello" }));
  expect(nameOf(await receiver.next())).toBe("issue_comment issue_comment created");
});

test("a hook of a repository is tried with a push that was none, by an admin, and only if it would hear of one", async () => {
  const { repo, receiver, hook } = await hooks.hooked();
  const tip = await repo.tip();
  await expectStatus(204, stage.admin.post(`${repo.api}/hooks/${hook.id}/tests`));
  const delivery = await receiver.next();
  expect(nameOf(delivery)).toBe("push push");
  expect(delivery.headers["x-gitea-signature"]).toBe(hmac("sha256", delivery.text));
  expect(delivery.body).toMatchObject({
    ...{ ref: "refs/heads/main", before: tip, after: tip, total_commits: 1, commits: [{ id: tip }] },
    ...{ repository: { full_name: repo.path }, sender: { login: stage.admin.name } },
  });
  expect((await stage.alice.post(`${repo.api}/hooks/${hook.id}/tests`)).status).toBe(403);
  expect((await stage.admin.post(`${repo.api}/hooks/999999/tests`)).status).toBe(404);
  const deaf = await hooks.on(repo, receiver, { events: ["issues_only"] });
  await expectStatus(204, stage.admin.post(`${repo.api}/hooks/${deaf.id}/tests`));
  await repo.issue(stage.alice, "One");
  expect(nameOf(await receiver.next())).toBe("issues issues opened");
});

test("a deleted hook hears no more", async () => {
  const { repo, receiver, hook } = await hooks.hooked();
  await expectStatus(204, stage.admin.delete(`${repo.api}/hooks/${hook.id}`));
  await repo.issue(stage.alice, "Before");
  await hooks.on(repo, receiver);
  await repo.issue(stage.alice, "After");
  expect((await receiver.next()).body.issue.title).toBe("After");
});

test("a hook is refused with Forgejo's words, and its secret is never shown", async () => {
  const { repo, receiver, hook } = await hooks.hooked();
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
  const { repo, receiver, hook } = await hooks.hooked({ branch_filter: "main" });
  const change = { active: true, events: ["issues_only"], config: { secret: "another" } };
  const { body } = await expectStatus(200, stage.admin.patch(`${repo.api}/hooks/${hook.id}`, change));
  expect(body).toMatchObject({ events: ["issues"], branch_filter: "", active: true });
  await repo.issue(stage.alice, "One");
  const { headers, text } = await receiver.next();
  expect(headers["x-gitea-signature"]).toBe(hmac("sha256", text));
});

test("a hook with a branch filter hears pushes to those branches alone", async () => {
  const { repo, receiver } = await hooks.hooked({ events: ["push"], branch_filter: "release/*" });
  await repo.write(stage.bob, "a");
  await repo.write(stage.bob, "b", "x", { branch: "main", new_branch: "release/1" });
  expect((await receiver.next()).body.ref).toBe("refs/heads/release/1");
});

test("what a delivery tells of is there for who looks", async () => {
  const { repo, receiver } = await hooks.subscribed();
  const made = repo.issue(stage.alice, "One");
  const { body } = await receiver.next();
  expect(await repo.get(`/issues/${body.issue.number}`)).toMatchObject({ id: body.issue.id, title: "One" });
  await made;
});

test("deliveries of one hook come one after the other, in the order of what happened", async () => {
  const { repo, receiver } = await hooks.subscribed();
  const wanted = Array.from({ length: 8 }, (_, index) => `Number ${index}`);
  for (const title of wanted) await repo.issue(stage.alice, title);
  const heard: string[] = [];
  for (const _ of wanted) heard.push((await receiver.next()).body.issue.title);
  expect(heard).toEqual(wanted);
});

test("a delivery that is answered with a failure is not repeated, and the next ones come", async () => {
  const { repo, receiver } = await hooks.subscribed();
  receiver.status = 500;
  await repo.issue(stage.alice, "One");
  expect((await receiver.next()).body.issue.title).toBe("One");
  receiver.status = 200;
  await repo.issue(stage.alice, "Two");
  expect((await receiver.next()).body.issue.title).toBe("Two");
});

test("what happens while nobody listens is lost, and the next deliveries come", async () => {
  const { repo, hook, receiver: gone } = await hooks.hooked();
  await gone[Symbol.asyncDispose]();
  await repo.issue(stage.alice, "Lost");
  const receiver = await hooks.receive();
  await expectStatus(204, stage.admin.delete(`${repo.api}/hooks/${hook.id}`));
  await hooks.on(repo, receiver);
  await repo.issue(stage.alice, "Heard");
  expect((await receiver.next()).body.issue.title).toBe("Heard");
});

test("a receiver that does not answer holds up nobody but later deliveries", async () => {
  const { repo, receiver } = await hooks.subscribed();
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
  const { repo, receiver } = await hooks.hooked();
  const config = { url: "http://192.0.2.1/hook", content_type: "json" };
  await hooks.on(repo, receiver, { config });
  await repo.issue(stage.alice, "One");
  await repo.issue(stage.alice, "Two");
  // a connection that was tried would be waited for, ten seconds each
  expect((await receiver.next()).body.issue.title).toBe("One");
  expect((await receiver.next()).body.issue.title).toBe("Two");
});
