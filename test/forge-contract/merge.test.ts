/** Merging: who may, what stands in the way, the styles, the named head, what becomes of the branch. */
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { becomes, pushProposal, type Repo, review, types, useStage } from "./stage.ts";

const stage = useStage();
const commitOf = (repo: Repo, ref: string) => repo.get(`/git/commits/${ref}`);
const shas = (commits: { sha: string }[]) => commits.map(({ sha }) => sha);

test("a merge makes a merge commit by whoever merges, closes the pull request and says so everywhere", async () => {
  const repo = await stage.repo();
  const base = await repo.tip();
  const pull = await repo.propose(stage.alice, "plain");
  expect((await stage.bob.get(`${pull.api}/merge`)).status).toBe(404);
  expect(await repo.merge(stage.bob, pull, { head_commit_id: pull.head })).toBe("merged");
  const tip = await repo.tip();
  expect((await stage.alice.get(pull.api)).body).toMatchObject({
    state: "closed",
    merged: true,
    merge_commit_sha: tip,
    merged_by: { login: stage.bob.name },
    merged_at: expect.any(String),
    closed_at: expect.any(String),
  });
  expect((await stage.bob.get(`${pull.api}/merge`)).status).toBe(204);
  const commit = await commitOf(repo, tip);
  expect(shas(commit.parents)).toEqual([base, pull.head]);
  expect(commit.author).toMatchObject({ login: stage.bob.name });
  expect(commit.commit.message).toContain(
    `Merge pull request 'write plain' (#${pull.number}) from ${stage.alice.name}/plain into main`,
  );
  expect((await stage.bob.get(`${repo.api}/raw/plain`)).body).toBe("1");
  expect(types(await repo.get(`/issues/${pull.number}/timeline`))).toContain("merge_pull");
});

test("a title and a message of one's own become the merge commit's", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "told");
  const words = { MergeTitleField: "Take it", MergeMessageField: "because" };
  expect(await repo.merge(stage.bob, pull, words)).toBe("merged");
  expect((await commitOf(repo, "main")).commit.message).toBe("Take it\n\nbecause\n");
});

test("rebase puts the commits on top of the base, by their author and committed by whoever merges", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "rebased");
  const base = await repo.write(stage.bob, "between");
  expect(await repo.merge(stage.bob, pull, { Do: "rebase" })).toBe("merged");
  const tip = await commitOf(repo, "main");
  expect(shas(tip.parents)).toEqual([base]);
  expect(tip.commit).toMatchObject({ author: { name: "client" }, committer: { name: stage.bob.name } });
  expect(tip.commit.message).toContain("write rebased");
});

test("rebase-merge puts a merge commit on top of that", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "both");
  const base = await repo.write(stage.bob, "between");
  expect(await repo.merge(stage.bob, pull, { Do: "rebase-merge" })).toBe("merged");
  const [first, second] = (await commitOf(repo, "main")).parents;
  expect(first.sha).toBe(base);
  expect(shas((await commitOf(repo, second.sha)).parents)).toEqual([base]);
});

test("squash makes one commit by the pull request's author", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "squashed");
  await pull.clone.commit("second", "2");
  await repo.repropose(pull, "squashed");
  const base = await repo.tip();
  expect(await repo.merge(stage.bob, pull, { Do: "squash", MergeTitleField: "one commit" })).toBe("merged");
  const tip = await commitOf(repo, "main");
  expect(shas(tip.parents)).toEqual([base]);
  expect(tip.commit.message).toMatch(/^one commit\n/);
  expect(tip.author).toMatchObject({ login: stage.alice.name });
});

test("fast-forward-only makes no commit, and fails when something lies between", async () => {
  const repo = await stage.repo();
  const [first, second] = [await repo.propose(stage.alice, "first"), await repo.propose(stage.alice, "second")];
  expect(await repo.merge(stage.bob, first, { Do: "fast-forward-only" })).toBe("merged");
  expect(await repo.tip()).toBe(first.head);
  // Forgejo has no answer of its own for it
  const failed = stage.kind === "Forgejo" ? /^500/ : /^409/;
  expect(await repo.merge(stage.bob, second, { Do: "fast-forward-only" })).toMatch(failed);
  expect(await repo.tip()).toBe(first.head);
});

