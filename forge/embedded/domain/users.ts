/** Table `users`, the rows of people and agents. Organizations are rows of the same table: domain/orgs.ts. */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { checkUserName } from "./names.ts";
import { checkPassword, hashPassword, isPassword } from "./passwords.ts";
import { notFound, Refusal } from "./refusal.ts";

export type Visibility = "public" | "limited" | "private";
export interface User {
  id: number;
  kind: "user" | "org";
  name: string;
  lower_name: string;
  full_name: string;
  email: string;
  password_hash: string | null;
  description: string;
  website: string;
  location: string;
  visibility: Visibility;
  is_admin: number;
  is_active: number;
  is_restricted: number;
  prohibit_login: number;
  must_change_password: number;
  allow_create_organization: number;
  max_repo_creation: number;
  repo_admin_change_team_access: number;
  created_at: number;
  last_login_at: number | null;
}
export interface NewUser {
  name: string;
  email: string;
  password?: string;
  full_name?: string;
  visibility?: Visibility;
  is_admin?: boolean;
  is_restricted?: boolean;
  must_change_password?: boolean;
}
/** Only what is named is changed. */
export interface UserChange {
  password?: string;
  email?: string;
  full_name?: string;
  description?: string;
  website?: string;
  location?: string;
  visibility?: Visibility;
  is_admin?: boolean;
  is_active?: boolean;
  is_restricted?: boolean;
  prohibit_login?: boolean;
  must_change_password?: boolean;
  allow_create_organization?: boolean;
  max_repo_creation?: number;
}

/** Stands for the authors of what a deleted user left behind. Its row is made with the database's first start. */
export const GHOST_ID = -1;

export const userById = (db: Database, id: number) => db.get<User>("SELECT * FROM users WHERE id = :id", { id });

/** As which a user stands in commits that the forge makes. */
export const signatureOf = (user: User, at: number) => ({
  name: user.full_name || user.name,
  email: user.email || `${user.lower_name}@noreply.localhost`,
  at,
});

/** A row that a foreign key promises. */
export function requireUser(db: Database, id: number): User {
  const user = userById(db, id);
  if (!user) throw new Error(`user ${id} is named by a row but does not exist`);
  return user;
}

/** User or organization, by name in any case. */
export const ownerByName = (db: Database, name: string) =>
  db.get<User>("SELECT * FROM users WHERE lower_name = :name", { name: name.toLowerCase() });

export const userByName = (db: Database, name: string) =>
  db.get<User>("SELECT * FROM users WHERE lower_name = :name AND kind = 'user' AND id > 0", {
    name: name.toLowerCase(),
  });

export const userByEmail = (db: Database, email: string) =>
  db.get<User>("SELECT * FROM users WHERE lower(email) = :email AND kind = 'user' AND email <> ''", {
    email: email.toLowerCase(),
  });

export const allUsers = (db: Database) =>
  db.all<User>("SELECT * FROM users WHERE kind = 'user' AND id > 0 ORDER BY lower_name");

/** @throws Refusal 422 bad or taken name or address, 400 short password */
export async function createUser(forge: Forge, wanted: NewUser): Promise<User> {
  checkUserName(wanted.name);
  checkEmail(wanted.email);
  if (wanted.password !== undefined) checkPassword(wanted.password);
  const passwordHash = wanted.password === undefined ? null : await hashPassword(wanted.password, forge.passwordCost);
  return forge.db.write(() => {
    refuseTaken(forge.db, wanted.name, wanted.email);
    const { id } = forge.db.run(
      `INSERT INTO users (kind, name, lower_name, full_name, email, password_hash, visibility, is_admin, is_restricted,
                          must_change_password, created_at)
       VALUES ('user', :name, :lower_name, :full_name, :email, :password_hash, :visibility, :is_admin, :is_restricted,
               :must_change_password, :now)`,
      {
        name: wanted.name,
        lower_name: wanted.name.toLowerCase(),
        full_name: wanted.full_name ?? "",
        email: wanted.email,
        password_hash: passwordHash,
        visibility: wanted.visibility ?? "public",
        is_admin: Number(wanted.is_admin ?? false),
        is_restricted: Number(wanted.is_restricted ?? false),
        must_change_password: Number(wanted.must_change_password ?? false),
        now: forge.now(),
      },
    );
    return requireUser(forge.db, id);
  });
}

