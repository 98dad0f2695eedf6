/** Issues, their comments and timeline, the search over all repositories, and pages of lists. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { titles, types, useStage } from "./stage.ts";

const stage = useStage();
const EMPTY = { auto_init: false };
const label = async (repo: { api: string }, name: string) =>
  (await expectStatus(201, stage.bob.post(`${repo.api}/labels`, { name, color: "#ff0000" }))).body;

test("an issue has the fields that Forgejo answers", async () => {
  const repo = await stage.repo(EMPTY);
  const issue = await repo.issue(stage.alice, "Question", { body: "Which one?" });
  expect(issue).toMatchObject({
    number: 1,
    title: "Question",
    body: "Which one?",
    state: "open",
    comments: 0,
    closed_at: null,
    pull_request: null,
    user: { login: stage.alice.name },
    html_url: `${repo.url}/issues/1`,
    repository: { name: repo.name, owner: stage.org, full_name: repo.path },
  });
  expect((await stage.carol.get(`${repo.api}/issues/1`)).body).toMatchObject({ id: issue.id, title: "Question" });
});

test("issues of one repository are numbered from 1 without gaps, also when they come at once", async () => {
  const repo = await stage.repo(EMPTY);
  const made = await Promise.all(["a", "b", "c", "d"].map((title) => repo.issue(stage.alice, title)));
  expect(made.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4]);
});

test("labels and dates of a reader's new issue are dropped without an error", async () => {
  const repo = await stage.repo(EMPTY);
  const wish = { labels: [(await label(repo, "bug")).id], due_date: "2030-01-01T00:00:00Z" };
  expect(await repo.issue(stage.alice, "By a reader", wish)).toMatchObject({ labels: [], due_date: null });
  const kept = await repo.issue(stage.bob, "By a writer", wish);
  expect(kept.labels).toMatchObject([{ name: "bug", color: "ff0000" }]);
  expect(kept.due_date).toMatch(/^20(29-12-31|30-01-01)T/);
});

test("assignees of a reader's new issue are dropped without an error; a writer assigns readers too", async () => {
  const repo = await stage.repo(EMPTY);
  const wish = { assignees: [stage.bob.name, stage.carol.name] };
  expect((await repo.issue(stage.alice, "By a reader", wish)).assignees).toBeNull();
  const { assignees } = await repo.issue(stage.bob, "By a writer", wish);
  expect(assignees.map(({ login }: { login: string }) => login).sort()).toEqual([stage.bob.name, stage.carol.name]);
});

test("who cannot read a repository is told that its issues do not exist", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "Secret");
  for (const path of ["/issues", "/issues/1", "/issues/1/comments", "/issues/1/timeline", "/labels"]) {
    expect((await stage.mallory.get(repo.api + path)).status, path).toBe(404);
  }
  expect((await stage.mallory.post(`${repo.api}/issues`, { title: "x" })).status).toBe(404);
  expect((await stage.mallory.patch(`${repo.api}/issues/1`, { title: "x" })).status).toBe(404);
  expect((await stage.mallory.post(`${repo.api}/issues/1/comments`, { body: "x" })).status).toBe(404);
  expect(titles(await stage.mallory.get("/repos/issues/search?state=all"))).toEqual([]);
});

test("an issue without a title, or with labels by name, is refused", async () => {
  const repo = await stage.repo(EMPTY);
  const refused = async (body: object) => (await stage.bob.post(`${repo.api}/issues`, body)).status;
  expect(await refused({})).toBe(422);
  expect(await refused({ title: "" })).toBe(422);
  expect(await refused({ title: "x", labels: ["bug"] })).toBe(422);
  expect((await stage.bob.get(`${repo.api}/issues`)).body).toEqual([]);
});

test("an issue cannot be opened for somebody unknown, or for somebody who cannot read it", async () => {
  const repo = await stage.repo(EMPTY);
  for (const name of ["nobody-at-all", stage.mallory.name]) {
    const answer = await stage.bob.post(`${repo.api}/issues`, { title: "x", assignees: [name] });
    expect(answer.status, name).toBe(422);
  }
});

test("author and writers edit an issue, other readers do not", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  const edit = (who: typeof stage.alice, change: object) => who.patch(`${repo.api}/issues/1`, change);
  expect((await edit(stage.carol, { title: "Mine" })).status).toBe(403);
  expect((await expectStatus(201, edit(stage.alice, { title: "Two", body: "more" }))).body).toMatchObject({
    title: "Two",
    body: "more",
  });
  expect((await expectStatus(201, edit(stage.bob, { body: "by a writer" }))).body.title).toBe("Two");
});

test("assignees are set by writers as a whole, and ignored from the author who may only read", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  const assign = async (who: typeof stage.alice, ...assignees: string[]) => {
    const { body } = await expectStatus(201, who.patch(`${repo.api}/issues/1`, { assignees }));
    return (body.assignees ?? []).map(({ login }: { login: string }) => login).sort();
  };
  const [alice, bob] = [stage.alice.name, stage.bob.name];
  expect(await assign(stage.bob, bob, alice)).toEqual([alice, bob]);
  expect(await assign(stage.alice, alice)).toEqual([alice, bob]);
  expect(await assign(stage.bob, alice)).toEqual([alice]);
  expect(await assign(stage.bob)).toEqual([]);
});

test("an issue is closed and opened again by its author", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  const set = async (state: string) =>
    (await expectStatus(201, stage.alice.patch(`${repo.api}/issues/1`, { state }))).body;
  expect(await set("closed")).toMatchObject({ state: "closed", closed_at: expect.any(String) });
  expect(titles(await stage.alice.get(`${repo.api}/issues`))).toEqual([]);
  expect(titles(await stage.alice.get(`${repo.api}/issues?state=closed`))).toEqual(["One"]);
  expect(await set("open")).toMatchObject({ state: "open", closed_at: null });
});

test("a word that is no state means open, an empty title is no change, and neither is an error", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  const change = (body: object) => expectStatus(201, stage.alice.patch(`${repo.api}/issues/1`, body));
  await change({ state: "closed" });
  expect((await change({ state: "done" })).body.state).toBe("open");
  expect((await change({ title: "" })).body.title).toBe("One");
});

test("an unknown number is not found", async () => {
  const repo = await stage.repo(EMPTY);
  for (const path of ["/issues/9", "/issues/9/labels", "/issues/comments/999999"]) {
    expect((await stage.bob.get(repo.api + path)).status, path).toBe(404);
  }
  expect((await stage.bob.patch(`${repo.api}/issues/9`, { title: "x" })).status).toBe(404);
  const unknownIssue = `${repo.api}/issues/9`;
  // Forgejo does not tell this from an accident of its own
  const unknown = stage.kind === "Forgejo" ? 500 : 404;
  expect((await stage.bob.get(`${unknownIssue}/comments`)).status).toBe(unknown);
  expect((await stage.bob.get(`${unknownIssue}/timeline`)).status).toBe(unknown);
  expect((await stage.bob.post(`${unknownIssue}/comments`, { body: "x" })).status).toBe(unknown);
});

test("comments are listed in the order in which they were written, and counted", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  for (const body of ["first", "second"])
    await expectStatus(201, stage.bob.post(`${repo.api}/issues/1/comments`, { body }));
  const listed = (await stage.alice.get(`${repo.api}/issues/1/comments`)).body;
  expect(listed.map((comment: { body: string }) => comment.body)).toEqual(["first", "second"]);
  expect(listed[1]).toMatchObject({ user: { login: stage.bob.name }, issue_url: `${repo.url}/issues/1` });
  expect((await stage.alice.get(`${repo.api}/issues/1`)).body.comments).toBe(2);
});

test("a comment is changed and deleted by its author or who may write to the repository alone", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  const { body } = await expectStatus(201, stage.bob.post(`${repo.api}/issues/1/comments`, { body: "hm" }));
  const place = `${repo.api}/issues/comments/${body.id}`;
  expect((await stage.alice.patch(place, { body: "x" })).status).toBe(403);
  expect((await stage.alice.delete(place)).status).toBe(403);
  expect((await expectStatus(200, stage.bob.patch(place, { body: "changed" }))).body.body).toBe("changed");
  await expectStatus(204, stage.admin.put(`${repo.api}/collaborators/${stage.carol.name}`, { permission: "write" }));
  expect((await expectStatus(200, stage.carol.patch(place, { body: "by a writer" }))).body).toMatchObject({
    body: "by a writer",
    user: { login: stage.bob.name },
  });
  await expectStatus(204, stage.carol.delete(place));
  expect((await stage.alice.get(`${repo.api}/issues/1/comments`)).body).toEqual([]);
});

test("an empty comment is refused", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  expect((await stage.alice.post(`${repo.api}/issues/1/comments`, { body: "" })).status).toBe(422);
});

test("the comments of a whole repository are paged and can be asked for since a moment", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  for (const body of ["a", "b", "c"])
    await expectStatus(201, stage.alice.post(`${repo.api}/issues/1/comments`, { body }));
  const { body, headers } = await stage.alice.get(`${repo.api}/issues/comments?limit=2&page=2`);
  expect(body).toMatchObject([{ body: "c" }]);
  expect(headers.get("x-total-count")).toBe("3");
  expect((await stage.alice.get(`${repo.api}/issues/comments?since=2099-01-01T00:00:00Z`)).body).toEqual([]);
  expect((await stage.alice.get(`${repo.api}/issues/comments?since=yesterday`)).status).toBe(422);
});

test("the search finds what the caller may see, by state, text and owner", async () => {
  const repo = await stage.repo(EMPTY);
  const mark = stage.fresh("mark");
  await repo.issue(stage.alice, `Open ${mark}`);
  await repo.issue(stage.alice, `Shut ${mark}`, { closed: true });
  const hidden = await stage.repoOf(stage.bob, EMPTY);
  await hidden.issue(stage.bob, `Hidden ${mark}`);
  const search = async (query: string) => titles(await stage.alice.get(`/repos/issues/search?q=${mark}&${query}`));
  expect(await search("")).toEqual([`Open ${mark}`]);
  expect((await search("state=all")).sort()).toEqual([`Open ${mark}`, `Shut ${mark}`]);
  expect(await search(`owner=${stage.org}&state=closed`)).toEqual([`Shut ${mark}`]);
  expect(await search("type=pulls&state=all")).toEqual([]);
  expect((await stage.alice.get("/repos/issues/search?team=readers")).status).toBe(400);
});

test("each relation flag of the search is the caller's, or of whom an admin acts for; two are both demanded", async () => {
  const repo = await stage.repo(EMPTY);
  const dave = await stage.user("dave");
  await expectStatus(204, stage.admin.put(`${repo.api}/collaborators/${dave.name}`, { permission: "read" }));
  await repo.issue(dave, "By dave");
  await repo.issue(stage.bob, "For dave", { assignees: [dave.name] });
  const search = async (query: string) => titles(await dave.get(`/repos/issues/search?${query}`));
  expect(await search("created=true")).toEqual(["By dave"]);
  expect(await search("assigned=true")).toEqual(["For dave"]);
  expect(await search("created=true&assigned=true")).toEqual([]);
  const sudo = await stage.admin.get("/repos/issues/search?assigned=true", { sudo: dave.name });
  expect(titles(sudo)).toEqual(["For dave"]);
});

test("since and before compare whole seconds of the last change, both inclusive", async () => {
  const repo = await stage.repo(EMPTY);
  const { updated_at } = await repo.issue(stage.alice, "Now");
  const later = new Date(Date.parse(updated_at) + 1000).toISOString();
  for (const list of [`/repos/issues/search?owner=${stage.org}`, `${repo.api}/issues?state=open`]) {
    const found = async (query: string) => titles(await stage.alice.get(`${list}&${query}`)).includes("Now");
    expect(await found(`since=${encodeURIComponent(updated_at)}`)).toBe(true);
    expect(await found(`before=${encodeURIComponent(updated_at)}`)).toBe(true);
    expect(await found(`since=${later}`)).toBe(false);
  }
});

test("a list is filtered by author, assignee and kind; an unknown name is not found", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "By alice");
  await repo.issue(stage.bob, "For alice", { assignees: [stage.alice.name] });
  const list = async (query: string) => titles(await stage.carol.get(`${repo.api}/issues?${query}`));
  expect(await list(`created_by=${stage.alice.name}`)).toEqual(["By alice"]);
  expect(await list(`assigned_by=${stage.alice.name}`)).toEqual(["For alice"]);
  expect(await list("type=pulls")).toEqual([]);
  expect((await stage.carol.get(`${repo.api}/issues?created_by=nobody-at-all`)).status).toBe(404);
});

test("lists are cut into pages, newest first, with a total and links to the neighbours", async () => {
  const repo = await stage.repo(EMPTY);
  for (let number = 1; number <= 7; number += 1) await repo.issue(stage.alice, `Issue ${number}`);
  const page = await stage.alice.get(`${repo.api}/issues?limit=2&page=2&state=all`);
  expect(titles(page)).toEqual(["Issue 5", "Issue 4"]);
  expect(page.headers.get("x-total-count")).toBe("7");
  const link = page.headers.get("link") ?? "";
  expect(link).toContain(`<${stage.url}/api/v1${repo.api}/issues?limit=2&page=3&state=all>; rel="next"`);
  for (const relation of ["last", "first", "prev"]) expect(link).toContain(`rel="${relation}"`);
  const last = await stage.alice.get(`${repo.api}/issues?limit=2&page=4`);
  expect(titles(last)).toEqual(["Issue 1"]);
  expect(last.headers.get("link") ?? "").not.toContain('rel="next"');
  expect(titles(await stage.alice.get(`${repo.api}/issues?limit=2&page=99`))).toEqual([]);
});

test("a limit of nothing is the default, one above the maximum is the maximum; the search has a default of its own", async () => {
  const { body: settings } = await stage.alice.get("/settings/api");
  const repo = await stage.repo(EMPTY);
  await Promise.all(Array.from({ length: 35 }, (_, index) => repo.issue(stage.alice, `Issue ${index}`)));
  expect(settings.default_paging_num).toBe(30);
  expect((await stage.alice.get(`${repo.api}/issues?limit=-1`)).body).toHaveLength(30);
  expect((await stage.alice.get(`${repo.api}/issues?limit=0`)).body).toHaveLength(30);
  expect((await stage.alice.get(`${repo.api}/issues?limit=1000`)).body).toHaveLength(35);
  expect((await stage.alice.get(`/repos/issues/search?owner=${stage.org}`)).body).toHaveLength(20);
  expect((await stage.alice.get(`${repo.api}/issues?limit=nonsense`)).body).toHaveLength(30);
});

test("labels are put on an issue by writers, by id or by name, and unknown ones in a filter are ignored", async () => {
  const repo = await stage.repo(EMPTY);
  const [bug, later] = [await label(repo, "bug"), await label(repo, "later")];
  await repo.issue(stage.alice, "One");
  const place = `${repo.api}/issues/1/labels`;
  expect((await stage.alice.post(place, { labels: [bug.id] })).status).toBe(403);
  expect((await expectStatus(200, stage.bob.post(place, { labels: [bug.id] }))).body).toMatchObject([{ name: "bug" }]);
  if (stage.major >= 15) await expectStatus(200, stage.bob.post(place, { labels: ["later"] }));
  else await expectStatus(200, stage.bob.post(place, { labels: [later.id] }));
  expect(titles(await stage.alice.get(`${repo.api}/issues?labels=bug`))).toEqual(["One"]);
  expect(titles(await stage.alice.get(`${repo.api}/issues?labels=never-heard-of`))).toEqual(["One"]);
  await expectStatus(204, stage.bob.delete(`${place}/${bug.id}`));
  expect((await stage.bob.get(place)).body).toMatchObject([{ name: "later" }]);
  expect((await expectStatus(200, stage.bob.put(place, { labels: [bug.id] }))).body).toMatchObject([{ name: "bug" }]);
  await expectStatus(204, stage.bob.delete(place));
  expect((await stage.bob.get(place)).body).toEqual([]);
});

test("labels of the organization serve all its repositories, and an exclusive one drives out its like", async () => {
  const repo = await stage.repo(EMPTY);
  const scope = stage.fresh("priority");
  const orgLabel = async (name: string) =>
    (
      await expectStatus(
        201,
        stage.admin.post(`/orgs/${stage.org}/labels`, { name: `${scope}/${name}`, color: "#0000ff", exclusive: true }),
      )
    ).body;
  const [low, high] = [await orgLabel("low"), await orgLabel("high")];
  await repo.issue(stage.alice, "One");
  await expectStatus(200, stage.bob.post(`${repo.api}/issues/1/labels`, { labels: [low.id] }));
  const { body } = await expectStatus(200, stage.bob.post(`${repo.api}/issues/1/labels`, { labels: [high.id] }));
  expect(body).toMatchObject([{ name: `${scope}/high` }]);
});

test("the list of a repository is filtered by its own labels alone, the search also by the organization's", async () => {
  const repo = await stage.repo(EMPTY);
  const bug = await label(repo, "bug");
  await label(repo, "unused");
  const name = stage.fresh("wide");
  const wide = (await expectStatus(201, stage.admin.post(`/orgs/${stage.org}/labels`, { name, color: "#0000ff" })))
    .body;
  await repo.issue(stage.bob, "Both", { labels: [bug.id, wide.id] });
  await repo.issue(stage.bob, "None");
  const list = async (labels: string) => titles(await stage.alice.get(`${repo.api}/issues?labels=${labels}`)).sort();
  expect(await list("bug")).toEqual(["Both"]);
  expect(await list("unused")).toEqual([]);
  expect(await list(name)).toEqual(["Both", "None"]);
  expect(titles(await stage.alice.get(`/repos/issues/search?labels=${name}`))).toEqual(["Both"]);
});

test("a label is read, renamed and deleted, by writers alone", async () => {
  const repo = await stage.repo(EMPTY);
  const { id } = await label(repo, "bug");
  expect((await stage.alice.post(`${repo.api}/labels`, { name: "x", color: "#ff0000" })).status).toBe(403);
  expect((await stage.bob.post(`${repo.api}/labels`, { name: "x", color: "red" })).status).toBe(422);
  const { body } = await expectStatus(200, stage.bob.patch(`${repo.api}/labels/${id}`, { name: "fault" }));
  expect(body).toMatchObject({ id, name: "fault", color: "ff0000" });
  expect((await stage.alice.get(`${repo.api}/labels/${id}`)).body.name).toBe("fault");
  await expectStatus(204, stage.bob.delete(`${repo.api}/labels/${id}`));
  expect((await stage.alice.get(`${repo.api}/labels`)).body).toEqual([]);
});

test("the timeline tells everything that happened, oldest first", async () => {
  const repo = await stage.repo(EMPTY);
  const bug = await label(repo, "bug");
  await repo.issue(stage.alice, "One");
  const place = `${repo.api}/issues/1`;
  await expectStatus(201, stage.bob.patch(place, { title: "Two", assignees: [stage.bob.name] }));
  await expectStatus(200, stage.bob.post(`${place}/labels`, { labels: [bug.id] }));
  await expectStatus(201, stage.alice.post(`${place}/comments`, { body: "hello" }));
  await expectStatus(201, stage.alice.patch(place, { state: "closed" }));
  const { body } = await stage.alice.get(`${place}/timeline`);
  expect(types(body)).toEqual(["change_title", "assignees", "label", "comment", "close"]);
  expect(body[0]).toMatchObject({ old_title: "One", new_title: "Two" });
  expect(body[1]).toMatchObject({ assignee: { login: stage.bob.name }, removed_assignee: false });
  expect(body[2]).toMatchObject({ label: { name: "bug" }, body: "1" });
});

test("an archived repository takes no new issue and no comment", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  await expectStatus(200, stage.admin.patch(repo.api, { archived: true }));
  expect((await stage.alice.post(`${repo.api}/issues`, { title: "x" })).status).toBe(423);
  expect((await stage.alice.post(`${repo.api}/issues/1/comments`, { body: "x" })).status).toBe(423);
});

test("a repository whose issues are off has none", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  await expectStatus(200, stage.admin.patch(repo.api, { has_issues: false }));
  expect((await stage.alice.get(`${repo.api}/issues/1`)).status).toBe(404);
  expect((await stage.alice.post(`${repo.api}/issues`, { title: "x" })).status).toBe(404);
});

test("a list of nothing but pull requests is not found where those are off", async () => {
  const repo = await stage.repo(EMPTY);
  await repo.issue(stage.alice, "One");
  await expectStatus(200, stage.admin.patch(repo.api, { has_pull_requests: false }));
  expect((await stage.alice.get(`${repo.api}/issues?type=pulls`)).status).toBe(404);
  for (const query of ["", "?type=issues"]) {
    expect(titles(await expectStatus(200, stage.alice.get(`${repo.api}/issues${query}`))), query).toEqual(["One"]);
  }
});