test("a style that is switched off, unknown, or would skip every check is refused", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "style");
  await expectStatus(200, stage.admin.patch(repo.api, { has_pull_requests: true, allow_squash_merge: false }));
  expect(await repo.merge(stage.bob, pull, { Do: "squash" })).toMatch(/^405/);
  expect(await repo.merge(stage.bob, pull, { Do: "manually-merged" })).toMatch(/^405/);
  expect(await repo.merge(stage.bob, pull, { Do: "by-magic" })).toMatch(/^422/);
});

test("only the head that the caller names is merged", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "exact");
  await pull.clone.commit("exact", "2");
  const next = await repo.repropose(pull, "exact");
  expect(await repo.merge(stage.bob, pull, { head_commit_id: pull.head })).toBe("409 head out of date");
  expect(await repo.merge(stage.bob, pull, { head_commit_id: next })).toBe("merged");
});

test("a reader merges nothing, not even an own pull request", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "mine");
  for (const who of [stage.alice, stage.carol]) {
    expect(await repo.merge(who, pull)).toBe("405 User not allowed to merge PR");
  }
});

test("what is merged is not merged again, and a closed one is not found", async () => {
  const repo = await stage.repo();
  const [first, second] = [await repo.propose(stage.alice, "first"), await repo.propose(stage.alice, "second")];
  expect(await repo.merge(stage.bob, first)).toBe("merged");
  const again = await stage.bob.post(`${first.api}/merge`, { Do: "merge" });
  expect(again).toMatchObject({ status: 405, body: { message: "" } });
  await expectStatus(201, stage.alice.patch(second.api, { state: "closed" }));
  expect((await stage.bob.post(`${second.api}/merge`, { Do: "merge" })).status).toBe(404);
  expect((await stage.alice.patch(first.api, { state: "open" })).status).toBe(412);
});

test("a conflict is answered as if it passed by itself", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "torn", "same", "theirs");
  await repo.write(stage.bob, "same", "ours");
  await becomes(async () => (await stage.bob.get(pull.api)).body.mergeable).toBe(false);
  const answer = () => stage.bob.post(`${pull.api}/merge`, { Do: "merge" });
  await becomes(async () => (await answer()).body.message).toBe("Please try again later");
  expect((await answer()).status).toBe(405);
  expect((await stage.bob.get(pull.api)).body.merged).toBe(false);
});

test("without the approvals that the rule asks for nobody merges", async () => {
  const repo = await stage.repo();
  await repo.protect({ required_approvals: 1 });
  const pull = await repo.propose(stage.alice, "ruled");
  const refused = "405 not allowed to merge [reason: Does not have enough approvals]";
  expect(await repo.merge(stage.bob, pull)).toBe(refused);
  await expectStatus(200, review(stage.carol, pull, "APPROVED"));
  expect(await repo.merge(stage.bob, pull)).toBe(refused);
  await expectStatus(200, review(stage.olga, pull, "APPROVED"));
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
});

test("a site admin's force goes past the approvals, but not past the list of who merges", async () => {
  const repo = await stage.repo();
  await repo.protect({ required_approvals: 1, apply_to_admins: true });
  const pull = await repo.propose(stage.alice, "forced");
  const force = { force_merge: true };
  expect(await repo.merge(stage.bob, pull, force)).toMatch(/^405 /);
  const listed = { enable_merge_whitelist: true, merge_whitelist_usernames: [stage.olga.name] };
  await expectStatus(200, stage.admin.patch(`${repo.api}/branch_protections/main`, listed));
  expect(await repo.merge(stage.admin, pull, force)).toBe("405 User not allowed to merge PR");
  expect(await repo.merge(stage.bob, pull, force)).toBe("405 User not allowed to merge PR");
  await expectStatus(200, stage.admin.patch(`${repo.api}/branch_protections/main`, { enable_merge_whitelist: false }));
  expect(await repo.merge(stage.admin, pull, force)).toBe("merged");
});

