/** What programs ask when they sign people in: discovery, keys, tokens for a code, and whose a token is. */

import formbody from "@fastify/formbody";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { appByClientId, isRedirectOf, isSecretOf, type OAuthApp } from "../domain/oauth-apps.ts";
import {
  ACCESS_LIFE_MS,
  accessTokenBySecret,
  type Grant,
  giveTokens,
  grantById,
  isChallengeMet,
  takeCode,
  takeRefreshToken,
} from "../domain/oauth-grants.ts";
import { requireUser } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { issuerOf, type SigningKey, signIdToken } from "./id-token.ts";

/** An error as RFC 6749 section 5.2 names it; codes and words are Forgejo's (routers/web/auth/oauth.go). */
class TokenRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const TokenRequest = z.object({
  grant_type: z.string().default(""),
  client_id: z.string().default(""),
  client_secret: z.string().default(""),
  redirect_uri: z.string().default(""),
  code: z.string().default(""),
  code_verifier: z.string().default(""),
  refresh_token: z.string().default(""),
});
type TokenRequest = z.output<typeof TokenRequest>;

type Key = () => Promise<SigningKey>;

export async function registerOAuth(app: FastifyInstance, forge: Forge, key: Key): Promise<void> {
  await app.register(async (oauth) => {
    await oauth.register(formbody);
    oauth.addHook("onRequest", async (_request, reply) => {
      reply.header("cache-control", "no-store");
    });
    oauth.get("/.well-known/openid-configuration", () => discovery(forge));
    oauth.get("/login/oauth/keys", async () => ({ keys: [(await key()).publicJwk] }));
    oauth.get("/login/oauth/userinfo", (request, reply) => userInfo(forge, request, reply));
    oauth.post("/login/oauth/access_token", async (request, reply) => {
      try {
        return await answerTokens(forge, key, tokenRequest(request));
      } catch (error) {
        if (!(error instanceof TokenRefusal)) throw error;
        return reply.status(400).send({ error: error.code, error_description: error.message });
      }
    });
  });
}

function discovery(forge: Forge) {
  const at = `${forge.url}/login/oauth`;
  return {
    issuer: issuerOf(forge),
    authorization_endpoint: `${at}/authorize`,
    token_endpoint: `${at}/access_token`,
    jwks_uri: `${at}/keys`,
    userinfo_endpoint: `${at}/userinfo`,
    response_types_supported: ["code"],
    id_token_signing_alg_values_supported: ["RS256"],
    subject_types_supported: ["public"],
    scopes_supported: ["openid", "profile", "email"],
    claims_supported:
      "aud exp iat iss sub name preferred_username profile picture website updated_at email email_verified".split(" "),
    code_challenge_methods_supported: ["S256"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
  };
}

/** The client may name itself in the body or by basic authentication, where both halves are form-encoded (RFC 6749 2.3.1). */
function tokenRequest({ body, headers }: FastifyRequest): TokenRequest {
  const parsed = TokenRequest.safeParse(body ?? {});
  if (!parsed.success) throw new TokenRefusal("invalid_request", "cannot parse the request");
  const [scheme = "", value = ""] = (headers.authorization ?? "").split(" ", 2);
  if (scheme.toLowerCase() !== "basic") return parsed.data;
  const [client_id = "", client_secret = ""] = Buffer.from(value, "base64")
    .toString("utf8")
    .split(":", 2)
    .map(formDecoded);
  const { client_id: named, client_secret: secret } = parsed.data;
  if ((named && named !== client_id) || (secret && secret !== client_secret))
    throw new TokenRefusal("invalid_request", "client_id in request body inconsistent with Authorization header");
  return { ...parsed.data, client_id, client_secret };
}

const formDecoded = (text: string): string => new URLSearchParams(`v=${text}`).get("v") ?? "";

async function answerTokens(forge: Forge, key: Key, request: TokenRequest) {
  const app = clientOf(forge, request);
  switch (request.grant_type) {
    case "authorization_code": {
      const { grant, nonce } = grantForCode(forge, app, request);
      return tokens(forge, key, app, grant, nonce);
    }
    case "refresh_token": {
      const grant = takeRefreshToken(forge, app, request.refresh_token);
      if (!grant) throw new TokenRefusal("invalid_grant", "the refresh token is unknown, used or too old");
      return tokens(forge, key, app, grant, "");
    }
    default:
      throw new TokenRefusal(
        "unsupported_grant_type",
        "Only refresh_token or authorization_code grant type is supported",
      );
  }
}

function clientOf(forge: Forge, { client_id, client_secret }: TokenRequest): OAuthApp {
  const app = appByClientId(forge.db, client_id);
  if (!app) throw new TokenRefusal("invalid_client", `cannot load client with client id: '${client_id.slice(0, 100)}'`);
  if (app.isConfidential && !isSecretOf(app, client_secret)) {
    throw new TokenRefusal(
      "unauthorized_client",
      client_secret === "" ? "invalid empty client secret" : "invalid client secret",
    );
  }
  return app;
}

/** The code is gone after this, whatever comes of it: whoever got hold of one has one try. */
function grantForCode(forge: Forge, app: OAuthApp, request: TokenRequest): { grant: Grant; nonce: string } {
  const code = takeCode(forge, request.code);
  if (!code) throw new TokenRefusal("unauthorized_client", "client is not authorized");
  const grant = grantById(forge, code.grant_id);
  if (grant.app_id !== app.id) throw new TokenRefusal("invalid_grant", "invalid grant");
  if (!isRedirectOf(app, request.redirect_uri) || request.redirect_uri !== code.redirect_uri)
    throw new TokenRefusal("unauthorized_client", "unexpected redirect URI");
  if (!isChallengeMet(code, request.code_verifier))
    throw new TokenRefusal("unauthorized_client", "failed PKCE code challenge");
  return { grant, nonce: code.nonce };
}

async function tokens(forge: Forge, key: Key, app: OAuthApp, grant: Grant, nonce: string) {
  const user = requireUser(forge.db, grant.user_id);
  if (!user.is_active || user.prohibit_login) throw new TokenRefusal("invalid_grant", "this account may not sign in");
  const { access, refresh } = giveTokens(forge, grant);
  const { scope } = grant;
  const idToken = scope.split(" ").includes("openid")
    ? { id_token: await signIdToken(forge, await key(), { user, audience: app.clientId, nonce, scope }) }
    : {};
  return {
    access_token: access,
    token_type: "bearer",
    expires_in: ACCESS_LIFE_MS / 1000,
    refresh_token: refresh,
    ...idToken,
  };
}

function userInfo(forge: Forge, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [scheme = "", secret = ""] = (headers.authorization ?? "").split(" ", 2);
  const token = scheme.toLowerCase() === "bearer" ? accessTokenBySecret(forge, secret) : undefined;
  if (!token?.user.is_active || token.user.prohibit_login)
    return reply.status(401).header("www-authenticate", 'Bearer realm=""').send("no valid authorization");
  const { user } = token;
  return reply.send({
    sub: String(user.id),
    name: user.full_name || user.name,
    preferred_username: user.name,
    email: user.email,
    picture: `${forge.url}/avatars/${user.lower_name}`,
    groups: null,
  });
}
