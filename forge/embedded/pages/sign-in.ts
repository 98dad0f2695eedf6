/** Signing in with a name and a password, or with a one-time link. */
import { z } from "zod";
import { Refusal } from "../domain/refusal.ts";
import { redeemSignInSecret } from "../domain/sign-in.ts";
import { type User, userWithPassword } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { originBehind } from "./authorize.ts";
import { type Html, html } from "./html.ts";
import { refusedNote } from "./parts.ts";
import { localPath } from "./paths.ts";
import type { Page, RefusedForm } from "./visit.ts";

const Credentials = z.object({
  user_name: z.string().max(200),
  password: z.string().max(1000),
  redirect_to: z.string().optional(),
});
const LinkForm = z.object({ secret: z.string().max(200) });

export const secretOf = (values: unknown): string => LinkForm.safeParse(values).data?.secret ?? "";

export function signInPage(forge: Forge, redirectTo: unknown, refused?: RefusedForm): Page {
  const wanted = localPath(redirectTo);
  const content = html`<section class="card narrow">
<h1>Sign in</h1>
${refusedNote(refused?.sentence)}
<form method="post" action="/user/login" class="stack">
<input type="hidden" name="redirect_to" value="${wanted}">
<label for="user_name">User name</label>
<input id="user_name" name="user_name" autocomplete="username" required autofocus value="${refused?.typed["user_name"] ?? ""}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button class="primary">Sign in</button>
</form>
<p class="hint">As the operator you can also use the one-time link that <code>hive up</code> prints. It signs you in once, within five minutes.</p>
</section>`;
  return { title: "Sign in", content, status: refused?.status ?? 200, leadsTo: originBehind(forge, wanted) };
}

/** Nothing is used up by opening the link: a preview or a prefetch of it must not spend it. */
export function linkPage(secret: string): Page {
  const content = html`<section class="card narrow">
<h1>Sign in</h1>
<p>This one-time link signs this browser in to the forge.</p>
<form method="post" action="/sign-in/link" class="stack">
<input type="hidden" name="secret" value="${secret}">
<button class="primary" autofocus>Sign in</button>
</form>
</section>`;
  return { title: "Sign in", content };
}

export function spentLinkPage(): Page {
  const content: Html = html`<section class="card narrow">
<h1>This link does not work any more</h1>
<p>A one-time link signs in once, within five minutes after it was made. Get a new one from <code>hive up</code>, or sign in with your password.</p>
<p><a class="button" href="/user/login">Sign in with a password</a></p>
</section>`;
  return { title: "Sign in", content, status: 401 };
}

/** @throws Refusal 401 with a sentence that does not tell a wrong name from a wrong password */
export async function userOfForm(forge: Forge, form: unknown): Promise<User> {
  const { user_name, password } = Credentials.parse(form);
  const user = await userWithPassword(forge, user_name, password);
  if (!user?.is_active || user.prohibit_login) throw new Refusal(401, "User name or password is wrong.");
  return user;
}

export const userOfLink = (forge: Forge, form: unknown): User | undefined => redeemSignInSecret(forge, secretOf(form));
