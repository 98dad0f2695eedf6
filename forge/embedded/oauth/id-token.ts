/** The key that signs who somebody is (OpenID Connect Core 1.0), kept beside the database, and what it signs. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from "jose";
import { ACCESS_LIFE_MS } from "../domain/oauth-grants.ts";
import type { User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";

const ALGORITHM = "RS256";
const generate = promisify(generateKeyPair);

export interface SigningKey {
  secret: KeyObject;
  /** with its id and use */
  publicJwk: JWK & { kid: string };
}

/**
 * Opened, or made (0600), by the first call of what it returns: an RSA key takes 0.1 s and more to make, and most forges
 * never sign anything. @param file absolute
 */
export function signingKeyIn(file: string): () => Promise<SigningKey> {
  let opened: Promise<SigningKey> | undefined;
  return () => {
    opened ??= openSigningKey(file).catch((error: unknown) => {
      opened = undefined; // a full disk, perhaps: the next call tries again
      throw error;
    });
    return opened;
  };
}

async function openSigningKey(file: string): Promise<SigningKey> {
  if (!existsSync(file)) {
    const { privateKey } = await generate("rsa", { modulusLength: 2048 });
    writeFileSync(`${file}.new`, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  }
  const secret = createPrivateKey(readFileSync(file));
  const jwk = await exportJWK(createPublicKey(secret));
  return { secret, publicJwk: { ...jwk, kid: await calculateJwkThumbprint(jwk), use: "sig", alg: ALGORITHM } };
}

export const keyFileOf = (dataDir: string): string => path.join(dataDir, "id-token-key.pem");

/** As Forgejo writes it: with a slash at its end. */
export const issuerOf = (forge: Forge): string => `${forge.url}/`;

/** @param audience the application's client id */
export function signIdToken(
  forge: Forge,
  key: SigningKey,
  { user, audience, nonce, scope }: { user: User; audience: string; nonce: string; scope: string },
): Promise<string> {
  const seconds = Math.floor(forge.now() / 1000);
  const claims = { ...(nonce === "" ? {} : { nonce }), ...claimsOf(forge, user, scope) };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, kid: key.publicJwk.kid, typ: "JWT" })
    .setIssuer(issuerOf(forge))
    .setSubject(String(user.id))
    .setAudience(audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ACCESS_LIFE_MS / 1000)
    .sign(key.secret);
}

/** What the granted scopes let an application learn. */
function claimsOf(forge: Forge, user: User, scope: string): Record<string, unknown> {
  const scopes = scope.split(" ");
  return {
    ...(scopes.includes("profile") && {
      name: user.full_name || user.name,
      preferred_username: user.name,
      profile: `${forge.url}/${user.name}`,
      picture: `${forge.url}/avatars/${user.lower_name}`,
      website: user.website,
      updated_at: Math.floor(user.created_at / 1000),
    }),
    ...(scopes.includes("email") && { email: user.email, email_verified: user.is_active === 1 }),
  };
}
