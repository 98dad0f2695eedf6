/** Reviews: whose counts, for how long, drafts, comments on lines, dismissal, and requests for them. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { becomes, type Proposal, type Repo, review, useStage } from "./stage.ts";

const stage = useStage();

/** Only olga's approval counts, and a new change takes it away. */
const reviewed = () => ({
  required_approvals: 1,
  enable_approvals_whitelist: true,
  approvals_whitelist_username: [stage.olga.name],
  block_on_rejected_reviews: true,
  dismiss_stale_approvals: true,
});
const TOO_FEW = "405 not allowed to merge [reason: Does not have enough approvals]";

/** A push by AGit dismisses in 7, but calls nothing stale. */
const gone = () => (stage.major >= 15 ? "APPROVED official stale dismissed" : "APPROVED official dismissed");

/** A pull request of alice's by AGit. */
async function proposed(rule: object = {}) {
  const repo = await stage.repo();
  await repo.protect({ ...reviewed(), ...rule });
  return { repo, pull: await repo.propose(stage.alice, "topic") };
}

/** A pull request of bob's from a branch, and a clone of that. */
async function branched(rule: object) {
  const repo = await stage.repo();
  await repo.protect({ ...reviewed(), ...rule });
  const pull = await repo.pullFromBranch(stage.bob, "topic");
  return { repo, pull, clone: await repo.clone(stage.bob, "-b", "topic") };
}

/** Each review in a line: its state, and what is true of it. */
const flags = async (repo: Repo, { number }: Proposal): Promise<string[]> =>
  (await repo.get(`/pulls/${number}/reviews`)).map(({ state, official, stale, dismissed }: Record<string, unknown>) =>
    [state, official && "official", stale && "stale", dismissed && "dismissed"].filter(Boolean).join(" "),
  );

test("an approval by whom the rule names is official, and says which commit it is about", async () => {
  const { pull } = await proposed();
  const { body } = await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  expect(body).toMatchObject({
    state: "APPROVED",
    official: true,
    stale: false,
    dismissed: false,
    commit_id: pull.head,
    user: { login: stage.olga.name },
    comments_count: 0,
  });
  expect((await stage.olga.get(`${pull.api}/reviews/${body.id}`)).body).toEqual(body);
});

test("every reader may approve, and so may a writer: where the rule names others, neither is official", async () => {
  const { repo, pull } = await proposed();
  for (const who of [stage.carol, stage.bob]) {
    const { body } = await expectStatus(200, review(who, pull, "APPROVED"));
    expect(body).toMatchObject({ state: "APPROVED", official: false });
  }
  expect(await repo.merge(stage.bob, pull)).toBe(TOO_FEW);
});

test("whom the rule names needs no more than the right to read", async () => {
  const { repo, pull } = await proposed({ approvals_whitelist_username: [stage.carol.name] });
  await expectStatus(200, review(stage.carol, pull, "APPROVED"));
  expect(await flags(repo, pull)).toEqual(["APPROVED official"]);
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
});

test("where the rule names nobody, the approvals of writers are official", async () => {
  const { repo, pull } = await proposed({ enable_approvals_whitelist: false });
  await expectStatus(200, review(stage.carol, pull, "APPROVED"));
  await expectStatus(200, review(stage.bob, pull, "APPROVED"));
  expect(await flags(repo, pull)).toEqual(["APPROVED", "APPROVED official"]);
});

test("a review that was given before the rule stays what it was", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "topic");
  await expectStatus(200, review(stage.carol, pull, "APPROVED"));
  await repo.protect({ ...reviewed(), approvals_whitelist_username: [stage.carol.name] });
  expect(await flags(repo, pull)).toEqual(["APPROVED"]);
  expect(await repo.merge(stage.bob, pull)).toBe(TOO_FEW);
});

