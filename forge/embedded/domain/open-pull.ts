/** Opening a pull request from a branch. AGit ends in the same `insertNewPull`. */
import { type Forge, repoDir } from "../forge.ts";
import { NO_COMMIT } from "../git/objects.ts";
import { moveRefs } from "../git/refs.ts";
import { isAtLeast } from "./access-level.ts";
import { branchTip } from "./branches.ts";
import { insertComment } from "./comments.ts";
import { addLabels, assignable, setAssignees, setDueDate } from "./edit-issue.ts";
import { emit } from "./events.ts";
import { insertIssue, requireIssue } from "./issues.ts";
import { usableLabels } from "./labels.ts";
import { printable } from "./names.ts";
import { accessOf, demand, refuseArchived } from "./permissions.ts";
import { computePullState, newCommits } from "./pull-state.ts";
import {
  type Flow,
  insertPull,
  openPullsFrom,
  type PullRequest,
  type PullState,
  pullHeadRef,
  pullRequestById,
} from "./pulls.ts";
import { notFound, Refusal } from "./refusal.ts";
import { type Repo, takeNumber, touchRepo } from "./repos.ts";
import type { User } from "./users.ts";

interface PullWish {
  /** A branch of the repository, perhaps with its owner's name before a colon. */
  head: string;
  base: string;
  title: string;
  body?: string | undefined;
  /** Names. As labels and due date only read from who may write. */
  assignees?: string[] | undefined;
  /** Ids. */
  labels?: number[] | undefined;
  due_at?: number | null | undefined;
}

/**
 * @throws Refusal 404 no right to read or no such branch, 409 exists, 422 head is base or has nothing new, empty title,
 *   423 archived
 */
export function openPull(forge: Forge, actor: User, repo: Repo, wish: PullWish): Promise<PullRequest> {
  const access = accessOf(forge.db, actor, repo);
  demand(access, "pulls", "read");
  demand(access, "code", "read");
  refuseArchived(repo);
  if (wish.title.trim() === "") throw new Refusal(422, "[Title]: Required");
  const head = ownBranch(repo, wish.head);
  const assignees = isAtLeast(access.pulls, "write")
    ? assignable(forge, { repo_id: repo.id }, wish.assignees ?? [])
    : [];
  return forge.locks.run(repo.id, async () => {
    const [base, tip] = await Promise.all([branchTip(forge, repo, wish.base), branchTip(forge, repo, head)]);
    if (base === undefined || tip === undefined) throw notFound();
    refuseSecond(forge, repo, wish.base, head);
    const state = await computePullState(forge, repo, base, tip);
    if (state.conflict === "unrelated") throw new Refusal(422, "the branches have no common history");
    const request = await storeNewPull(forge, repo, actor, {
      flow: 0,
      base_branch: wish.base,
      head_branch: head,
      title: wish.title,
      body: wish.body ?? "",
      state,
      commit_ids: await newCommits(forge, repo, state.merge_base, tip),
    });
    if (isAtLeast(access.pulls, "write")) dress(forge, repo, actor, request, wish, assignees);
    return pullRequestById(forge.db, request.issue.id);
  });
}

/** @throws Refusal 404 for a branch of another repository: there are no forks here */
function ownBranch(repo: Repo, head: string): string {
  const [owner, ...branch] = head.split(":");
  if (branch.length === 0) return head;
  if (owner?.split("/")[0]?.toLowerCase() !== repo.owner_name.toLowerCase()) throw notFound();
  return branch.join(":");
}

function refuseSecond(forge: Forge, repo: Repo, base: string, head: string): void {
  if (base === head) throw new Refusal(422, "Invalid PullRequest: There are no changes between the head and the base");
  const second = openPullsFrom(forge.db, repo, head).find(({ pull }) => pull.base_branch === base);
  if (!second) return;
  const { issue } = second;
  const where = `id: ${issue.id}, issue_id: ${issue.id}, head_repo_id: ${repo.id}, base_repo_id: ${repo.id}`;
  throw new Refusal(
    409,
    `pull request already exists for these targets [${where}, head_branch: ${printable(head, 100)}, base_branch: ${base}]`,
  );
}

function dress(forge: Forge, repo: Repo, actor: User, { issue }: PullRequest, wish: PullWish, assignees: User[]): void {
  forge.db.write(() => {
    setAssignees(forge, actor, issue, assignees);
    const labels = usableLabels(forge.db, repo).filter((label) => wish.labels?.includes(label.id));
    addLabels(forge, actor, issue, labels);
    if (wish.due_at) setDueDate(forge, requireIssue(forge.db, issue.id), wish.due_at);
  });
}

export interface NewPull {
  flow: Flow;
  base_branch: string;
  head_branch: string;
  title: string;
  body: string;
  state: PullState;
  /** What it proposes at first, oldest first. */
  commit_ids: string[];
}

/**
 * Writes the head's ref, then the rows. The caller holds the repository's lock. A crash in between leaves a ref without a
 * row, which recover.ts removes; its number is never given out again.
 * @throws Error when the ref exists already, which its fresh number excludes
 */
async function storeNewPull(forge: Forge, repo: Repo, actor: User, wish: NewPull): Promise<PullRequest> {
  const number = forge.db.write(() => takeNumber(forge.db, repo.id));
  const head = { ref: pullHeadRef(number), before: NO_COMMIT, after: wish.state.head_sha };
  if (!(await moveRefs(forge.git, repoDir(forge, repo), [head]))) throw new Error(`${head.ref} exists already`);
  return forge.db.write(() => insertNewPull(forge, repo, actor, number, wish));
}

/** The rows and the event, for who has written the head's ref. To be called inside `db.write`. */
export function insertNewPull(forge: Forge, repo: Repo, actor: User, number: number, wish: NewPull): PullRequest {
  const { title, body, state, flow, base_branch, head_branch } = wish;
  const issue = insertIssue(forge.db, { repo, author: actor, is_pull: true, title, body, number, now: forge.now() });
  const request = insertPull(forge.db, issue, { ...state, flow, base_branch, head_branch });
  const detail = { commit_ids: wish.commit_ids, is_force_push: false };
  insertComment(forge.db, { issue, author: actor, kind: "pull_push", detail, now: forge.now() });
  touchRepo(forge.db, repo, forge.now());
  emit(forge, { kind: "pull_request", action: "opened", repoId: repo.id, issueId: issue.id, actorId: actor.id });
  return request;
}
