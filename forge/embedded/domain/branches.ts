/** Branches are git's alone: no table knows them. */
import { type Forge, repoDir } from "../forge.ts";
import { type Commit, NO_COMMIT, readCommit, resolveCommit } from "../git/objects.ts";
import { listRefs, moveRefs } from "../git/refs.ts";
import { followRefs } from "./follow-refs.ts";
import { checkBranchName, isBranchName } from "./names.ts";
import { accessOf, demand, refuseArchived } from "./permissions.ts";
import { ruleFor } from "./protection.ts";
import { objectionToMove } from "./push-rules.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

export interface Branch {
  name: string;
  /** Its tip. */
  commit: Commit;
}

const BRANCHES = "refs/heads/";
const absent = (name: string) => notFound(`branch does not exist [name: ${name.slice(0, 100)}]`);

/** The names, the default branch first. Cheaper than the branches themselves, for which a commit each is read. */
export async function branchNames(forge: Forge, repo: Repo): Promise<string[]> {
  const names = listRefs(repoDir(forge, repo), "refs/heads").map(({ ref }) => ref.slice(BRANCHES.length));
  return names.sort((one, other) => Number(other === repo.default_branch) - Number(one === repo.default_branch));
}

/** The commit that a branch points to; undefined when there is no such branch. */
export async function branchTip(forge: Forge, repo: Repo, name: string): Promise<string | undefined> {
  return isBranchName(name) ? resolveCommit(forge.git, repoDir(forge, repo), `${BRANCHES}${name}`) : undefined;
}

/** @throws Refusal 404 */
export async function findBranch(forge: Forge, repo: Repo, name: string): Promise<Branch> {
  const tip = await branchTip(forge, repo, name);
  if (tip === undefined) throw absent(name);
  return { name, commit: await readCommit(forge.git, repoDir(forge, repo), tip) };
}

/**
 * @param from branch, tag or commit; the default branch when it is not said
 * @throws Refusal 403 no right to write or a protected name, 404 nothing at `from`, 409 exists, 422 bad name, 423 archived
 */
export async function createBranch(
  forge: Forge,
  actor: User,
  repo: Repo,
  name: string,
  from?: string,
): Promise<Branch> {
  demand(accessOf(forge.db, actor, repo), "code", "write");
  refuseArchived(repo);
  checkBranchName(name);
  await forge.locks.run(repo.id, async () => {
    const dir = repoDir(forge, repo);
    const start = await resolveCommit(forge.git, dir, from || repo.default_branch);
    if (start === undefined) throw notFound("The old branch does not exist");
    const objection = await objectionToMove(forge, repo, actor, { branch: name, before: NO_COMMIT, after: start });
    if (objection !== undefined) throw new Refusal(403, objection);
    const move = { ref: `${BRANCHES}${name}`, before: NO_COMMIT, after: start };
    if ((await branchTip(forge, repo, name)) !== undefined) throw new Refusal(409, "The branch already exists.");
    // git has no `a` beside `a/b`
    const isMade = await moveRefs(forge.git, dir, [move]);
    if (!isMade) throw new Refusal(409, "The branch with the same name already exists.");
    await followRefs(forge, repo, actor, [move]);
  });
  return findBranch(forge, repo, name);
}

/** @throws Refusal 403 no right to write, default or protected branch; 404 absent; 423 archived */
export async function deleteBranch(forge: Forge, actor: User, repo: Repo, name: string): Promise<void> {
  demand(accessOf(forge.db, actor, repo), "code", "write");
  refuseArchived(repo);
  await forge.locks.run(repo.id, () => deleteBranchLocked(forge, actor, repo, name));
}

/** As deleteBranch, for who holds the repository's lock and has looked at the rights. */
export async function deleteBranchLocked(forge: Forge, actor: User, repo: Repo, name: string): Promise<void> {
  const tip = await branchTip(forge, repo, name);
  if (tip === undefined) throw absent(name);
  if (name === repo.default_branch) throw new Refusal(403, "can not delete default branch");
  if (ruleFor(forge.db, repo, name)) throw new Refusal(403, "branch protected");
  const move = { ref: `${BRANCHES}${name}`, before: tip, after: NO_COMMIT };
  if (!(await moveRefs(forge.git, repoDir(forge, repo), [move]))) throw new Refusal(409, "the branch has moved");
  await followRefs(forge, repo, actor, [move]);
}