test("nobody approves or rejects an own pull request", async () => {
  const { pull } = await proposed();
  const refused = async (event: string) => {
    const { status, body } = await review(stage.alice, pull, event, { body: "x" });
    return `${status} ${body.message}`;
  };
  expect(await refused("APPROVED")).toBe("422 approve your own pull is not allowed");
  expect(await refused("REQUEST_CHANGES")).toBe("422 reject your own pull is not allowed");
  await expectStatus(200, review(stage.alice, pull, "COMMENT", { body: "ready" }));
});

test("a rejection, or a comment, needs words", async () => {
  const { pull } = await proposed();
  expect((await review(stage.olga, pull, "REQUEST_CHANGES")).status).toBe(422);
  expect((await review(stage.olga, pull, "COMMENT")).status).toBe(422);
  const { body } = await expectStatus(200, review(stage.olga, pull, "REQUEST_CHANGES", { body: "not so" }));
  expect(body).toMatchObject({ state: "REQUEST_CHANGES", body: "not so", official: true });
});

test("requested changes block until the same reviewer approves: of one person's verdicts the newest counts", async () => {
  const { repo, pull } = await proposed({ required_approvals: 0 });
  await expectStatus(200, review(stage.olga, pull, "REQUEST_CHANGES", { body: "no" }));
  expect(await repo.merge(stage.bob, pull)).toBe("405 not allowed to merge [reason: There are requested changes]");
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  const reviews = await repo.get(`/pulls/${pull.number}/reviews`);
  expect(reviews).toMatchObject([
    { state: "REQUEST_CHANGES", official: false },
    { state: "APPROVED", official: true },
  ]);
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
});

test("a second approval by the same person takes the weight of the first", async () => {
  const { repo, pull } = await proposed();
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  expect(await repo.get(`/pulls/${pull.number}/reviews`)).toMatchObject([{ official: false }, { official: true }]);
});

test("a comment takes no weight from an approval", async () => {
  const { repo, pull } = await proposed();
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await expectStatus(200, review(stage.olga, pull, "COMMENT", { body: "well done" }));
  expect(await flags(repo, pull)).toEqual(["APPROVED official", "COMMENT"]);
});

test("a push by AGit that changes an approved file dismisses the approval", async () => {
  const { repo, pull } = await proposed();
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await pull.clone.commit("topic", "2");
  await repo.repropose(pull, "topic");
  await becomes(() => flags(repo, pull)).toEqual([gone()]);
  expect(await repo.merge(stage.bob, pull)).toBe(TOO_FEW);
});

test("a push by AGit that only adds a file dismisses the approval in 15; in 7 it is kept, and counts", async () => {
  const { repo, pull } = await proposed();
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await pull.clone.commit("one-more", "x");
  const next = await repo.repropose(pull, "topic");
  if (stage.major >= 15) await becomes(() => flags(repo, pull)).toEqual([gone()]);
  // 7 compares the two commits the wrong way round, so only who merges can see that this head was not approved
  const merged = await repo.merge(stage.bob, pull, { head_commit_id: next });
  expect(merged).toBe(stage.major >= 15 ? TOO_FEW : "merged");
  const [approval] = await repo.get(`/pulls/${pull.number}/reviews`);
  expect(approval.commit_id).toBe(pull.head);
});

test("a push to the head's branch dismisses the approval, whatever it changes", async () => {
  const repo = await stage.repo();
  await repo.protect(reviewed());
  const pull = await repo.pullFromBranch(stage.bob, "topic");
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await repo.write(stage.bob, "one-more", "x", { branch: "topic" });
  await becomes(() => flags(repo, pull)).toEqual(["APPROVED official stale dismissed"]);
});

