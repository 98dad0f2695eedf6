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

type Hived = Pick<Client<typeof routes, "web">, "signIn" | "signOut">;

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
  response.setHeader("set-cookie", cookie(site, session, Math.max(0, Math.floor((expiresAt - Date.now()) / 1000))));
  return { expiresAt };
}

/** Ends the session in hived, and clears the cookie whether it was still known there or not. */
export async function signOut(hived: Hived, site: Site, request: IncomingMessage, response: ServerResponse) {
  response.setHeader("set-cookie", cookie(site, "", 0));
  return hived.signOut({}, { session: sessionOf(request, site) });
}

/** The session that a request carries; empty when it has none, or what stands there cannot be one. */
export function sessionOf(request: IncomingMessage, site: Site): string {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=");
    if (name === cookieName(site) && Secret.safeParse(value).success && /^[\w-]+$/.test(value ?? ""))
      return value ?? "";
  }
  return "";
}

const isSecure = (site: Site) => site.origin.startsWith("https:");

/** The prefix makes browsers refuse the cookie unless it is host-only and came over TLS. */
const cookieName = (site: Site) => (isSecure(site) ? "__Host-hive-session" : "hive-session");

function cookie(site: Site, value: string, maxAgeSeconds: number): string {
  const secure = isSecure(site) ? "; Secure" : "";
  return `${cookieName(site)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}
