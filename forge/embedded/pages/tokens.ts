/** A user's own access tokens, which stand for the password where git or a program asks for one. */
import { z } from "zod";
import { Refusal } from "../domain/refusal.ts";
import { createToken, deleteToken, type Token, tokensOf } from "../domain/tokens.ts";
import { type Html, html } from "./html.ts";
import { refusedNote } from "./parts.ts";
import { sentenceOf } from "./problem.ts";
import type { GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

export const TOKENS_PATH = "/user/settings/applications";

/** No choice reaches what the pages themselves do not: users, hooks and protection are an administrator's. */
const REACHES = {
  read: {
    label: "Read: clone, and read issues and pull requests",
    scopes: ["read:repository", "read:issue", "read:organization", "read:user"],
  },
  write: {
    label: "Read and write: also push, and write issues, pull requests and reviews",
    scopes: ["write:repository", "write:issue", "read:organization", "read:user"],
  },
} as const;
type Reach = keyof typeof REACHES;

/** @param made a token that was just made: the only time that its secret is shown */
export function tokensPage(
  { forge, user }: Visit,
  made?: { name: string; secret: string },
  refused?: RefusedForm,
): Page {
  const tokens = tokensOf(forge.db, user);
  const content = html`<h1>Access tokens</h1>
<p class="dim">With git and other programs use your name and a token in place of your password.</p>
${made && secretNote(made)}
<section class="card people" aria-label="Your tokens">
${tokens.length === 0 ? html`<p class="empty">You have no token.</p>` : html`<ul class="rows">${tokens.map(tokenRow)}</ul>`}
</section>
<section class="card comment-form people" aria-labelledby="new-title">
<header><h2 id="new-title">New token</h2></header>
${refusedNote(refused?.sentence)}
<form method="post" action="${TOKENS_PATH}" class="stack">
<label for="name">Name</label>
<input id="name" name="name" required maxlength="255" autocomplete="off" placeholder="What it is for" value="${refused?.typed["name"]}">
<fieldset><legend>What it may do</legend><div class="choices">${Object.entries(REACHES).map(
    ([reach, { label }]) =>
      html`<label><input type="radio" name="reach" value="${reach}"${reach === "read" && html` checked`}> ${label}</label>
`,
  )}</div></fieldset>
<div class="buttons"><button class="primary">Make the token</button></div>
</form>
</section>`;
  return { title: "Access tokens", content, ...(refused && { status: refused.status }) };
}

const secretNote = ({ name, secret }: { name: string; secret: string }): Html =>
  html`<div class="note secret"><label for="secret">Token ${name}. Copy it now: it is not shown again.</label><input id="secret" readonly autofocus value="${secret}"></div>`;

const tokenRow = ({
  name,
  last_eight,
  scopes,
}: Token): Html => html`<li class="row"><div class="row-text"><p class="row-title">${name}</p>
<p class="row-hint">ends with <code>${last_eight}</code> · ${scopes.join(", ")}</p></div>
<form method="post" action="${TOKENS_PATH}/delete"><input type="hidden" name="name" value="${name}"><button class="reject" aria-label="Revoke ${name}">Revoke</button></form></li>
`;

const TokenForm = z.object({
  name: z.string().max(255),
  reach: z.enum(Object.keys(REACHES) as [Reach, ...Reach[]]),
});

/** The answer is the page itself, for a redirect would lose the secret. */
export function postToken(visit: Posted): Page {
  const { forge, user } = visit;
  const { name, reach } = TokenForm.parse(visit.form);
  try {
    return tokensPage(visit, createToken(forge, user, name, REACHES[reach].scopes));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return tokensPage(visit, undefined, { status: error.status, sentence: sentenceOf(error), typed: { name } });
  }
}

export function postRevoke({ forge, user, form }: Posted): GoTo {
  deleteToken(forge.db, user, z.object({ name: z.string() }).parse(form).name);
  return { goTo: TOKENS_PATH };
}