test("a rebase that proposes the very same change keeps the approval", async () => {
  const { repo, pull, clone } = await branched({ enable_push: true });
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await repo.write(stage.bob, "elsewhere");
  await clone.get("fetch", "-q", "origin");
  await clone.get("rebase", "-q", "origin/main");
  await clone.get("push", "-q", "--force", "origin", "HEAD:topic");
  const head = await clone.get("rev-parse", "HEAD");
  await becomes(async () => (await stage.bob.get(pull.api)).body.head.sha).toBe(head);
  expect(await repo.merge(stage.olga, pull, { head_commit_id: head })).toBe("merged");
  expect(await flags(repo, pull)).toEqual(["APPROVED official"]);
});

test("stale approvals count where the rule neither dismisses nor ignores them", async () => {
  const { repo, pull } = await branched({ dismiss_stale_approvals: false });
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await repo.write(stage.bob, "more", "x", { branch: "topic" });
  await becomes(() => flags(repo, pull)).toEqual(["APPROVED official stale"]);
  expect(await repo.merge(stage.olga, pull)).toBe("merged");
});

test("an ignored stale approval counts again when its commit is the head again", async () => {
  const { repo, pull, clone } = await branched({ dismiss_stale_approvals: false, ignore_stale_approvals: true });
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await repo.write(stage.bob, "more", "x", { branch: "topic" });
  await becomes(() => flags(repo, pull)).toEqual(["APPROVED official stale"]);
  expect(await repo.merge(stage.olga, pull)).toBe(TOO_FEW);
  await clone.get("push", "-q", "--force", "origin", "HEAD:topic");
  await becomes(() => flags(repo, pull)).toEqual(["APPROVED official"]);
  expect(await repo.merge(stage.olga, pull)).toBe("merged");
});

test("an approval survives a new base: whoever merges has to look at the base", async () => {
  const repo = await stage.repo();
  await repo.protect(reviewed());
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "side" }));
  const pull = await repo.pullFromBranch(stage.bob, "topic", { base: "side" });
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  await expectStatus(201, stage.bob.patch(pull.api, { base: "main" }));
  expect(await repo.merge(stage.bob, pull, { head_commit_id: pull.head })).toBe("merged");
});

test("an approval of an older commit is stale from the start, one of an unknown commit is not taken", async () => {
  const { repo, pull } = await branched({ dismiss_stale_approvals: false });
  const head = await repo.write(stage.bob, "more", "x", { branch: "topic" });
  await becomes(async () => (await stage.bob.get(pull.api)).body.head.sha).toBe(head);
  const { body } = await expectStatus(200, review(stage.olga, pull, "APPROVED", { commit_id: pull.head }));
  // 7 misses a change that only adds a file, here too
  expect(body).toMatchObject({ commit_id: pull.head, stale: stage.major >= 15 });
  const unknown = await review(stage.olga, pull, "APPROVED", { commit_id: "1".repeat(40) });
  expect(unknown.status).toBe(stage.kind === "Forgejo" ? 500 : 422);
});

test("a closed pull request takes comments, but no verdicts", async () => {
  const { pull } = await proposed();
  await expectStatus(201, stage.alice.patch(pull.api, { state: "closed" }));
  await expectStatus(200, review(stage.olga, pull, "COMMENT", { body: "a pity" }));
  const { status } = await review(stage.olga, pull, "APPROVED");
  // 7 does not look
  expect(status).toBe(stage.major >= 15 ? 422 : 200);
});

test("a pending review is its author's alone until it is submitted", async () => {
  const { pull } = await proposed();
  const wish = { body: "thinking", comments: [{ path: "topic", body: "why?", new_position: 1 }] };
  const { body: draft } = await expectStatus(200, review(stage.olga, pull, "PENDING", wish));
  expect(draft).toMatchObject({ state: "PENDING", user: { login: stage.olga.name } });
  expect((await stage.alice.get(`${pull.api}/reviews`)).body).toEqual([]);
  expect((await stage.alice.get(`${pull.api}/reviews/${draft.id}`)).status).toBe(404);
  expect((await stage.olga.get(`${pull.api}/reviews`)).body).toHaveLength(1);
  const submission = { event: "APPROVED", body: "fine" };
  const { body } = await expectStatus(200, stage.olga.post(`${pull.api}/reviews/${draft.id}`, submission));
  expect(body).toMatchObject({ id: draft.id, state: "APPROVED", body: "fine", official: true, comments_count: 1 });
  expect((await stage.olga.post(`${pull.api}/reviews/${draft.id}`, submission)).status).toBe(422);
});

