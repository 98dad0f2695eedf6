/** What is checked of every request before it is routed, and what every answer carries. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Refusal } from "../contract/refusal.ts";

export type Site = {
  /** scheme, host and port of the dashboard, as a browser writes them in `Origin` */
  origin: string;
  /** the dashboard's `Host` */
  host: string;
  /** the host by which the forge and the supervisor reach us on this machine, and the hook's path there */
  hookHost: string;
  hookPath: string;
};

export function siteOf(dashboardUrl: string, hookUrl: string): Site {
  const dashboard = new URL(dashboardUrl);
  const hook = new URL(hookUrl);
  return { origin: dashboard.origin, host: dashboard.host, hookHost: hook.host, hookPath: hook.pathname };
}

const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const onEveryAnswer = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
};

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(onEveryAnswer)) response.setHeader(name, value);
}

/**
 * The host that a request is for. A page of another name that resolves to this machine must get nothing at all, so a
 * host counts only when it stands there once and exactly, and the target is a plain path.
 * @throws Refusal `misdirected`.
 */
export function hostOf(request: IncomingMessage, site: Site): "dashboard" | "hook" {
  const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  const host = request.headers.host;
  const isPlain = hosts.length === 1 && request.url?.startsWith("/");
  if (isPlain && host === site.host) return "dashboard";
  if (isPlain && host === site.hookHost) return "hook";
  throw new Refusal("misdirected", "Nothing is served under this host name.", `The dashboard is at ${site.origin}.`);
}

/**
 * Lets through only what the dashboard's own pages ask. Cookies go to every port of a host name, and a page on another
 * port of ours counts as the same site to a browser: so it must be the same origin.
 * @throws Refusal `cross_site`.
 */
export function checkSameOrigin(request: IncomingMessage, site: Site): void {
  const { origin, "sec-fetch-site": fetchSite } = request.headers;
  // A browser leaves Origin away on a GET to the same origin, and on nothing else.
  const isOwn = origin === undefined ? request.method === "GET" : origin === site.origin;
  if (isOwn && fetchSite === "same-origin") return;
  throw new Refusal(
    "cross_site",
    "Only the dashboard's own pages may ask this.",
    `Open the dashboard: ${site.origin}.`,
  );
}
