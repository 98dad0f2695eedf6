/** What can be changed of an open or closed pull request beyond its text: base, state, head. */
import { type Forge, repoDir } from "../forge.ts";
import { moveRefs } from "../git/refs.ts";
import { mergeCommits, replayCommits, writeCommit } from "../git/write.ts";
import { branchTip } from "./branches.ts";
import { insertComment } from "./comments.ts";
import { demandEditor, setIssueState } from "./edit-issue.ts";
import { emit } from "./events.ts";
import { followRefs } from "./follow-refs.ts";
import { accessOf, demand, refuseArchived } from "./permissions.ts";
import { moveHeadRef, preparePullUpdate, storePullUpdate } from "./pull-state.ts";
import { openPullsFrom, type PullRequest, pullRequestById, updatePull } from "./pulls.ts";
import { objectionToMove } from "./push-rules.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { signatureOf, type User } from "./users.ts";

/**
 * Aims at another branch. Reviews stay as they are, as in Forgejo: whoever acts on an approval must look at the base too.
 * @throws Refusal 403 neither author nor writer, 404 no such branch, 409 merged or one for that base exists, 422 closed or head is base
 */
export function retargetPull(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  base: string,
): Promise<PullRequest> {
  demandEditor(actor, request.issue, accessOf(forge.db, actor, repo));
  return forge.locks.run(repo.id, async () => {
    const present = pullRequestById(forge.db, request.issue.id);
    const { issue, pull } = present;
    if (pull.base_branch === base) return present;
    if (pull.merged_at !== null) throw new Refusal(409, "the pull request is merged");
    if (issue.state === "closed") throw new Refusal(422, "the pull request is closed");
    if (pull.flow === 0) refuseBase(forge, repo, present, base);
    const tip = await branchTip(forge, repo, base);
    if (tip === undefined) throw notFound(`new base '${base.slice(0, 100)}' not exist`);
    const update = await preparePullUpdate(forge, repo, present, { base: tip, head: pull.head_sha });
    return forge.db.write(() => {
      updatePull(forge.db, issue.id, { base_branch: base });
      const detail = { old_ref: pull.base_branch, new_ref: base };
      insertComment(forge.db, { issue, author: actor, kind: "change_target_branch", detail, now: forge.now() });
      const changed = storePullUpdate(forge, repo, actor, update);
      const where = { repoId: repo.id, issueId: issue.id, actorId: actor.id };
      emit(forge, { kind: "pull_request", action: "edited", ...where, changes: { ref: { from: pull.base_branch } } });
      return changed;
    });
  });
}

function refuseBase(forge: Forge, repo: Repo, { issue, pull }: PullRequest, base: string): void {
  if (pull.head_branch === base) throw new Refusal(422, "head and base are the same branch");
  const second = openPullsFrom(forge.db, repo, pull.head_branch).find((other) => other.pull.base_branch === base);
  if (second && second.issue.id !== issue.id) throw new Refusal(409, "pull request already exists for these targets");
}

/** @throws Refusal 403 neither author nor writer, 412 merged */
export function closePull(forge: Forge, actor: User, repo: Repo, request: PullRequest): PullRequest {
  demandEditor(actor, request.issue, accessOf(forge.db, actor, repo));
  return forge.db.write(() => {
    const { issue, pull } = pullRequestById(forge.db, request.issue.id);
    if (pull.merged_at !== null)
      throw new Refusal(412, "cannot change state of this pull request, it was already merged");
    setIssueState(forge, actor, issue, "closed");
    return pullRequestById(forge.db, issue.id);
  });
}

/**
 * Opens a closed pull request again, with its branches as they are now.
 * @throws Refusal 403 neither author nor writer, 404 a branch is gone, 409 another one is open, 412 merged
 */
export function reopenPull(forge: Forge, actor: User, repo: Repo, request: PullRequest): Promise<PullRequest> {
  demandEditor(actor, request.issue, accessOf(forge.db, actor, repo));
  return forge.locks.run(repo.id, async () => {
    const present = pullRequestById(forge.db, request.issue.id);
    const { issue, pull } = present;
    if (issue.state === "open") return present;
    if (pull.merged_at !== null)
      throw new Refusal(412, "cannot change state of this pull request, it was already merged");
    if (pull.flow === 0) refuseBase(forge, repo, present, pull.base_branch);
    const base = await branchTip(forge, repo, pull.base_branch);
    const head = pull.flow === 0 ? await branchTip(forge, repo, pull.head_branch) : pull.head_sha;
    if (base === undefined || head === undefined) throw notFound("a branch of this pull request is gone");
    const update = await preparePullUpdate(forge, repo, present, { base, head });
    if (head !== pull.head_sha) await moveHeadRef(forge, repo, issue, head);
    return forge.db.write(() => {
      setIssueState(forge, actor, issue, "open");
      return storePullUpdate(forge, repo, actor, update);
    });
  });
}

/**
 * Brings the base branch's news into the head branch, by a merge or a rebase.
 * @throws Refusal 403 no right to move the head branch, 409 conflict, 422 AGit, closed or nothing to do
 */
export function updatePullBranch(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  style: "merge" | "rebase",
): Promise<void> {
  demand(accessOf(forge.db, actor, repo), "code", "write");
  refuseArchived(repo);
  return forge.locks.run(repo.id, async () => {
    const { issue, pull } = pullRequestById(forge.db, request.issue.id);
    if (issue.state === "closed" || pull.flow !== 0)
      throw new Refusal(422, "only the branch of an open pull request can be updated");
    if (pull.merge_base === pull.base_sha) throw new Refusal(422, "HeadBranch of PR is up to date");
    const after = await updatedHead(forge, actor, repo, request, style);
    const move = { branch: pull.head_branch, before: pull.head_sha, after };
    const objection = await objectionToMove(forge, repo, actor, move);
    if (objection !== undefined) throw new Refusal(403, objection);
    const ref = { ref: `refs/heads/${pull.head_branch}`, before: pull.head_sha, after };
    if (!(await moveRefs(forge.git, repoDir(forge, repo), [ref]))) throw new Refusal(409, "the branch has moved");
    await followRefs(forge, repo, actor, [ref]);
  });
}

async function updatedHead(
  forge: Forge,
  actor: User,
  repo: Repo,
  { issue }: PullRequest,
  style: "merge" | "rebase",
): Promise<string> {
  const { pull } = pullRequestById(forge.db, issue.id);
  const dir = repoDir(forge, repo);
  const committer = signatureOf(actor, forge.now());
  const conflict = new Refusal(409, "merge failed because of conflict");
  if (style === "rebase") {
    const range = { base: pull.merge_base, head: pull.head_sha, onto: pull.base_sha, committer };
    const head = await replayCommits(forge.git, dir, range);
    if (head === undefined) throw conflict;
    return head;
  }
  const merged = await mergeCommits(forge.git, dir, pull.head_sha, pull.base_sha);
  if (merged.kind === "conflict") throw conflict;
  return writeCommit(dir, {
    tree: merged.tree,
    parents: [pull.head_sha, pull.base_sha],
    message: `Merge branch '${pull.base_branch}' into ${pull.head_branch}\n`,
    author: committer,
    committer,
  });
}
