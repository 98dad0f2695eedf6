/** Where a program sends somebody who is to sign in to it with an account of this forge: what it wants, and yes or no. */
import { z } from "zod";
import { appByClientId, isRedirectOf, type OAuthApp } from "../domain/oauth-apps.ts";
import { apiScopes, type Request as CodeRequest, giveCode, grantOf } from "../domain/oauth-grants.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Forge } from "../forge.ts";
import { type Html, html } from "./html.ts";
import { person } from "./parts.ts";
import type { GoTo, Page, Posted, Visit } from "./visit.ts";

const text = z.string().max(2000).default("");
const Asked = z.object({
  client_id: text,
  redirect_uri: text,
  response_type: text,
  scope: text,
  state: text,
  nonce: text,
  code_challenge: text,
  code_challenge_method: text,
});
type Asked = z.output<typeof Asked>;

/**
 * The application and where it is answered. While these two are not certain, nobody is sent anywhere: an address that
 * anybody could choose would make this forge lead its users astray (RFC 6749 section 4.1.2.1).
 * @throws Refusal 400
 */
function askedBy(forge: Forge, values: unknown): { asked: Asked; app: OAuthApp } {
  const asked = Asked.parse(values);
  const app = appByClientId(forge.db, asked.client_id);
  if (!app) throw new Refusal(400, "No program with this client ID is registered here.");
  if (!isRedirectOf(app, asked.redirect_uri))
    throw new Refusal(400, `${app.name} is not registered for the address ${asked.redirect_uri}.`);
  return { asked, app };
}

/** Why the application's request is refused, as an answer to the application. */
function faultOf(asked: Asked, app: OAuthApp): Record<string, string> | undefined {
  if (asked.response_type !== "code")
    return { error: "unsupported_response_type", error_description: "Only code response type is supported." };
  if (asked.code_challenge === "" && !app.isConfidential)
    return { error: "invalid_request", error_description: "PKCE is required for public clients" };
  if (asked.code_challenge !== "" && asked.code_challenge_method !== "S256")
    return { error: "invalid_request", error_description: "unsupported code challenge method" };
  return undefined;
}

function answerTo(asked: Asked, fields: Record<string, string>): GoTo {
  const url = new URL(asked.redirect_uri);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  if (asked.state !== "") url.searchParams.set("state", asked.state);
  return { goTo: url.href };
}

const withCode = ({ forge, user }: Visit, app: OAuthApp, asked: Asked): GoTo => {
  const { redirect_uri, scope, nonce, code_challenge } = asked;
  const request: CodeRequest = { redirectUri: redirect_uri, scope, nonce, challenge: code_challenge };
  return answerTo(asked, { code: giveCode(forge, app, user, request) });
};

/** Somebody who has allowed the same before is sent on; a public application, which anybody can pose as, asks each time. */
export function authorizePage(visit: Visit): Page | GoTo {
  const { asked, app } = askedBy(visit.forge, visit.query);
  const fault = faultOf(asked, app);
  if (fault) return answerTo(asked, fault);
  const grant = grantOf(visit.forge, app, visit.user);
  if (app.isConfidential && grant?.scope === asked.scope) return withCode(visit, app, asked);
  return consentPage(visit, app, asked);
}

export function postGrant(visit: Posted): GoTo {
  const { asked, app } = askedBy(visit.forge, visit.form);
  const fault = faultOf(asked, app);
  if (fault) return answerTo(asked, fault);
  const { granted } = z.object({ granted: z.string() }).parse(visit.form);
  return granted === "true"
    ? withCode(visit, app, asked)
    : answerTo(asked, { error: "access_denied", error_description: "the request is denied" });
}

function consentPage({ user }: Visit, app: OAuthApp, asked: Asked): Page {
  const hidden = Object.entries(asked).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
  );
  const content = html`<section class="card narrow">
<h1>Sign in to ${app.name}?</h1>
<p><strong>${app.name}</strong> at <strong>${new URL(asked.redirect_uri).host}</strong> wants to know that you are ${person(user.name)}.</p>
<p>${reach(asked.scope)}</p>
<form method="post" action="/login/oauth/grant" class="stack">
${hidden}<button class="primary" name="granted" value="true" autofocus>Allow and sign in</button>
<button name="granted" value="false">Do not allow</button>
</form>
</section>`;
  return { title: `Sign in to ${app.name}`, content, leadsTo: new URL(asked.redirect_uri).origin };
}

function reach(scope: string): Html {
  const scopes = apiScopes(scope);
  if (scopes.includes("all"))
    return html`It may then do everything on this forge that you may do, for an hour at a time.`;
  const list = scopes.map((one, at) => html`${at > 0 && ", "}<code>${one}</code>`);
  return html`It may then use this forge's API as you within these scopes, for an hour at a time: ${list}.`;
}

/**
 * The origin that a sign-in which was asked for by an application ends at: browsers hold a form's redirects, too, to the
 * policy of the page that the form is on.
 * @param wanted a path of ours, where signing in leads
 */
export function originBehind(forge: Forge, wanted: string): string | undefined {
  const url = new URL(wanted, forge.url);
  if (url.pathname !== "/login/oauth/authorize") return undefined;
  const { client_id, redirect_uri } = Asked.parse(Object.fromEntries(url.searchParams));
  const app = appByClientId(forge.db, client_id);
  return app && isRedirectOf(app, redirect_uri) ? new URL(redirect_uri).origin : undefined;
}
