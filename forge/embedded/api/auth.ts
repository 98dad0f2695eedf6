/**
 * Who calls: a token (`token X`, `Bearer X`, or either half of basic authentication) or a password. Site admins may act as
 * somebody else by `Sudo`. Everybody has to say who they are, as with Forgejo's REQUIRE_SIGNIN_VIEW.
 */
import { accessTokenBySecret } from "../domain/oauth-grants.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import { type Category, hasScope, type Level } from "../domain/scopes.ts";
import { tokenBySecret } from "../domain/tokens.ts";
import { requireUser, type User, userByName, userWithPassword } from "../domain/users.ts";
import type { Forge } from "../forge.ts";

export interface Caller {
  user: User;
  scopes: readonly string[];
  /** Signed in with a password, which alone may make and delete tokens. */
  hasPassword: boolean;
}

const BAD_CREDENTIALS = "invalid username, password or token";
const EVERYTHING = ["all"];

/**
 * The caller that an Authorization header proves, be it the API's or git's.
 * @returns undefined without a header, and for an empty one
 * @throws Refusal 401 wrong token or password, 403 another scheme
 */
export async function callerOf(forge: Forge, authorization: string | undefined): Promise<Caller | undefined> {
  const [scheme = "", value = ""] = (authorization ?? "").trim().split(/\s+/, 2);
  if (scheme === "" || value === "") return undefined;
  switch (scheme.toLowerCase()) {
    case "token":
    case "bearer":
      return tokenCaller(forge, value) ?? refuse(401, BAD_CREDENTIALS);
    case "basic":
      return (await basicCaller(forge, value)) ?? refuse(401, BAD_CREDENTIALS);
    default:
      return refuse(403, "Only signed in user is allowed to call APIs.");
  }
}

function tokenCaller(forge: Forge, secret: string): Caller | undefined {
  const granted = accessTokenBySecret(forge, secret);
  if (granted) return { ...granted, hasPassword: false };
  const token = tokenBySecret(forge.db, secret);
  return token && { user: requireUser(forge.db, token.user_id), scopes: token.scopes, hasPassword: false };
}

async function basicCaller(forge: Forge, encoded: string): Promise<Caller | undefined> {
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const secret = colon < 0 ? "" : text.slice(colon + 1);
  const byToken = tokenCaller(forge, ["", "x-oauth-basic"].includes(secret) ? name : secret);
  if (byToken || secret === "") return byToken;
  const user = await userWithPassword(forge, name, secret);
  return user && { user, scopes: EVERYTHING, hasPassword: true };
}

/** @throws Refusal 403 for whoever may not use the API at all */
export function demandAble(forge: Forge, user: User): void {
  if (!user.is_active) throw new Refusal(403, "This account is not activated.");
  if (user.prohibit_login) {
    throw new Refusal(403, "This account is prohibited from signing in, please contact your site administrator.");
  }
  if (user.must_change_password) {
    throw new Refusal(403, `You must change your password. Change it at: ${forge.url}/user/change_password`);
  }
}

/** A route that names several categories needs all of them. @throws Refusal 403 */
export function demandScopes(caller: Caller, level: Level, categories: readonly Category[]): void {
  const missing = categories.filter((category) => !hasScope(caller.scopes, level, category));
  if (missing.length === 0) return;
  const wanted = missing.map((category) => `${level}:${category}`).join(", ");
  throw new Refusal(403, `token does not have at least one of required scope(s): [${wanted}]`);
}

/**
 * The user to act as. Powers of the admin do not go over, and neither does what bars the target from signing in.
 * @throws Refusal 403 not a site admin, 404 unknown target
 */
export function sudo(forge: Forge, caller: Caller, target: string | undefined): User {
  if (!target) return caller.user;
  if (!caller.user.is_admin) throw new Refusal(403, "Only administrators allowed to sudo.");
  const user = userByName(forge.db, target);
  if (!user) throw notFound();
  return user;
}

function refuse(status: number, message: string): never {
  throw new Refusal(status, message);
}
