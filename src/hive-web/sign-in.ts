/**
 * The way in: the link's secret is in the fragment, which no request and no log carries; the page's own script posts it,
 * and gets a cookie that no script can read. Whether a secret or a session is good is decided in hived alone.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { Refusal } from "../contract/refusal.ts";
import { type routes, Secret } from "../contract/routes.ts";
import type { Client } from "../rpc/client.ts";
import type { Site } from "./headers.ts";

type Hived = Pick<Client<typeof routes, "web">, "signIn" | "signOut" | "beginForgeSignIn" | "finishForgeSignIn">;

const SignIn = z.object({ secret: z.string().min(1).max(128) });

/** Exchanges the secret of a one-time link for a session, kept in a cookie. @throws Refusal as hived said it. */
export async function signIn(
  hived: Hived,
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
) {
  const parsed = SignIn.safeParse(body);
  if (!parsed.success) throw new Refusal("bad_request", z.prettifyError(parsed.error), "Open the link once more.");
  const address = request.socket.remoteAddress ?? "";
  const { session, expiresAt } = await hived.signIn({ secret: parsed.data.secret, address });
  response.setHeader("set-cookie", cookie(site, "session", session, secondsUntil(expiresAt)));
  return { expiresAt };
}

/** Gives the browser a ticket, and the address at the forge that it is to go to. @throws Refusal as hived said it. */
export async function beginForgeSignIn(hived: Hived, site: Site, response: ServerResponse) {
  const { url, ticket, expiresAt } = await hived.beginForgeSignIn({});
  response.setHeader("set-cookie", cookie(site, "ticket", ticket, secondsUntil(expiresAt)));
  return { url };
}

const ForgeAnswer = z.object({ answer: z.string().max(4000) });

/** The browser is back from the forge: its page posts what it came with, and its ticket is used up. @throws Refusal as hived said it. */
export async function finishForgeSignIn(
  hived: Hived,
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
) {
  const parsed = ForgeAnswer.safeParse(body);
  if (!parsed.success) throw new Refusal("bad_request", z.prettifyError(parsed.error), "Sign in once more.");
  const address = request.socket.remoteAddress ?? "";
  const ticket = secretIn(request, site, "ticket");
  response.setHeader("set-cookie", cookie(site, "ticket", "", 0));
  const { session, expiresAt } = await hived.finishForgeSignIn({ ...parsed.data, ticket, address });
  response.appendHeader("set-cookie", cookie(site, "session", session, secondsUntil(expiresAt)));
  return { expiresAt };
}

const secondsUntil = (at: number): number => Math.max(0, Math.floor((at - Date.now()) / 1000));

/** Ends the session in hived, and clears the cookie whether it was still known there or not. */
export async function signOut(hived: Hived, site: Site, request: IncomingMessage, response: ServerResponse) {
  response.setHeader("set-cookie", cookie(site, "session", "", 0));
  return hived.signOut({}, { session: sessionOf(request, site) });
}

/** The session that a request carries; empty when it has none, or what stands there cannot be one. */
export const sessionOf = (request: IncomingMessage, site: Site): string => secretIn(request, site, "session");

function secretIn(request: IncomingMessage, site: Site, kind: CookieKind): string {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=");
    if (name === cookieName(site, kind) && Secret.safeParse(value).success && /^[\w-]+$/.test(value ?? ""))
      return value ?? "";
  }
  return "";
}

/** `ticket`: of a browser that is at the forge to sign in. */
type CookieKind = "session" | "ticket";

const isSecure = (site: Site) => site.origin.startsWith("https:");

/** The prefix makes browsers refuse the cookie unless it is host-only and came over TLS. */
const cookieName = (site: Site, kind: CookieKind) => `${isSecure(site) ? "__Host-" : ""}hive-${kind}`;

function cookie(site: Site, kind: CookieKind, value: string, maxAgeSeconds: number): string {
  const secure = isSecure(site) ? "; Secure" : "";
  return `${cookieName(site, kind)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}
