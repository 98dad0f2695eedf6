/** Table `tokens`: access tokens, 40 hex digits, shown once and stored as a hash. */
import { createHash, randomBytes } from "node:crypto";
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { Refusal } from "./refusal.ts";
import { checkScopes, normalScopes } from "./scopes.ts";
import type { User } from "./users.ts";

interface TokenRow {
  id: number;
  user_id: number;
  name: string;
  hash: string;
  last_eight: string;
  scopes: string;
  created_at: number;
}
export interface Token {
  id: number;
  user_id: number;
  name: string;
  last_eight: string;
  scopes: string[];
}

const parsed = (row: TokenRow): Token => ({
  id: row.id,
  user_id: row.user_id,
  name: row.name,
  last_eight: row.last_eight,
  scopes: JSON.parse(row.scopes),
});

/** For random secrets only: a password needs a slow hash. */
export const secretHash = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** @throws Refusal 400 name taken, no or unknown scopes */
export function createToken(
  forge: Forge,
  user: User,
  name: string,
  scopes: readonly string[],
): Token & { secret: string } {
  checkScopes(scopes);
  if (name.trim() === "") throw new Refusal(422, "[Name]: Required");
  const secret = randomBytes(20).toString("hex");
  return forge.db.write(() => {
    if (tokenByName(forge.db, user, name)) throw new Refusal(400, "access token name has been used already");
    const row = {
      user_id: user.id,
      name,
      hash: secretHash(secret),
      last_eight: secret.slice(-8),
      scopes: JSON.stringify(normalScopes(scopes)),
    };
    const { id } = forge.db.run(
      `INSERT INTO tokens (user_id, name, hash, last_eight, scopes, created_at)
       VALUES (:user_id, :name, :hash, :last_eight, :scopes, :now)`,
      { ...row, now: forge.now() },
    );
    return { ...parsed({ ...row, id, created_at: forge.now() }), secret };
  });
}

export const tokensOf = (db: Database, user: User): Token[] =>
  db.all<TokenRow>("SELECT * FROM tokens WHERE user_id = :user ORDER BY id DESC", { user: user.id }).map(parsed);

const tokenByName = (db: Database, user: User, name: string) =>
  db.get<TokenRow>("SELECT * FROM tokens WHERE user_id = :user AND name = :name", { user: user.id, name });

/** The token with this secret. The comparison is the database's look-up of a hash, so its time says nothing useful. */
export function tokenBySecret(db: Database, secret: string): Token | undefined {
  if (!/^[0-9a-f]{40}$/.test(secret)) return undefined;
  const row = db.get<TokenRow>("SELECT * FROM tokens WHERE hash = :hash", { hash: secretHash(secret) });
  return row && parsed(row);
}

/** By id or name; false when there is none. */
export function deleteToken(db: Database, user: User, idOrName: string): boolean {
  const byName = db.run("DELETE FROM tokens WHERE user_id = :user AND name = :name", { user: user.id, name: idOrName });
  if (byName.changes > 0 || !/^\d{1,15}$/.test(idOrName)) return byName.changes > 0;
  return (
    db.run("DELETE FROM tokens WHERE user_id = :user AND id = :id", { user: user.id, id: Number(idOrName) }).changes > 0
  );
}
