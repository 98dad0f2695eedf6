/** Table `oauth_apps`: programs that let people in who have an account here. Secrets are shown once and stored as hashes. */
import { randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { Refusal } from "./refusal.ts";
import { secretHash } from "./tokens.ts";
import type { User } from "./users.ts";

interface AppRow {
  id: number;
  user_id: number;
  name: string;
  client_id: string;
  secret_hash: string;
  is_confidential: number;
  redirect_uris: string;
  created_at: number;
}
export interface OAuthApp {
  id: number;
  name: string;
  clientId: string;
  secretHash: string;
  isConfidential: boolean;
  redirectUris: string[];
  createdAt: number;
}
export interface AppSettings {
  name: string;
  isConfidential: boolean;
  redirectUris: string[];
}

const parsed = (row: AppRow): OAuthApp => ({
  id: row.id,
  name: row.name,
  clientId: row.client_id,
  secretHash: row.secret_hash,
  isConfidential: row.is_confidential === 1,
  redirectUris: JSON.parse(row.redirect_uris),
  createdAt: row.created_at,
});

const newSecret = (): string => `gto_${randomBytes(32).toString("base64url")}`;

/** @throws Refusal 422 */
export function createApp(forge: Forge, owner: User, settings: AppSettings): { app: OAuthApp; secret: string } {
  checkSettings(settings);
  const secret = newSecret();
  const { id } = forge.db.run(
    `INSERT INTO oauth_apps (user_id, name, client_id, secret_hash, is_confidential, redirect_uris, created_at)
     VALUES (:user_id, :name, :client_id, :secret_hash, :is_confidential, :redirect_uris, :now)`,
    {
      user_id: owner.id,
      client_id: randomUUID(),
      secret_hash: secretHash(secret),
      now: forge.now(),
      ...columns(settings),
    },
  );
  return { app: requireApp(forge.db, id), secret };
}

/** As in Forgejo, whoever changes an application gets a new secret; the old one is worth nothing from then on. @throws Refusal 422 */
export function changeApp(forge: Forge, app: OAuthApp, settings: AppSettings): { app: OAuthApp; secret: string } {
  checkSettings(settings);
  const secret = newSecret();
  forge.db.run(
    `UPDATE oauth_apps SET name = :name, is_confidential = :is_confidential, redirect_uris = :redirect_uris,
       secret_hash = :secret_hash WHERE id = :id`,
    { id: app.id, secret_hash: secretHash(secret), ...columns(settings) },
  );
  return { app: requireApp(forge.db, app.id), secret };
}

export const deleteApp = (db: Database, app: OAuthApp) =>
  db.run("DELETE FROM oauth_apps WHERE id = :id", { id: app.id });

export const appsOf = (db: Database, owner: User): OAuthApp[] =>
  db.all<AppRow>("SELECT * FROM oauth_apps WHERE user_id = :user ORDER BY id", { user: owner.id }).map(parsed);

export function appByClientId(db: Database, clientId: string): OAuthApp | undefined {
  const row = db.get<AppRow>("SELECT * FROM oauth_apps WHERE client_id = :client_id", { client_id: clientId });
  return row && parsed(row);
}

function requireApp(db: Database, id: number): OAuthApp {
  const row = db.get<AppRow>("SELECT * FROM oauth_apps WHERE id = :id", { id });
  if (!row) throw new Error(`application ${id} is named by a row but does not exist`);
  return parsed(row);
}

export const isSecretOf = (app: OAuthApp, secret: string): boolean =>
  timingSafeEqual(Buffer.from(secretHash(secret)), Buffer.from(app.secretHash));

/**
 * Exactly one of those that are registered, but for case and one slash at the end, as in Forgejo 15
 * (models/auth/oauth2.go, ContainsRedirectURI). A program on the user's machine cannot know its port beforehand: for a
 * public one that registered a loopback address without a port, any port will do (RFC 8252 section 7.3).
 */
export function isRedirectOf(app: OAuthApp, uri: string): boolean {
  const normal = (text: string) => text.toLowerCase().replace(/\/$/, "");
  const isRegistered = (text: string) => app.redirectUris.some((known) => normal(known) === normal(text));
  return isRegistered(uri) || (!app.isConfidential && isLoopback(uri) && isRegistered(withoutPort(uri)));
}

const isLoopback = (uri: string): boolean =>
  URL.canParse(uri) && /^http:\/\/(?:127\.\d+\.\d+\.\d+|\[::1\]):\d+(?:[/?]|$)/i.test(uri);
const withoutPort = (uri: string): string => uri.replace(/:\d+(?=[/?]|$)/, "");

const columns = ({ name, isConfidential, redirectUris }: AppSettings) => ({
  name,
  is_confidential: Number(isConfidential),
  redirect_uris: JSON.stringify(redirectUris),
});

function checkSettings({ name, redirectUris }: AppSettings): void {
  if (name.trim() === "") throw new Refusal(422, "[Name]: Required");
  if (name.length > 255) throw new Refusal(422, "[Name]: MaxSize");
  const bad = redirectUris.find((uri) => !URL.canParse(uri) || /^(?:javascript|data|vbscript|file):/i.test(uri));
  if (bad !== undefined) throw new Refusal(422, `[RedirectURIs]: ${bad.slice(0, 100)} is no address to go back to`);
}