test("comments on lines are part of their review", async () => {
  const { pull } = await proposed();
  const wish = { body: "hm", comments: [{ path: "topic", body: "why 1?", new_position: 1 }] };
  const { body } = await expectStatus(200, review(stage.carol, pull, "COMMENT", wish));
  expect(body).toMatchObject({ state: "COMMENT", comments_count: 1 });
  const comments = (await stage.alice.get(`${pull.api}/reviews/${body.id}/comments`)).body;
  expect(comments).toMatchObject([
    { path: "topic", body: "why 1?", position: 1, original_position: 0, user: { login: stage.carol.name } },
  ]);
  expect(comments[0].diff_hunk).toContain("+1");
});

test("what is said of a line is answered in the same review; its ids and the timeline's count together", async () => {
  const { repo, pull } = await proposed();
  const wish = { body: "hm", comments: [{ path: "topic", body: "why 1?", new_position: 1 }] };
  const given = await expectStatus(200, review(stage.carol, pull, "COMMENT", wish));
  const comments = `${pull.api}/reviews/${given.body.id}/comments`;
  const answer = { path: "topic", body: "it is the first", new_position: 1 };
  const { body } = await expectStatus(200, stage.alice.post(comments, answer));
  expect(body).toMatchObject({ body: answer.body, path: "topic", position: 1, user: { login: stage.alice.name } });
  expect((await stage.carol.get(`${pull.api}/reviews/${given.body.id}`)).body.comments_count).toBe(2);
  const lines: { id: number }[] = (await stage.carol.get(comments)).body;
  const timeline: { id: number; type: string }[] = await repo.get(`/issues/${pull.number}/timeline`);
  const entry = timeline.find(({ type }) => type === "review")?.id ?? 0;
  expect(lines.map(({ id }) => Math.sign(id - entry)).sort()).toEqual([-1, 1]);
  expect(timeline.at(-1)?.id).toBe(entry);
});

test("a review is deleted by an admin of the repository, not by its author", async () => {
  const { repo, pull } = await proposed();
  const { body } = await expectStatus(200, review(stage.carol, pull, "COMMENT", { body: "x" }));
  expect((await stage.alice.delete(`${pull.api}/reviews/${body.id}`)).status).toBe(403);
  await expectStatus(204, stage.admin.delete(`${pull.api}/reviews/${body.id}`));
  expect(await flags(repo, pull)).toEqual([]);
});

test("an admin of the repository dismisses an approval, and takes that back", async () => {
  const { repo, pull } = await proposed();
  const { body } = await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  const place = `${pull.api}/reviews/${body.id}`;
  expect((await stage.bob.post(`${place}/dismissals`, { message: "no" })).status).toBe(403);
  const dismissed = await expectStatus(200, stage.admin.post(`${place}/dismissals`, { message: "no" }));
  expect(dismissed.body).toMatchObject({ state: "APPROVED", dismissed: true });
  expect(await repo.merge(stage.bob, pull)).toBe(TOO_FEW);
  await expectStatus(200, stage.admin.post(`${place}/undismissals`, {}));
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
});

test("reviews come in pages, with a total", async () => {
  const { pull } = await proposed();
  for (const body of ["one", "two", "three"]) await expectStatus(200, review(stage.carol, pull, "COMMENT", { body }));
  const page = await stage.alice.get(`${pull.api}/reviews?limit=2&page=2`);
  expect(page.body).toMatchObject([{ body: "three" }]);
  expect(page.headers.get("x-total-count")).toBe("3");
});

