/** The cookie that makes a browser a user. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { createSession, endSession, userOfSession } from "../domain/sign-in.ts";
import type { User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";

const LIFE_SECONDS = 14 * 24 * 3600;

/** Cookies ignore ports: with the port in its name, two forges on one host do not sign each other out. */
const cookieName = (forge: Forge): string => `forge_session_${new URL(forge.url).port || "web"}`;

/**
 * SameSite is Lax, not Strict: the dashboard is another site, and its links to a pull request must arrive signed in.
 * Nothing is changed by a GET, and every POST is checked in guard.ts.
 */
const cookieOptions = (forge: Forge) =>
  ({ path: "/", httpOnly: true, sameSite: "lax", secure: forge.url.startsWith("https:") }) as const;

export function visitorOf(forge: Forge, request: FastifyRequest): User | undefined {
  const cookie = request.cookies[cookieName(forge)];
  return cookie ? userOfSession(forge, cookie) : undefined;
}

/** A new session for each sign-in; the one that the browser may have had before ends. */
export function signIn(forge: Forge, user: User, request: FastifyRequest, reply: FastifyReply): void {
  signOut(forge, request, reply);
  reply.setCookie(cookieName(forge), createSession(forge, user), { ...cookieOptions(forge), maxAge: LIFE_SECONDS });
}

export function signOut(forge: Forge, request: FastifyRequest, reply: FastifyReply): void {
  const cookie = request.cookies[cookieName(forge)];
  if (cookie) endSession(forge, cookie);
  reply.clearCookie(cookieName(forge), cookieOptions(forge));
}
