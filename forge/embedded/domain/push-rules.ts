/** What a branch's rule says to moving it directly. The same answer for a git push, a file written by the API, a new branch. */
import { type Forge, repoDir } from "../forge.ts";
import { changedFiles } from "../git/diff.ts";
import { isAncestor } from "../git/history.ts";
import { EMPTY_TREE, NO_COMMIT } from "../git/objects.ts";
import type { RefMove } from "../git/refs.ts";
import { areUnprotected, mayPush, protectedPath } from "./branch-rights.ts";
import { type Protection, ruleFor } from "./protection.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

interface BranchMove {
  branch: string;
  before: RefMove["before"];
  after: RefMove["after"];
}

/**
 * The reason why `user`, who can write code, may not move the branch so; undefined when it may.
 * @param env of a push whose objects are still in quarantine
 */
export async function objectionToMove(
  forge: Forge,
  repo: Repo,
  user: User,
  move: BranchMove,
  env: Record<string, string> = {},
): Promise<string | undefined> {
  const { branch, before, after } = move;
  if (after === NO_COMMIT && branch === repo.default_branch) {
    return `branch ${branch} is the default branch and cannot be deleted`;
  }
  const rule = ruleFor(forge.db, repo, branch);
  if (!rule) return undefined;
  if (after === NO_COMMIT) return `branch ${branch} is protected from deletion`;
  const dir = repoDir(forge, repo);
  if (before !== NO_COMMIT && !(await isAncestor(forge.git, dir, before, after, env))) {
    return `branch ${branch} is protected from force push`;
  }
  const from = before === NO_COMMIT ? EMPTY_TREE : before;
  const paths = needsPaths(rule) ? (await changedFiles(forge.git, dir, from, after, env)).flatMap(bothPaths) : [];
  const forbidden = protectedPath(rule, paths);
  if (forbidden !== undefined) return `branch ${branch} is protected from changing file ${forbidden}`;
  if (mayPush(forge.db, rule, user, repo) || areUnprotected(rule, paths)) return undefined;
  return `Not allowed to push to protected branch ${branch}`;
}

const needsPaths = (rule: Protection): boolean =>
  rule.protected_file_patterns !== "" || rule.unprotected_file_patterns !== "";

const bothPaths = (file: { path: string; oldPath: string }) => [file.path, file.oldPath];
