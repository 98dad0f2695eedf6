/**
 * Tables `oauth_grants`, `oauth_codes` and `oauth_tokens`: what a user allows an application, and the secrets that stand
 * for it. A code lives for a minute and works once; so does each refresh token, in its month.
 *
 *   user allows → code → (access token, refresh token) → (access token, refresh token) → …
 */
import { createHash, randomBytes } from "node:crypto";
import type { Forge } from "../forge.ts";
import type { OAuthApp } from "./oauth-apps.ts";
import { isScope } from "./scopes.ts";
import { secretHash } from "./tokens.ts";
import { requireUser, type User } from "./users.ts";

const CODE_LIFE_MS = 60_000;
/** Both as Forgejo's defaults. */
export const ACCESS_LIFE_MS = 3_600_000;
const REFRESH_LIFE_MS = 730 * 3_600_000;

export interface Grant {
  id: number;
  app_id: number;
  user_id: number;
  scope: string;
}
interface Code {
  grant_id: number;
  redirect_uri: string;
  challenge: string;
  nonce: string;
}
/** What a code is given for. */
export interface Request {
  redirectUri: string;
  /** with spaces between */
  scope: string;
  /** PKCE, S256; empty for none */
  challenge: string;
  nonce: string;
}

export const grantOf = (forge: Forge, app: OAuthApp, user: User): Grant | undefined =>
  forge.db.get<Grant>("SELECT * FROM oauth_grants WHERE app_id = :app AND user_id = :user", {
    app: app.id,
    user: user.id,
  });

/** Writes down that the user allows it. @returns a code for the application */
export function giveCode(forge: Forge, app: OAuthApp, user: User, request: Request): string {
  const code = randomBytes(32).toString("base64url");
  forge.db.write(() => {
    const ids = { app: app.id, user: user.id };
    const grant = forge.db.get<Grant>(
      `INSERT INTO oauth_grants (app_id, user_id, scope) VALUES (:app, :user, :scope)
       ON CONFLICT (app_id, user_id) DO UPDATE SET scope = :scope RETURNING *`,
      { ...ids, scope: request.scope },
    );
    forge.db.run("DELETE FROM oauth_codes WHERE expires_at < :now", { now: forge.now() });
    forge.db.run(
      `INSERT INTO oauth_codes (hash, grant_id, redirect_uri, challenge, nonce, expires_at)
       VALUES (:hash, :grant_id, :redirect_uri, :challenge, :nonce, :expires_at)`,
      {
        hash: secretHash(code),
        grant_id: grant?.id ?? null,
        redirect_uri: request.redirectUri,
        challenge: request.challenge,
        nonce: request.nonce,
        expires_at: forge.now() + CODE_LIFE_MS,
      },
    );
  });
  return code;
}

/** Uses a code up, also when it then turns out not to fit. */
export function takeCode(forge: Forge, code: string): Code | undefined {
  return forge.db.get<Code>("DELETE FROM oauth_codes WHERE hash = :hash AND expires_at >= :now RETURNING *", {
    hash: secretHash(code),
    now: forge.now(),
  });
}

/** Whether the bearer of a code is the one who asked for it (RFC 7636, S256). */
export const isChallengeMet = (code: Code, verifier: string): boolean =>
  code.challenge === "" || createHash("sha256").update(verifier).digest("base64url") === code.challenge;

export function grantById(forge: Forge, id: number): Grant {
  const grant = forge.db.get<Grant>("SELECT * FROM oauth_grants WHERE id = :id", { id });
  if (!grant) throw new Error(`grant ${id} is named by a row but does not exist`);
  return grant;
}

/** A new pair of tokens for a grant. */
export function giveTokens(forge: Forge, grant: Grant): { access: string; refresh: string } {
  const secrets = { access: randomBytes(32).toString("base64url"), refresh: randomBytes(32).toString("base64url") };
  forge.db.write(() => {
    forge.db.run("DELETE FROM oauth_tokens WHERE expires_at < :now", { now: forge.now() });
    for (const [kind, lifeMs] of [
      ["access", ACCESS_LIFE_MS],
      ["refresh", REFRESH_LIFE_MS],
    ] as const)
      forge.db.run(
        "INSERT INTO oauth_tokens (hash, kind, grant_id, expires_at) VALUES (:hash, :kind, :grant, :expires_at)",
        {
          hash: secretHash(secrets[kind]),
          kind,
          grant: grant.id,
          expires_at: forge.now() + lifeMs,
        },
      );
  });
  return secrets;
}

/** Uses a refresh token of this application up. */
export function takeRefreshToken(forge: Forge, app: OAuthApp, secret: string): Grant | undefined {
  const used = forge.db.get<{ grant_id: number }>(
    `DELETE FROM oauth_tokens WHERE hash = :hash AND kind = 'refresh' AND expires_at >= :now
       AND grant_id IN (SELECT id FROM oauth_grants WHERE app_id = :app) RETURNING grant_id`,
    { hash: secretHash(secret), now: forge.now(), app: app.id },
  );
  return used && grantById(forge, used.grant_id);
}

/** Whose access token this is, and what it may do. */
export function accessTokenBySecret(forge: Forge, secret: string): { user: User; scopes: string[] } | undefined {
  if (!/^[\w-]{43}$/.test(secret)) return undefined;
  const grant = forge.db.get<Grant>(
    `SELECT g.* FROM oauth_tokens t JOIN oauth_grants g ON g.id = t.grant_id
     WHERE t.hash = :hash AND t.kind = 'access' AND t.expires_at >= :now`,
    { hash: secretHash(secret), now: forge.now() },
  );
  if (!grant) return undefined;
  return { user: requireUser(forge.db, grant.user_id), scopes: apiScopes(grant.scope) };
}

/** Scopes of the API among those of a grant. Without any it is for everything, as in Forgejo (services/auth/oauth2.go). */
export function apiScopes(scope: string): string[] {
  const named = scope.split(" ").filter(isScope);
  return named.length > 0 ? named : ["all"];
}