test("a writer merges by the list although nobody may push there", async () => {
  const repo = await stage.repo();
  await repo.protect({ enable_merge_whitelist: true, merge_whitelist_usernames: [stage.bob.name] });
  const pull = await repo.propose(stage.alice, "listed");
  expect(await repo.merge(stage.olga, pull)).toBe("405 User not allowed to merge PR");
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
});

test("required status checks block until each has succeeded", async () => {
  const repo = await stage.repo();
  await repo.protect({ enable_status_check: true, status_check_contexts: ["ci/*"] });
  const pull = await repo.propose(stage.alice, "checked");
  const blocked = "405 not allowed to merge [reason: Not all required status checks successful]";
  expect(await repo.merge(stage.bob, pull)).toBe(blocked);
  const report = (state: string) =>
    expectStatus(201, stage.bob.post(`${repo.api}/statuses/${pull.head}`, { state, context: "ci/test" }));
  await report("failure");
  expect(await repo.merge(stage.bob, pull)).toBe(blocked);
  await report("success");
  expect(await repo.merge(stage.bob, pull)).toBe("merged");
});

test("an outdated branch blocks where the rule says so", async () => {
  const repo = await stage.repo();
  await repo.protect({ enable_push: true, block_on_outdated_branch: true });
  const clone = await repo.clone(stage.alice);
  await clone.commit("behind", "1");
  await repo.write(stage.bob, "news");
  const number = await pushProposal(clone, "behind");
  const pull = { number, head: "", api: `${repo.api}/pulls/${number}` };
  expect(await repo.merge(stage.bob, pull)).toBe(
    "405 not allowed to merge [reason: The head branch is behind the base branch]",
  );
});

test("the head branch goes with the merge when asked, else it stays", async () => {
  const repo = await stage.repo();
  const [gone, kept] = [await repo.pullFromBranch(stage.bob, "gone"), await repo.pullFromBranch(stage.bob, "kept")];
  expect(await repo.merge(stage.bob, gone, { delete_branch_after_merge: true })).toBe("merged");
  expect(await repo.merge(stage.bob, kept)).toBe("merged");
  expect((await stage.bob.get(`${repo.api}/branches/gone`)).status).toBe(404);
  expect((await stage.bob.get(`${repo.api}/branches/kept`)).status).toBe(200);
});

test("a protected head branch stays although its merge asks to delete it", async () => {
  const repo = await stage.repo();
  const pull = await repo.pullFromBranch(stage.bob, "kept");
  await repo.protect({ rule_name: "kept", enable_push: true });
  await repo.merge(stage.bob, pull, { delete_branch_after_merge: true });
  expect((await stage.bob.get(pull.api)).body.merged).toBe(true);
  expect((await stage.bob.get(`${repo.api}/branches/kept`)).status).toBe(200);
});

test("of two merges of one pull request at once a single one happens", async () => {
  const repo = await stage.repo();
  const pull = await repo.propose(stage.alice, "twice");
  const answers = await Promise.all([stage.olga, stage.bob].map((who) => repo.merge(who, pull)));
  expect(answers.filter((answer) => answer === "merged")).toHaveLength(1);
  expect((await commitOf(repo, "main")).parents).toHaveLength(2);
});

test("it is closed when its base branch is deleted", async () => {
  const repo = await stage.repo();
  await expectStatus(201, stage.bob.post(`${repo.api}/branches`, { new_branch_name: "old-base" }));
  const pull = await repo.pullFromBranch(stage.bob, "topic", { base: "old-base" });
  await expectStatus(204, stage.bob.delete(`${repo.api}/branches/old-base`));
  await becomes(async () => (await stage.bob.get(pull.api)).body).toMatchObject({ state: "closed", merged: false });
});

test("a closed pull request stays as it was, and takes up its branch when it is opened again", async () => {
  const repo = await stage.repo();
  const pull = await repo.pullFromBranch(stage.bob, "again");
  await expectStatus(201, stage.bob.patch(pull.api, { state: "closed" }));
  const next = await repo.write(stage.bob, "more", "x", { branch: "again" });
  await expectStatus(201, stage.bob.patch(pull.api, { state: "open" }));
  await becomes(async () => (await stage.bob.get(pull.api)).body.head.sha).toBe(next);
  expect(await repo.merge(stage.bob, pull, { head_commit_id: next })).toBe("merged");
});
