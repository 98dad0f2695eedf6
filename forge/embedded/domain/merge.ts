/**
 * Merging. Git and the database are two stores, so a merge is stored as an intent first:
 *
 *   objects written → intent stored → base branch moved by compare and swap → merged, closed and told in one transaction
 *
 * Whatever the crash, the next start finds the intent and looks at the base branch: with the commit in it the merge is
 * finished, without it the intent is dropped, and nothing has happened.
 */
import { type Forge, repoDir } from "../forge.ts";
import { isAncestor } from "../git/history.ts";
import { moveRefs, readRef } from "../git/refs.ts";
import { branchTip, deleteBranchLocked } from "./branches.ts";
import { insertComment } from "./comments.ts";
import { emit } from "./events.ts";
import { followRefs } from "./follow-refs.ts";
import { updateIssue } from "./issues.ts";
import { buildMerge, type MergeText, mergeStyle } from "./merge-commit.ts";
import { demandMergeable } from "./merge-rules.ts";
import { refuseArchived } from "./permissions.ts";
import { ruleFor } from "./protection.ts";
import { computePullState } from "./pull-state.ts";
import {
  type MergeIntent,
  openPullsFrom,
  type PullRequest,
  pullHeadRef,
  pullRequestById,
  pullsWithIntent,
  updatePull,
} from "./pulls.ts";
import { Refusal } from "./refusal.ts";
import { type Repo, requireRepo } from "./repos.ts";
import { requireUser, type User } from "./users.ts";

interface MergeWish extends MergeText {
  /** merge, rebase, rebase-merge, squash, fast-forward-only; "" means the repository's default. */
  style: string;
  /** Merge only if this is the head. */
  head_commit_id?: string | undefined;
  force_merge?: boolean | undefined;
  delete_branch?: boolean | undefined;
}

/**
 * @throws Refusal 404 closed; 405 merged already, not allowed, not approved, work in progress, conflict known, style off;
 *   409 the head is another one, conflict found, or the base has moved meanwhile; 423 archived
 */
export function mergePull(forge: Forge, actor: User, repo: Repo, request: PullRequest, wish: MergeWish): Promise<void> {
  refuseArchived(repo);
  return forge.locks.run(repo.id, async () => {
    const present = await upToDate(forge, repo, request);
    const { issue, pull } = present;
    await demandMergeable(forge, repo, actor, present, wish.force_merge ?? false);
    if (wish.head_commit_id && wish.head_commit_id !== pull.head_sha) throw new Refusal(409, "head out of date");
    const style = mergeStyle(repo, wish.style);
    const commit = await buildMerge(forge, repo, actor, present, { ...wish, style });
    const intent: MergeIntent = {
      commit,
      before: pull.base_sha,
      by: actor.id,
      at: forge.now(),
      deletes_branch: wish.delete_branch ?? false,
    };
    forge.db.write(() => updatePull(forge.db, issue.id, { merge_intent: intent }));
    const move = { ref: `refs/heads/${pull.base_branch}`, before: intent.before, after: commit };
    if (!(await moveRefs(forge.git, repoDir(forge, repo), [move]))) {
      dropIntent(forge, present);
      throw new Refusal(409, "the base branch has moved, try again");
    }
    await finishMerge(forge, repo, present, intent);
  });
}

/** Finishes or drops every merge that a crash has interrupted. To be called at the start, before anything is served. */
export async function settleMerges(forge: Forge): Promise<void> {
  for (const request of pullsWithIntent(forge.db)) {
    const repo = requireRepo(forge.db, request.issue.repo_id);
    const intent = request.pull.merge_intent;
    if (!intent) continue;
    const isMoved = request.pull.merged_at !== null || (await isInBase(forge, repo, request, intent));
    forge.log.warn({ repo: repo.id, pull: request.issue.number, isMoved }, "a merge was interrupted");
    if (isMoved) await finishMerge(forge, repo, request, intent);
    else dropIntent(forge, request);
  }
}

async function isInBase(forge: Forge, repo: Repo, { pull }: PullRequest, intent: MergeIntent): Promise<boolean> {
  const tip = await branchTip(forge, repo, pull.base_branch);
  return tip !== undefined && (await isAncestor(forge.git, repoDir(forge, repo), intent.commit, tip));
}

const dropIntent = (forge: Forge, { issue }: PullRequest): void =>
  forge.db.write(() => updatePull(forge.db, issue.id, { merge_intent: null }));

/** The rows as they are, after a look whether the refs agree: a push may be between its refs and its rows. */
async function upToDate(forge: Forge, repo: Repo, request: PullRequest): Promise<PullRequest> {
  const present = pullRequestById(forge.db, request.issue.id);
  const { issue, pull } = present;
  if (issue.state === "closed") return present;
  const ref = pull.flow === 0 ? `refs/heads/${pull.head_branch}` : pullHeadRef(issue.number);
  const [base, head] = await Promise.all([
    branchTip(forge, repo, pull.base_branch),
    readRef(forge.git, repoDir(forge, repo), ref),
  ]);
  if (base === undefined || head !== pull.head_sha) throw new Refusal(405, "Please try again later");
  if (base === pull.base_sha) return present;
  updatePull(forge.db, issue.id, await computePullState(forge, repo, base, head));
  return pullRequestById(forge.db, issue.id);
}

/** The base branch has the commit: what is left is told and stored, from whichever step it was left at. */
async function finishMerge(forge: Forge, repo: Repo, { issue, pull }: PullRequest, intent: MergeIntent): Promise<void> {
  const actor = requireUser(forge.db, intent.by);
  if (pull.merged_at === null) {
    const move = { ref: `refs/heads/${pull.base_branch}`, before: intent.before, after: intent.commit };
    await followRefs(forge, repo, actor, [move], () => markMerged(forge, actor, issue.id, intent));
  }
  if (!intent.deletes_branch) return;
  await deleteHeadBranch(forge, repo, actor, issue.id);
  dropIntent(forge, pullRequestById(forge.db, issue.id));
}

/** As in Forgejo, the timeline of a merged pull request has no entry for its being closed. */
function markMerged(forge: Forge, actor: User, issueId: number, intent: MergeIntent): void {
  const { db } = forge;
  const now = forge.now();
  const left = intent.deletes_branch ? intent : null;
  const merged = { merged_at: intent.at, merged_by: actor.id, merge_commit: intent.commit };
  updatePull(db, issueId, { ...merged, merge_intent: left });
  const issue = updateIssue(db, issueId, { state: "closed", closed_at: now }, now);
  insertComment(db, { issue, author: actor, kind: "merge_pull", detail: { commit_ids: [intent.commit] }, now });
  const where = { repoId: issue.repo_id, issueId, actorId: actor.id };
  emit(forge, { kind: "pull_request", action: "closed", ...where });
}

/** Left alone where it is the default branch, under a rule, or the head of another open pull request. */
async function deleteHeadBranch(forge: Forge, repo: Repo, actor: User, issueId: number): Promise<void> {
  const { issue, pull } = pullRequestById(forge.db, issueId);
  const branch = pull.head_branch;
  const isKept = pull.flow !== 0 || branch === repo.default_branch || ruleFor(forge.db, repo, branch) !== undefined;
  if (isKept || openPullsFrom(forge.db, repo, branch).length > 0) return;
  if ((await branchTip(forge, repo, branch)) !== pull.head_sha) return;
  await deleteBranchLocked(forge, actor, repo, branch);
  insertComment(forge.db, {
    issue,
    author: actor,
    kind: "delete_branch",
    detail: { old_ref: branch },
    now: forge.now(),
  });
}
