/**
 * What a start does before anything is served: sweeps what a crash has left on disk, finishes or drops interrupted merges,
 * and lets the rows follow the refs, which are written first. Nothing else may run on the repositories meanwhile.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { setIssueState } from "./domain/edit-issue.ts";
import { settleMerges } from "./domain/merge.ts";
import { moveHeadRef, preparePullUpdate, storePullUpdate } from "./domain/pull-state.ts";
import { allPulls, type PullRequest, pullHeadRef } from "./domain/pulls.ts";
import { limboRoot } from "./domain/repo-life.ts";
import { allRepos, type Repo, updateRepo } from "./domain/repos.ts";
import { requireUser } from "./domain/users.ts";
import { type Forge, repoDir } from "./forge.ts";
import { NO_COMMIT } from "./git/objects.ts";
import { listRefs, moveRefs, type Ref } from "./git/refs.ts";

/** Younger ones may belong to a git that outlived the last server by a moment. */
const LOCK_AGE_MS = 10_000;

export async function recover(forge: Forge): Promise<void> {
  rmSync(limboRoot(forge), { recursive: true, force: true });
  const repos = allRepos(forge.db);
  sweepFolders(forge, repos);
  const present = repos.filter((repo) => sweepRepo(forge, repo));
  await settleMerges(forge);
  await Promise.all(present.map((repo) => followOwnRefs(forge, repo)));
}

/** Folders of repositories whose row is gone, or was never committed. */
function sweepFolders(forge: Forge, repos: readonly Repo[]): void {
  const known = new Set(repos.map((repo) => repoDir(forge, repo)));
  for (const name of entriesOf(forge.reposDir)) {
    const folder = path.join(forge.reposDir, name);
    if (/^\d+\.git$/.test(name) && !known.has(folder)) rmSync(folder, { recursive: true, force: true });
  }
}

/** Objects of pushes that were cut off, and locks. False when the folder is missing: its other repositories still work. */
function sweepRepo(forge: Forge, repo: Repo): boolean {
  const dir = repoDir(forge, repo);
  const names = entriesOf(dir);
  if (names.length === 0) forge.log.error({ repo: repo.id, dir }, "a repository's folder is missing");
  for (const name of entriesOf(path.join(dir, "objects"))) {
    if (name.startsWith("tmp_objdir-")) rmSync(path.join(dir, "objects", name), { recursive: true, force: true });
  }
  const locks = names.filter((name) => name.endsWith(".lock")).map((name) => path.join(dir, name));
  for (const lock of [...locks, ...locksBelow(path.join(dir, "refs"))]) removeOldLock(lock);
  return names.length > 0;
}

const locksBelow = (dir: string): string[] =>
  entriesOf(dir, true)
    .filter((name) => name.endsWith(".lock"))
    .map((name) => path.join(dir, name));

function removeOldLock(lock: string): void {
  const stat = statSync(lock, { throwIfNoEntry: false });
  if (stat && Date.now() - stat.mtimeMs > LOCK_AGE_MS) rmSync(lock, { force: true });
}

function entriesOf(dir: string, isRecursive = false): string[] {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(dir, { recursive: isRecursive, encoding: "utf8" });
}

/** The rows of one repository follow its refs. */
async function followOwnRefs(forge: Forge, repo: Repo): Promise<void> {
  const refs = listRefs(repoDir(forge, repo), "refs/heads", "refs/pull");
  const tips = new Map(refs.map((ref) => [ref.ref, ref.object]));
  const pulls = allPulls(forge.db, repo);
  await removeOrphans(forge, repo, refs, pulls);
  const isEmpty = !refs.some((ref) => ref.ref.startsWith("refs/heads/"));
  if (isEmpty !== (repo.is_empty === 1)) updateRepo(forge.db, repo, { is_empty: isEmpty }, {}, forge.now());
  for (const request of pulls.filter(({ issue }) => issue.state === "open"))
    await followPull(forge, repo, request, tips);
}

/** A head without a row: its push was cut off, and its pull request never came to be. */
async function removeOrphans(
  forge: Forge,
  repo: Repo,
  refs: readonly Ref[],
  pulls: readonly PullRequest[],
): Promise<void> {
  const known = new Set(pulls.map(({ issue }) => pullHeadRef(issue.number)));
  const orphans = refs.filter(({ ref }) => ref.startsWith("refs/pull/") && !known.has(ref));
  const moves = orphans.map(({ ref, object }) => ({ ref, before: object, after: NO_COMMIT }));
  if (moves.length > 0) await moveRefs(forge.git, repoDir(forge, repo), moves);
}

/** As follow-refs.ts would have done it; who pushed is not known any more, so it is told as the author's. */
async function followPull(forge: Forge, repo: Repo, request: PullRequest, tips: Map<string, string>): Promise<void> {
  const { issue, pull } = request;
  const author = requireUser(forge.db, issue.author_id);
  const base = tips.get(`refs/heads/${pull.base_branch}`);
  const head = tips.get(pull.flow === 0 ? `refs/heads/${pull.head_branch}` : pullHeadRef(issue.number));
  if (base === undefined || head === undefined) {
    setIssueState(forge, author, issue, "closed");
    return;
  }
  await moveHeadRef(forge, repo, issue, head);
  if (base === pull.base_sha && head === pull.head_sha) return;
  const update = await preparePullUpdate(forge, repo, request, { base, head });
  forge.db.write(() => storePullUpdate(forge, repo, author, update));
}
