/** What has to be there before anybody can call: the ghost, the site admin, and the admin's token in its file. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import type { Database } from "./database/open.ts";
import { createToken, deleteToken, tokenBySecret } from "./domain/tokens.ts";
import { createUser, GHOST_ID, type User, userByName } from "./domain/users.ts";
import type { Forge } from "./forge.ts";

const TOKEN_NAME = "start";

/** Repeatable: what is there already stays. */
export async function prepareAccounts(forge: Forge, adminName: string, tokenFile: string): Promise<void> {
  createGhost(forge.db, forge.now());
  const admin = userByName(forge.db, adminName) ?? (await createAdmin(forge, adminName));
  if (!holdsToken(forge.db, admin, tokenFile)) writeToken(forge, admin, tokenFile);
}

function createGhost(db: Database, now: number): void {
  db.run(
    `INSERT OR IGNORE INTO users (id, kind, name, lower_name, full_name, is_active, prohibit_login, created_at)
     VALUES (:id, 'user', 'Ghost', 'ghost', 'Ghost', 0, 1, :now)`,
    { id: GHOST_ID, now },
  );
}

/** Without a password: the token is the only way in. */
const createAdmin = (forge: Forge, name: string): Promise<User> =>
  createUser(forge, { name, email: `${name}@forge.invalid`, is_admin: true });

function holdsToken(db: Database, admin: User, file: string): boolean {
  try {
    return tokenBySecret(db, readFileSync(file, "utf8").trim())?.user_id === admin.id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** A crash between row and file leaves a token that nobody knows; the next start replaces it. */
function writeToken(forge: Forge, admin: User, file: string): void {
  deleteToken(forge.db, admin, TOKEN_NAME);
  const { secret } = createToken(forge, admin, TOKEN_NAME, ["all"]);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = openSync(`${file}.new`, "w", 0o600);
  writeSync(descriptor, `${secret}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${file}.new`, file);
}
