/**
 * What follows when branches or tags have moved, by a push or by a call: the repository's own columns, its pull requests,
 * the events. Whoever moves refs calls this afterwards, holding the repository's lock. A crash in between loses the
 * events, as with Forgejo; the rows are set right at the next start (recover.ts).
 */
import { type Forge, repoDir } from "../forge.ts";
import { NO_COMMIT } from "../git/objects.ts";
import { pushedCommits } from "../git/pushed-commits.ts";
import { listRefs, type RefMove, setHead } from "../git/refs.ts";
import { setIssueState } from "./edit-issue.ts";
import { emit, type RefEvent } from "./events.ts";
import { moveHeadRef, type PullUpdate, preparePullUpdate, storePullUpdate } from "./pull-state.ts";
import { openPullsFrom, openPullsInto, type PullRequest, pullRequestById } from "./pulls.ts";
import { type Repo, requireRepo, updateRepo } from "./repos.ts";
import type { User } from "./users.ts";

const BRANCHES = "refs/heads/";
const TAGS = "refs/tags/";

/**
 * @param first what else these moves mean: runs at the beginning of the same transaction. Pull requests that it closes are
 *   not followed any more.
 * @returns the repository as it is afterwards
 */
export async function followRefs(
  forge: Forge,
  repo: Repo,
  actor: User,
  moves: readonly RefMove[],
  first: () => void = () => undefined,
): Promise<Repo> {
  const followed = moves.filter(({ ref }) => ref.startsWith(BRANCHES) || ref.startsWith(TAGS));
  if (followed.length === 0) return repo;
  const tips = await branchTips(forge, repo);
  const events = (await Promise.all(followed.map((move) => eventsOf(forge, repo, actor, move)))).flat();
  const branches = followed.filter(({ ref }) => ref.startsWith(BRANCHES)).map(({ ref }) => ref.slice(BRANCHES.length));
  const touched = touchedPulls(forge, repo, branches);
  const updates = await prepareUpdates(forge, repo, touched, tips);
  const defaultBranch = firstDefault(repo, branches, tips);
  if (defaultBranch !== repo.default_branch) await setHead(forge.git, repoDir(forge, repo), defaultBranch);
  return forge.db.write(() => {
    first();
    const isOpen = ({ issue }: PullRequest) => pullRequestById(forge.db, issue.id).issue.state === "open";
    const columns = { is_empty: tips.size === 0, default_branch: defaultBranch };
    updateRepo(forge.db, requireRepo(forge.db, repo.id), columns, {}, forge.now());
    for (const event of events) emit(forge, event);
    for (const update of updates) {
      if (isOpen(update.request)) storePullUpdate(forge, requireRepo(forge.db, repo.id), actor, update);
    }
    closeBereft(forge, actor, touched.filter(isOpen), tips);
    return requireRepo(forge.db, repo.id);
  });
}

async function branchTips(forge: Forge, repo: Repo): Promise<Map<string, string>> {
  const refs = listRefs(repoDir(forge, repo), "refs/heads");
  return new Map(refs.map(({ ref, object }) => [ref.slice(BRANCHES.length), object]));
}

/** The first branch that comes into an empty repository becomes its default, unless the wanted one is there too. */
function firstDefault(repo: Repo, pushed: readonly string[], tips: Map<string, string>): string {
  const first = pushed.find((branch) => tips.has(branch));
  return repo.is_empty && !tips.has(repo.default_branch) && first !== undefined ? first : repo.default_branch;
}

/** A deleted branch tells only `delete`; a new ref tells `create` and `push`. */
async function eventsOf(forge: Forge, repo: Repo, actor: User, move: RefMove): Promise<RefEvent[]> {
  const { ref, before, after } = move;
  const where = { repoId: repo.id, actorId: actor.id, ref };
  if (after === NO_COMMIT) return [{ kind: "delete", ...where, sha: before }];
  const since = before === NO_COMMIT && !repo.is_empty ? await defaultTip(forge, repo, ref) : before;
  const push: RefEvent = {
    kind: "push",
    ...where,
    before,
    after,
    ...(await pushedCommits(forge.git, repoDir(forge, repo), since, after)),
  };
  return before === NO_COMMIT ? [{ kind: "create", ...where, sha: after }, push] : [push];
}

/** Commits of a new branch are those that the default branch does not have. */
async function defaultTip(forge: Forge, repo: Repo, ref: string): Promise<string> {
  if (ref === `${BRANCHES}${repo.default_branch}`) return NO_COMMIT;
  const [tip] = listRefs(repoDir(forge, repo), `${BRANCHES}${repo.default_branch}`);
  return tip?.object ?? NO_COMMIT;
}

function touchedPulls(forge: Forge, repo: Repo, branches: readonly string[]): PullRequest[] {
  const found = branches.flatMap((branch) => [
    ...openPullsFrom(forge.db, repo, branch),
    ...openPullsInto(forge.db, repo, branch),
  ]);
  return [...new Map(found.map((request) => [request.issue.id, request])).values()];
}

/** Tips are read anew rather than taken from the moves: a later push may have been followed before this one. */
async function prepareUpdates(forge: Forge, repo: Repo, touched: readonly PullRequest[], tips: Map<string, string>) {
  const updates = touched.map(async (request): Promise<PullUpdate[]> => {
    const { pull } = request;
    const base = tips.get(pull.base_branch);
    const head = headOf(request, tips);
    if (base === undefined || head === undefined) return [];
    if (base === pull.base_sha && head === pull.head_sha) return [];
    if (head !== pull.head_sha) await moveHeadRef(forge, repo, request.issue, head);
    return [await preparePullUpdate(forge, repo, request, { base, head })];
  });
  return (await Promise.all(updates)).flat();
}

const headOf = ({ pull }: PullRequest, tips: Map<string, string>): string | undefined =>
  pull.flow === 0 ? tips.get(pull.head_branch) : pull.head_sha;

/** A pull request whose base or head branch is gone is closed. */
function closeBereft(forge: Forge, actor: User, touched: readonly PullRequest[], tips: Map<string, string>): void {
  for (const request of touched) {
    if (tips.has(request.pull.base_branch) && headOf(request, tips) !== undefined) continue;
    setIssueState(forge, actor, pullRequestById(forge.db, request.issue.id).issue, "closed");
  }
}
