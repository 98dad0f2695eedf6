/** What the paths of the API name, looked up as the caller may see it. */
import { findIssue, type Issue } from "../domain/issues.ts";
import { findOrg, isOrgOwner } from "../domain/orgs.ts";
import { type Access, accessOf, demandRepoAdmin, findRepo, refuseArchived } from "../domain/permissions.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { isMember, type Team, teamById } from "../domain/teams.ts";
import { findUser, isMemberOfOrg, isOwnerVisible, ownerByName, requireUser, type User } from "../domain/users.ts";
import { repoJson } from "../shapes/repo.ts";
import type { Call } from "./endpoint.ts";

type On<Params> = Call<Params>;
interface RepoPlace {
  repo: Repo;
  access: Access;
}

/** @throws Refusal 404 */
export function repoOf(call: On<{ owner: string; repo: string }>): RepoPlace {
  const place = findRepo(call.forge.db, call.user, call.params.owner, call.params.repo);
  if (call.caller.scopes.includes("public-only") && place.repo.is_private) {
    throw new Refusal(403, "token scope is limited to public repos");
  }
  return place;
}

/** For calls that change something. @throws Refusal 404, 423 archived */
export function openRepoOf(call: On<{ owner: string; repo: string }>): RepoPlace {
  const place = repoOf(call);
  refuseArchived(place.repo);
  return place;
}

/** @throws Refusal 404, 403 unless the caller is the repository's admin */
export function adminRepoOf(call: On<{ owner: string; repo: string }>): RepoPlace {
  const place = repoOf(call);
  demandRepoAdmin(place.access);
  return place;
}

/** @throws Refusal 404 */
export function issueOf(call: On<{ owner: string; repo: string; index: number }>): RepoPlace & { issue: Issue } {
  const place = repoOf(call);
  return { ...place, issue: findIssue(call.forge.db, place.repo, place.access, call.params.index) };
}

/** @throws Refusal 404, 423 archived */
export function openIssueOf(call: On<{ owner: string; repo: string; index: number }>): RepoPlace & { issue: Issue } {
  openRepoOf(call);
  return issueOf(call);
}

/** @throws Refusal 404 */
export function orgOf(call: On<{ org: string }>): User {
  return findOrg(call.forge.db, call.user, call.params.org);
}

/** @throws Refusal 404, 403 */
export function ownedOrgOf(call: On<{ org: string }>): User {
  const org = orgOf(call);
  if (!isOrgOwner(call.forge.db, org, call.user)) throw new Refusal(403, "Must be an organization owner");
  return org;
}

/** Also one that the caller may not see: Forgejo lists of it what shows itself to everybody. @throws Refusal 404 */
export function namedOrgOf(call: On<{ org: string }>): User {
  const org = ownerByName(call.forge.db, call.params.org);
  if (org?.kind !== "org") throw notFound();
  return org;
}

/** For who is in the organization. @throws Refusal 404, 403 */
export function memberOrgOf(call: On<{ org: string }>): User {
  const org = orgOf(call);
  if (!isInside(call, org)) throw new Refusal(403, "Must be an organization member");
  return org;
}

export const isInside = ({ forge, user }: Call, org: User): boolean =>
  user.is_admin === 1 || isMemberOfOrg(forge.db, user, org);

/** For its members and the organization's owners. @throws Refusal 404, 403 */
export function teamOf(call: On<{ id: number }>): { team: Team; org: User } {
  const { forge, user } = call;
  const team = teamById(forge.db, call.params.id);
  const org = team && requireUser(forge.db, team.org_id);
  if (!team || !org || !isOwnerVisible(forge.db, user, org)) throw notFound();
  if (!isMember(forge.db, team.id, user.id) && !isOrgOwner(forge.db, org, user)) {
    throw new Refusal(403, "Must be a team member");
  }
  return { team, org };
}

/** As Forgejo, which does not say "forbidden" here. @throws Refusal 404 also for its members, 403 for others inside */
export function ownedTeamOf(call: On<{ id: number }>): { team: Team; org: User } {
  const place = teamOf(call);
  if (!isOrgOwner(call.forge.db, place.org, call.user)) throw notFound();
  return place;
}

/** @throws Refusal 404 */
export function userOf(call: On<{ username: string }>): User {
  const user = findUser(call.forge.db, call.params.username);
  if (!isOwnerVisible(call.forge.db, call.user, user)) throw notFound();
  return user;
}

/** @throws Refusal 403 */
export function demandSiteAdmin(call: Call): void {
  if (!call.user.is_admin) throw new Refusal(403, "user should be the site admin");
}

/** A repository as its reader sees it. */
export const repoFor = (call: Call, repo: Repo) =>
  repoJson(call.forge, repo, accessOf(call.forge.db, call.user, repo), call.user);
