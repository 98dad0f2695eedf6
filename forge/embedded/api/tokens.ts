/** Access tokens. A token cannot make or delete tokens: that needs the password of the user or of a site admin. */
import { z } from "zod";
import { notFound, Refusal } from "../domain/refusal.ts";
import { createToken, deleteToken, tokensOf } from "../domain/tokens.ts";
import type { User } from "../domain/users.ts";
import { tokenJson } from "../shapes/user.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT } from "./endpoint.ts";
import { texts, userPath } from "./fields.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";
import { userOf } from "./places.ts";

/** @throws Refusal 403 for another user's tokens, unless the caller is a site admin */
function holderOf(call: Call<{ username: string }>): User {
  const user = userOf(call);
  if (user.id !== call.user.id && !call.user.is_admin)
    throw new Refusal(403, "doer should be the site admin or be same as the contextUser");
  return user;
}

/** @throws Refusal 401 for a token, 403 */
function holderByPassword(call: Call<{ username: string }>): User {
  if (!call.caller.hasPassword) throw new Refusal(401, "auth required");
  return holderOf(call);
}

export const tokenEndpoints: Endpoint[] = [
  endpoint("GET", "/users/:username/tokens", { scopes: ["user"], params: userPath, query: pagingQuery }, (call) =>
    pagedFrom(call, pageOf(call.query), tokensOf(call.forge.db, holderOf(call)), (token) => tokenJson(token)),
  ),

  endpoint(
    "POST",
    "/users/:username/tokens",
    { scopes: ["user"], params: userPath, body: z.object({ name: z.string(), scopes: texts }) },
    (call) => {
      const token = createToken(call.forge, holderByPassword(call), call.body.name, call.body.scopes ?? []);
      return created(tokenJson(token, token.secret));
    },
  ),

  endpoint(
    "DELETE",
    "/users/:username/tokens/:token",
    { scopes: ["user"], params: userPath.extend({ token: z.string() }) },
    (call) => {
      if (!deleteToken(call.forge.db, holderByPassword(call), call.params.token)) throw notFound();
      return NO_CONTENT;
    },
  ),
];
