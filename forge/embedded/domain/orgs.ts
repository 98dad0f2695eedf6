/** Organizations: rows of table `users` with kind `org`, owned by the members of their Owners team. */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { checkUserName } from "./names.ts";
import { notFound, Refusal } from "./refusal.ts";
import { createOwnersTeam, removeMember, teamsOfMember } from "./teams.ts";
import { isOwnerVisible, ownerByName, refuseTaken, requireUser, type User, type Visibility } from "./users.ts";

export interface OrgWish {
  name: string;
  full_name?: string;
  email?: string;
  description?: string;
  website?: string;
  location?: string;
  visibility?: Visibility;
  repo_admin_change_team_access?: boolean;
}

/**
 * Only site admins, and users who were allowed to, may become an organization's owner.
 * @throws Refusal 403 not allowed, 422 name taken or bad
 */
export function createOrg(forge: Forge, owner: User, wish: OrgWish): User {
  if (!owner.is_admin && !owner.allow_create_organization) throw new Refusal(403, "");
  checkUserName(wish.name);
  return forge.db.write(() => {
    refuseTaken(forge.db, wish.name, "");
    const { id } = forge.db.run(
      `INSERT INTO users (kind, name, lower_name, full_name, description, website, location, visibility,
                          repo_admin_change_team_access, created_at)
       VALUES ('org', :name, :lower_name, :full_name, :description, :website, :location, :visibility, :change, :now)`,
      {
        name: wish.name,
        lower_name: wish.name.toLowerCase(),
        full_name: wish.full_name ?? "",
        description: wish.description ?? "",
        website: wish.website ?? "",
        location: wish.location ?? "",
        visibility: wish.visibility ?? "public",
        change: Number(wish.repo_admin_change_team_access ?? false),
        now: forge.now(),
      },
    );
    const org = requireUser(forge.db, id);
    createOwnersTeam(forge.db, org, owner);
    return org;
  });
}

export function changeOrg(forge: Forge, org: User, wish: Omit<OrgWish, "name">): User {
  const columns = ["full_name", "description", "website", "location", "visibility"] as const;
  return forge.db.write(() => {
    for (const column of columns) {
      const value = wish[column];
      if (value !== undefined)
        forge.db.run(`UPDATE users SET ${column} = :value WHERE id = :id`, { id: org.id, value });
    }
    return requireUser(forge.db, org.id);
  });
}

/** @throws Refusal 422 when it still owns repositories */
export function deleteOrg(forge: Forge, org: User): void {
  forge.db.write(() => {
    if (forge.db.get("SELECT 1 FROM repos WHERE owner_id = :id", { id: org.id }))
      throw new Refusal(422, "organization still owns repositories");
    forge.db.run("DELETE FROM users WHERE id = :id", { id: org.id });
  });
}

/** @throws Refusal 404 unknown, or hidden from `viewer` */
export function findOrg(db: Database, viewer: User, name: string): User {
  const org = ownerByName(db, name);
  if (org?.kind !== "org" || !isOwnerVisible(db, viewer, org))
    throw notFound(`organization redirect does not exist [name: ${name.slice(0, 100)}]`);
  return org;
}

export const orgsOf = (db: Database, user: User): User[] =>
  db.all<User>(
    `SELECT DISTINCT o.* FROM users o JOIN teams t ON t.org_id = o.id JOIN team_members m ON m.team_id = t.id
     WHERE m.user_id = :user ORDER BY o.lower_name`,
    { user: user.id },
  );

export const visibleOrgs = (db: Database, viewer: User): User[] =>
  db
    .all<User>("SELECT * FROM users WHERE kind = 'org' ORDER BY lower_name")
    .filter((org) => isOwnerVisible(db, viewer, org));

export const isOrgOwner = (db: Database, org: User, user: User): boolean =>
  user.is_admin === 1 || teamsOfMember(db, org.id, user.id).some((team) => team.permission === "owner");

/** May `user` make repositories in this organization? */
export const canCreateRepoIn = (db: Database, org: User, user: User): boolean =>
  user.is_admin === 1 ||
  teamsOfMember(db, org.id, user.id).some((team) => team.permission === "owner" || team.can_create_org_repo === 1);

/** Everybody who is in at least one team. */
export const membersOfOrg = (db: Database, org: User): User[] =>
  db.all<User>(
    `SELECT DISTINCT u.* FROM users u JOIN team_members m ON m.user_id = u.id JOIN teams t ON t.id = m.team_id
     WHERE t.org_id = :org ORDER BY u.lower_name`,
    { org: org.id },
  );

/** Takes a user out of every team. @throws Refusal 404 not a member, 422 the last owner */
export function removeOrgMember(forge: Forge, org: User, user: User): void {
  forge.db.write(() => {
    const teams = teamsOfMember(forge.db, org.id, user.id);
    if (teams.length === 0) throw notFound();
    for (const team of teams) removeMember(forge.db, team, user);
  });
}
