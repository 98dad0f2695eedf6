/** Users, organizations, teams and tokens as the API answers them. */
import type { Database } from "../database/open.ts";
import type { Team } from "../domain/teams.ts";
import type { Token } from "../domain/tokens.ts";
import { requireUser, type User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { isoTime, NEVER } from "./time.ts";

/** Nobody in particular: what a webhook may show. */
export type Viewer = User | null;

/** Address, sign-in times and powers are shown to a site admin and to the user itself alone. */
export function userJson(forge: Forge, user: User, viewer: Viewer) {
  const isPrivate = viewer !== null && (viewer.is_admin === 1 || viewer.id === user.id);
  return {
    id: user.id,
    login: user.name,
    login_name: "",
    source_id: 0,
    full_name: user.full_name,
    email: isPrivate ? user.email : `${user.lower_name}@noreply.localhost`,
    avatar_url: avatarUrl(forge, user),
    html_url: `${forge.url}/${user.name}`,
    language: "",
    is_admin: isPrivate && user.is_admin === 1,
    last_login: isPrivate && user.last_login_at !== null ? isoTime(user.last_login_at) : NEVER,
    created: isoTime(user.created_at),
    restricted: user.is_restricted === 1,
    active: isPrivate && user.is_active === 1,
    prohibit_login: isPrivate && user.prohibit_login === 1,
    location: user.location,
    pronouns: "",
    website: user.website,
    description: user.description,
    visibility: user.visibility,
    followers_count: 0,
    following_count: 0,
    starred_repos_count: 0,
    username: user.name,
  };
}

/** Forgejo answers null, not an empty list, where nobody is named. */
export const someUsersJson = (forge: Forge, users: readonly User[], viewer: Viewer) =>
  users.length === 0 ? null : users.map((user) => userJson(forge, user, viewer));

export const userByIdJson = (forge: Forge, id: number | null, viewer: Viewer) =>
  id === null ? null : userJson(forge, requireUser(forge.db, id), viewer);

export const orgJson = (forge: Forge, org: User) => ({
  id: org.id,
  name: org.name,
  full_name: org.full_name,
  email: org.email,
  avatar_url: avatarUrl(forge, org),
  description: org.description,
  website: org.website,
  location: org.location,
  visibility: org.visibility,
  repo_admin_change_team_access: org.repo_admin_change_team_access === 1,
  username: org.name,
});

/** The organization stands only in answers about one team. */
export const teamJson = (forge: Forge, team: Team, isAlone = false) => ({
  id: team.id,
  name: team.name,
  description: team.description,
  organization: isAlone ? orgJson(forge, orgOf(forge.db, team)) : null,
  includes_all_repositories: team.includes_all_repositories === 1,
  permission: team.permission,
  units: Object.keys(team.units),
  units_map: team.units,
  can_create_org_repo: team.can_create_org_repo === 1,
});

/** The secret is known, and shown, only when the token is made. */
export const tokenJson = (token: Token, secret = "") => ({
  id: token.id,
  name: token.name,
  sha1: secret,
  token_last_eight: token.last_eight,
  scopes: token.scopes,
});

const orgOf = (db: Database, team: Team): User => requireUser(db, team.org_id);
const avatarUrl = (forge: Forge, user: User): string => `${forge.url}/avatars/${user.lower_name}`;
