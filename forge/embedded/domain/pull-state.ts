/**
 * What a pull request's row says about its two commits: computed by git first (`preparePullUpdate`), stored in one
 * transaction afterwards (`storePullUpdate`), together with what a new head means for its reviews. The caller holds the
 * repository's lock from before the refs are read until it has stored.
 */
import { type Forge, repoDir } from "../forge.ts";
import { changedFiles, isSameChange, totalsOf } from "../git/diff.ts";
import { isAncestor, listCommits, mergeBase } from "../git/history.ts";
import { NO_COMMIT, readCommit } from "../git/objects.ts";
import { moveRefs, readRef } from "../git/refs.ts";
import { mergeCommits } from "../git/write.ts";
import { insertComment } from "./comments.ts";
import { emit } from "./events.ts";
import type { Issue } from "./issues.ts";
import { ruleFor } from "./protection.ts";
import { type PullRequest, type PullState, pullHeadRef, pullRequestById, updatePull } from "./pulls.ts";
import type { Repo } from "./repos.ts";
import { markReviewsCurrent } from "./reviews.ts";
import { outdateReviews } from "./stale-reviews.ts";
import type { User } from "./users.ts";

/** @param known the row of a pull request whose base may have moved alone: what it knows of its files is then kept */
export async function computePullState(
  forge: Forge,
  repo: Repo,
  baseSha: string,
  headSha: string,
  known?: PullState,
): Promise<PullState> {
  const { git } = forge;
  const dir = repoDir(forge, repo);
  const common = await mergeBase(git, dir, baseSha, headSha);
  const commits = { base_sha: baseSha, head_sha: headSha };
  if (common === undefined) {
    return { ...commits, merge_base: "", conflict: "unrelated", additions: 0, deletions: 0, changed_files: 0 };
  }
  const isKnown = known?.head_sha === headSha && known.merge_base === common;
  const [totals, merged, base] = await Promise.all([
    isKnown ? known : changedFiles(git, dir, common, headSha).then(totalsOf),
    mergeCommits(git, dir, baseSha, headSha),
    readCommit(git, dir, baseSha),
  ]);
  const conflict = merged.kind === "conflict" ? "conflict" : merged.tree === base.tree ? "empty" : "none";
  const { additions, deletions, changed_files } = totals;
  return { ...commits, merge_base: common, conflict, additions, deletions, changed_files };
}

export interface PullUpdate {
  request: PullRequest;
  state: PullState;
  /** Undefined when the head has not moved. */
  head?: {
    /** The new head proposes another change than the old one. */
    isAnotherChange: boolean;
    isForcePush: boolean;
    commitIds: string[];
  };
}

export async function preparePullUpdate(
  forge: Forge,
  repo: Repo,
  request: PullRequest,
  tips: { base: string; head: string },
): Promise<PullUpdate> {
  const { pull } = request;
  const state = await computePullState(forge, repo, tips.base, tips.head, pull);
  if (tips.head === pull.head_sha) return { request, state };
  const [isForward, isSame] = await Promise.all([
    isAncestor(forge.git, repoDir(forge, repo), pull.head_sha, tips.head),
    isSameProposal(
      forge,
      repo,
      { base: pull.merge_base, head: pull.head_sha },
      { base: state.merge_base, head: tips.head },
    ),
  ]);
  const commitIds = isForward ? await newCommits(forge, repo, pull.head_sha, tips.head) : [pull.head_sha, tips.head];
  return { request, state, head: { isAnotherChange: !isSame, isForcePush: !isForward, commitIds } };
}

/** Without a common history nothing can be compared, so everything is new. */
export const isSameProposal = async (forge: Forge, repo: Repo, old: Span, next: Span): Promise<boolean> =>
  old.base !== "" && next.base !== "" && (await isSameChange(forge.git, repoDir(forge, repo), old, next));
interface Span {
  base: string;
  head: string;
}

/** Ids, oldest first. */
export async function newCommits(forge: Forge, repo: Repo, before: string, after: string): Promise<string[]> {
  const range = { from: after, not: [before], isReversed: true };
  return (await listCommits(forge.git, repoDir(forge, repo), range)).map((commit) => commit.sha);
}

/** From wherever the ref is: after a crash it may already be there, and nobody else moves it. */
export async function moveHeadRef(forge: Forge, repo: Repo, issue: Issue, head: string): Promise<void> {
  const dir = repoDir(forge, repo);
  const ref = pullHeadRef(issue.number);
  const before = (await readRef(forge.git, dir, ref)) ?? NO_COMMIT;
  if (before === head || (await moveRefs(forge.git, dir, [{ ref, before, after: head }]))) return;
  throw new Error(`${ref} of repository ${repo.id} cannot be moved from ${before} to ${head}`);
}

/** To be called inside `db.write`. */
export function storePullUpdate(forge: Forge, repo: Repo, actor: User, update: PullUpdate): PullRequest {
  const { request, state, head } = update;
  const { issue, pull } = request;
  updatePull(forge.db, issue.id, state);
  if (head) {
    insertComment(forge.db, {
      issue,
      author: actor,
      kind: "pull_push",
      detail: { commit_ids: head.commitIds, is_force_push: head.isForcePush },
      now: forge.now(),
    });
    if (head.isAnotherChange) outdateReviews(forge, actor, issue, ruleFor(forge.db, repo, pull.base_branch));
    markReviewsCurrent(forge.db, issue.id, state.head_sha);
    const where = { repoId: repo.id, issueId: issue.id, actorId: actor.id };
    emit(forge, { kind: "pull_request", action: "synchronized", ...where });
  }
  return pullRequestById(forge.db, issue.id);
}
