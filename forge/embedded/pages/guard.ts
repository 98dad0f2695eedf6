/** What every page and every form must pass, and the headers that every answer carries. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "../domain/refusal.ts";
import type { Forge } from "../forge.ts";

/** @param leadsTo another origin that a form may end at */
export const contentPolicy = (leadsTo = ""): string =>
  `default-src 'none'; style-src 'self'; img-src 'self' data:; form-action ${`'self' ${leadsTo}`.trim()}; frame-ancestors 'none'; base-uri 'none'`;

const HEADERS = {
  "content-security-policy": contentPolicy(),
  "x-content-type-options": "nosniff",
  // not `no-referrer`: with that, browsers send `Origin: null` with our own forms (Fetch standard, "append a request
  // Origin header"), and nothing would be left to tell them from another site's
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export function setHeaders(reply: FastifyReply): void {
  reply.headers(HEADERS);
}

/**
 * The host must be ours, else a name that somebody points at this machine would make our pages theirs (DNS rebinding).
 * @throws Refusal 421
 */
export function demandOwnHost(forge: Forge, request: FastifyRequest): void {
  if (request.headers.host === new URL(forge.url).host) return;
  throw new Refusal(421, `This forge answers at ${forge.url} only.`);
}

/**
 * A form must come from a page of ours: the browser says so in Origin and, of addresses that it trusts, in
 * Sec-Fetch-Site. Another port of the same host is another origin.
 * @throws Refusal 403
 */
export function demandOwnForm(forge: Forge, request: FastifyRequest): void {
  const { origin, "sec-fetch-site": site } = request.headers;
  const isOwn = origin === undefined ? site === "same-origin" : origin === new URL(forge.url).origin;
  if (isOwn && (site === undefined || site === "same-origin")) return;
  throw new Refusal(
    403,
    "This form was not sent by a page of this forge, so nothing was done. Open the page here and try again.",
  );
}
