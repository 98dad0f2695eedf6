/**
 * What a user may do in a repository. The rules are Forgejo's: a site admin owns everything; a team gives a level per unit; a
 * public repository may be read by every user who is not restricted; a unit that is switched off is closed to all.
 */
import type { Database } from "../database/open.ts";
import { type AccessLevel, higher, isAtLeast } from "./access-level.ts";
import { collaboratorLevel } from "./collaborators.ts";
import { notFound, Refusal } from "./refusal.ts";
import { allRepos, type Repo, repoByName } from "./repos.ts";
import { doesTeamCover, teamLevel, teamsOfMember } from "./teams.ts";
import { isOwnerVisible, requireUser, type User } from "./users.ts";

export interface Access {
  code: AccessLevel;
  issues: AccessLevel;
  pulls: AccessLevel;
  /** Given by a team, a collaboration or ownership, not merely by the repository being public or by a site admin's power. */
  isExplicit: boolean;
}
export type Unit = "code" | "issues" | "pulls";

const UNITS: Record<Unit, string> = { code: "repo.code", issues: "repo.issues", pulls: "repo.pulls" };

export function accessOf(db: Database, user: User, repo: Repo): Access {
  const granted = grantedAccess(db, user, repo);
  const isExplicit = isAtLeast(higher(granted.code, higher(granted.issues, granted.pulls)), "read");
  const floor: AccessLevel = user.is_admin ? "owner" : isOpenTo(db, user, repo) ? "read" : "none";
  const level = (unit: Unit) => higher(granted[unit], floor);
  return {
    code: level("code"),
    issues: repo.settings.has_issues ? level("issues") : "none",
    pulls: repo.settings.has_pull_requests ? level("pulls") : "none",
    isExplicit,
  };
}

function grantedAccess(db: Database, user: User, repo: Repo): Record<Unit, AccessLevel> {
  if (repo.owner_id === user.id) return { code: "owner", issues: "owner", pulls: "owner" };
  const teams = teamsOfMember(db, repo.owner_id, user.id).filter((team) => doesTeamCover(db, team, repo));
  const own = collaboratorLevel(db, repo.id, user.id);
  const level = (unit: Unit) =>
    teams.reduce<AccessLevel>((best, team) => higher(best, teamLevel(team, UNITS[unit])), own);
  return { code: level("code"), issues: level("issues"), pulls: level("pulls") };
}

const isOpenTo = (db: Database, user: User, repo: Repo): boolean =>
  !repo.is_private && !user.is_restricted && isOwnerVisible(db, user, requireUser(db, repo.owner_id));

const canSee = (access: Access): boolean => isAtLeast(higher(access.code, higher(access.issues, access.pulls)), "read");

/** Admin of the repository: site admin, owner, or a team or collaboration with admin. */
export const isRepoAdmin = (access: Access): boolean => isAtLeast(access.code, "admin");

/** The unit that an issue or a pull request belongs to. */
export const unitOf = (issue: { is_pull: number }): Unit => (issue.is_pull ? "pulls" : "issues");

/** @throws Refusal 404 when there is no such repository or `user` may not see it */
export function findRepo(db: Database, user: User, owner: string, name: string): { repo: Repo; access: Access } {
  const repo = repoByName(db, owner, name);
  const access = repo && accessOf(db, user, repo);
  if (!repo || !access || !canSee(access)) throw notFound();
  return { repo, access };
}

/** @throws Refusal 404 without read, 403 when only more than read is missing */
export function demand(access: Access, unit: Unit, level: AccessLevel): void {
  if (!isAtLeast(access[unit], "read")) throw notFound();
  if (!isAtLeast(access[unit], level)) throw new Refusal(403, "user should have a permission to write to a repo");
}

/** @throws Refusal 403 */
export function demandRepoAdmin(access: Access): void {
  if (!isRepoAdmin(access))
    throw new Refusal(403, "user should be an owner or a collaborator with admin write of a repository");
}

/** @throws Refusal 423 */
export function refuseArchived(repo: Repo): void {
  if (repo.is_archived) throw new Refusal(423, `<Repository ${repo.id}:${repo.owner_name}/${repo.name}> is archived`);
}

export const visibleRepos = (db: Database, user: User): Repo[] =>
  allRepos(db).filter((repo) => canSee(accessOf(db, user, repo)));
