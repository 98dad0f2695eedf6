/** What a branch's rule grants, and to whom. Without a rule it is the right to write code that counts. */
import type { Database } from "../database/open.ts";
import { isAtLeast } from "./access-level.ts";
import { matchesGlob } from "./globs.ts";
import { accessOf } from "./permissions.ts";
import type { Protection } from "./protection.ts";
import type { Repo } from "./repos.ts";
import { isMember } from "./teams.ts";
import type { User } from "./users.ts";

const isListed = (db: Database, user: User, users: number[], teams: number[]): boolean =>
  users.includes(user.id) || teams.some((team) => isMember(db, team, user.id));

const canWriteCode = (db: Database, user: User, repo: Repo): boolean =>
  isAtLeast(accessOf(db, user, repo).code, "write");

/** May `user` move this branch directly? No power of an admin counts here. */
export function mayPush(db: Database, protection: Protection | undefined, user: User, repo: Repo): boolean {
  if (!protection) return canWriteCode(db, user, repo);
  if (!protection.enable_push) return false;
  if (!protection.enable_push_whitelist) return canWriteCode(db, user, repo);
  return isListed(db, user, protection.push_whitelist_users, protection.push_whitelist_teams);
}

/** May `user` merge into this branch? Nobody is above the list. */
export function mayMerge(db: Database, protection: Protection | undefined, user: User, repo: Repo): boolean {
  if (!protection?.enable_merge_whitelist) return canWriteCode(db, user, repo);
  return isListed(db, user, protection.merge_whitelist_users, protection.merge_whitelist_teams);
}

/** Does a review of `user` count? Asked when the review is given. On the list, the right to read is enough. */
export function isOfficialReviewer(db: Database, protection: Protection | undefined, user: User, repo: Repo): boolean {
  if (!protection?.enable_approvals_whitelist) return canWriteCode(db, user, repo);
  return isListed(db, user, protection.approvals_whitelist_users, protection.approvals_whitelist_teams);
}

const patternsOf = (text: string): string[] =>
  text
    .split(";")
    .map((pattern) => pattern.trim().toLowerCase())
    .filter((pattern) => pattern !== "");

const fitsOne = (patterns: string[], path: string) =>
  patterns.some((pattern) => matchesGlob(pattern, path.toLowerCase()));

/** The first of these paths that nobody may change on the branch. */
export function protectedPath(protection: Protection, paths: readonly string[]): string | undefined {
  const patterns = patternsOf(protection.protected_file_patterns);
  return paths.find((path) => fitsOne(patterns, path));
}

/** Are all of these paths open to whoever can write, although direct pushes are not? */
export function areUnprotected(protection: Protection, paths: readonly string[]): boolean {
  const patterns = patternsOf(protection.unprotected_file_patterns);
  return patterns.length > 0 && paths.length > 0 && paths.every((path) => fitsOne(patterns, path));
}