/** @throws Refusal 400 short password, 422 taken or bad address */
export async function changeUser(forge: Forge, user: User, change: UserChange): Promise<User> {
  const { password, ...columns } = change;
  if (password !== undefined) checkPassword(password);
  if (columns.email !== undefined) checkEmail(columns.email);
  const passwordHash = password === undefined ? undefined : await hashPassword(password, forge.passwordCost);
  return forge.db.write(() => {
    if (columns.email !== undefined) {
      const holder = userByEmail(forge.db, columns.email);
      if (holder && holder.id !== user.id) throw new Refusal(422, `e-mail already in use [email: ${columns.email}]`);
    }
    if (passwordHash !== undefined) setColumn(forge.db, user.id, "password_hash", passwordHash);
    for (const [column, value] of Object.entries(columns)) {
      if (value !== undefined) setColumn(forge.db, user.id, column, typeof value === "boolean" ? Number(value) : value);
    }
    return requireUser(forge.db, user.id);
  });
}

/**
 * Removes a user; what it wrote stays and belongs to the ghost.
 * @throws Refusal 422 when repositories or an organization would be left without owner
 */
export function deleteUser(forge: Forge, user: User): void {
  forge.db.write(() => {
    const { db } = forge;
    if (db.get("SELECT 1 FROM repos WHERE owner_id = :id", { id: user.id }))
      throw new Refusal(422, `user still has ownership of repositories [uid: ${user.id}]`);
    if (db.get(SOLE_OWNER, { id: user.id }))
      throw new Refusal(422, `user still has organization memberships [uid: ${user.id}]`);
    for (const [table, column] of AUTHORED)
      db.run(`UPDATE ${table} SET ${column} = ${GHOST_ID} WHERE ${column} = :id`, { id: user.id });
    db.run("DELETE FROM users WHERE id = :id", { id: user.id });
  });
}

/** The last member of an Owners team may not go. */
const SOLE_OWNER = `SELECT 1 FROM team_members m JOIN teams t ON t.id = m.team_id
  WHERE m.user_id = :id AND t.permission = 'owner' AND (SELECT count(*) FROM team_members x WHERE x.team_id = t.id) = 1`;

const AUTHORED = [
  ["issues", "author_id"],
  ["comments", "author_id"],
  ["reviews", "reviewer_id"],
  ["review_comments", "author_id"],
  ["statuses", "creator_id"],
  ["pulls", "merged_by"],
] as const;

/** The user whom this password belongs to; undefined when it is wrong. */
export async function userWithPassword(
  { db, passwordCost }: Forge,
  nameOrEmail: string,
  password: string,
): Promise<User | undefined> {
  const user = userByName(db, nameOrEmail) ?? userByEmail(db, nameOrEmail);
  return (await isPassword(password, user?.password_hash ?? null, passwordCost)) ? user : undefined;
}

/** @throws Refusal 404 */
export function findUser(db: Database, name: string): User {
  const user = userByName(db, name);
  if (!user) throw notFound(`user redirect does not exist [name: ${name.slice(0, 100)}]`);
  return user;
}

/** May `viewer` learn that this user or organization exists? */
export function isOwnerVisible(db: Database, viewer: User, owner: User): boolean {
  if (viewer.is_admin || viewer.id === owner.id) return true;
  if (owner.kind === "org") return isOrgVisible(db, viewer, owner);
  if (owner.visibility === "public") return true;
  if (viewer.is_restricted) return false;
  return owner.visibility === "limited" || shareOrg(db, viewer, owner);
}

function isOrgVisible(db: Database, viewer: User, org: User): boolean {
  if (isMemberOfOrg(db, viewer, org)) return true;
  return org.visibility !== "private" && !viewer.is_restricted;
}

export const isMemberOfOrg = (db: Database, user: User, org: User): boolean =>
  db.get("SELECT 1 FROM team_members m JOIN teams t ON t.id = m.team_id WHERE m.user_id = :user AND t.org_id = :org", {
    user: user.id,
    org: org.id,
  }) !== undefined;

const shareOrg = (db: Database, one: User, other: User): boolean =>
  db.get(
    `SELECT 1 FROM team_members a JOIN teams ta ON ta.id = a.team_id JOIN teams tb ON tb.org_id = ta.org_id
       JOIN team_members b ON b.team_id = tb.id WHERE a.user_id = :one AND b.user_id = :other`,
    { one: one.id, other: other.id },
  ) !== undefined;

export function refuseTaken(db: Database, name: string, email: string): void {
  if (ownerByName(db, name)) throw new Refusal(422, `user already exists [name: ${name}]`);
  if (email !== "" && userByEmail(db, email)) throw new Refusal(422, `e-mail already in use [email: ${email}]`);
}

function checkEmail(email: string): void {
  if (!/^[^\s@<>"',;:\\]{1,64}@[^\s@<>"',;:\\]{1,190}$/.test(email)) throw new Refusal(422, "[Email]: Email");
}

/** `column` is one of UserChange's keys, never a caller's text. */
function setColumn(db: Database, id: number, column: string, value: string | number): void {
  db.run(`UPDATE users SET ${column} = :value WHERE id = :id`, { id, value });
}
