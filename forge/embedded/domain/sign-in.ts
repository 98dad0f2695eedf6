/** Tables `sign_in_links` and `sessions`: how a browser becomes a user. Only hashes of the secrets are stored. */
import { randomBytes } from "node:crypto";
import type { Forge } from "../forge.ts";
import { secretHash } from "./tokens.ts";
import { type User, userById } from "./users.ts";

const LINK_LIFE_MS = 5 * 60_000;
const SESSION_LIFE_MS = 14 * 24 * 3_600_000;

/**
 * A new one-time secret that signs in as `user` within five minutes. Its link is `<url>/sign-in/link?secret=…`: to open it
 * shows a button, and only the button's POST uses it up, so that no preview of the link spends it.
 */
export function createSignInSecret(forge: Forge, user: User): string {
  const secret = randomBytes(32).toString("base64url");
  forge.db.write(() => {
    forge.db.run("DELETE FROM sign_in_links WHERE expires_at < :now", { now: forge.now() });
    forge.db.run("INSERT INTO sign_in_links (hash, user_id, expires_at) VALUES (:hash, :user, :expires_at)", {
      hash: secretHash(secret),
      user: user.id,
      expires_at: forge.now() + LINK_LIFE_MS,
    });
  });
  return secret;
}

/** Uses the secret up. Undefined when it is unknown, used or too old, or its user may not sign in. */
export function redeemSignInSecret(forge: Forge, secret: string): User | undefined {
  return forge.db.write(() => {
    const link = forge.db.get<{ user_id: number }>(
      "DELETE FROM sign_in_links WHERE hash = :hash AND expires_at >= :now RETURNING user_id",
      { hash: secretHash(secret), now: forge.now() },
    );
    return link && able(userById(forge.db, link.user_id));
  });
}

/** The value for the session's cookie. */
export function createSession(forge: Forge, user: User): string {
  const secret = randomBytes(32).toString("base64url");
  forge.db.write(() => {
    forge.db.run("DELETE FROM sessions WHERE expires_at < :now", { now: forge.now() });
    forge.db.run("INSERT INTO sessions (hash, user_id, expires_at) VALUES (:hash, :user, :expires_at)", {
      hash: secretHash(secret),
      user: user.id,
      expires_at: forge.now() + SESSION_LIFE_MS,
    });
    forge.db.run("UPDATE users SET last_login_at = :now WHERE id = :id", { id: user.id, now: forge.now() });
  });
  return secret;
}

export function userOfSession(forge: Forge, cookie: string): User | undefined {
  const row = forge.db.get<{ user_id: number }>(
    "SELECT user_id FROM sessions WHERE hash = :hash AND expires_at >= :now",
    {
      hash: secretHash(cookie),
      now: forge.now(),
    },
  );
  return row && able(userById(forge.db, row.user_id));
}

export function endSession(forge: Forge, cookie: string): void {
  forge.db.run("DELETE FROM sessions WHERE hash = :hash", { hash: secretHash(cookie) });
}

/** Deactivated and barred users lose what they hold at once. */
const able = (user: User | undefined): User | undefined => (user?.is_active && !user.prohibit_login ? user : undefined);