/** How many pull requests of this one's number a search by the reviewer's relation finds in its repository. */
async function found({ api, number }: Proposal, relation: "review_requested" | "reviewed"): Promise<number> {
  const query = `type=pulls&state=all&owner=${stage.org}&limit=50&${relation}=true`;
  const { body } = await expectStatus(200, stage.olga.get(`/repos/issues/search?${query}`));
  return body.filter(
    (pull: { number: number; repository: { full_name: string } }) =>
      pull.number === number && api.startsWith(`/repos/${pull.repository.full_name}/`),
  ).length;
}
const requested = async ({ api }: Proposal): Promise<string[]> =>
  ((await stage.alice.get(api)).body.requested_reviewers ?? []).map(({ login }: { login: string }) => login);

test("a request for review is found by the reviewer's search until a verdict; its name stays", async () => {
  const { pull } = await proposed();
  const { name } = stage.olga;
  const asked = await stage.alice.post(`${pull.api}/requested_reviewers`, { reviewers: [name] });
  expect(asked).toMatchObject({ status: 201, body: [{ state: "REQUEST_REVIEW", user: { login: name } }] });
  expect(await requested(pull)).toEqual([name]);
  expect(await found(pull, "review_requested")).toBe(1);
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  expect(await found(pull, "review_requested")).toBe(0);
  expect(await found(pull, "reviewed")).toBe(1);
  expect(await requested(pull)).toEqual([name]);
});

test("a review that only comments answers a request too", async () => {
  const { pull } = await proposed();
  await expectStatus(201, stage.alice.post(`${pull.api}/requested_reviewers`, { reviewers: [stage.olga.name] }));
  await expectStatus(200, review(stage.olga, pull, "COMMENT", { body: "soon" }));
  expect(await found(pull, "review_requested")).toBe(0);
});

test("a reviewer can read and is not the author; the request is taken back", async () => {
  const { pull } = await proposed();
  const request = async (name: string) =>
    (await stage.alice.post(`${pull.api}/requested_reviewers`, { reviewers: [name] })).status;
  expect(await request(stage.alice.name)).toBe(422);
  expect(await request(stage.mallory.name)).toBe(422);
  expect(await request("nobody-at-all")).toBe(404);
  expect(await request(stage.carol.name)).toBe(201);
  const wish = { reviewers: [stage.carol.name] };
  await expectStatus(204, stage.alice.delete(`${pull.api}/requested_reviewers`, wish));
  expect(await requested(pull)).toEqual([]);
});

test("everybody whom a team lets in asks for reviews, a stranger does not", async () => {
  const { pull } = await proposed();
  const request = async (who: typeof stage.bob) =>
    (await who.post(`${pull.api}/requested_reviewers`, { reviewers: [stage.olga.name] })).status;
  expect(await request(stage.mallory)).toBe(404);
  expect(await request(stage.carol)).toBe(201);
});

test("being asked again takes the weight of an approval, until the request is taken back", async () => {
  const { repo, pull } = await proposed();
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  const asked = { reviewers: [stage.olga.name] };
  await expectStatus(201, stage.alice.post(`${pull.api}/requested_reviewers`, asked));
  expect(await flags(repo, pull)).toEqual(["APPROVED", "REQUEST_REVIEW official"]);
  await expectStatus(204, stage.alice.delete(`${pull.api}/requested_reviewers`, asked));
  expect(await flags(repo, pull)).toEqual(["APPROVED official"]);
});

test("an official request blocks where the rule says so", async () => {
  const { repo, pull } = await proposed({ required_approvals: 0, block_on_official_review_requests: true });
  const asked = { reviewers: [stage.olga.name] };
  await expectStatus(201, stage.alice.post(`${pull.api}/requested_reviewers`, asked));
  expect(await repo.merge(stage.bob, pull)).toBe(
    "405 not allowed to merge [reason: There are official review requests]",
  );
});
