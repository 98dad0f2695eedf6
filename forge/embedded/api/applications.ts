/** Programs that sign people in with an account of this forge (OAuth2). */
import { z } from "zod";
import { type AppSettings, appsOf, changeApp, createApp, deleteApp, type OAuthApp } from "../domain/oauth-apps.ts";
import { notFound } from "../domain/refusal.ts";
import { isoTime } from "../shapes/time.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, id, texts } from "./fields.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";

const AppBody = z.object({ name: z.string(), redirect_uris: texts, confidential_client: flag });
const appPath = z.object({ id });

const settingsOf = (body: z.output<typeof AppBody>): AppSettings => ({
  name: body.name,
  isConfidential: body.confidential_client ?? false,
  redirectUris: body.redirect_uris ?? [],
});

/** The secret is known, and shown, only when it is made. */
const appJson = (app: OAuthApp, secret = "") => ({
  id: app.id,
  name: app.name,
  client_id: app.clientId,
  client_secret: secret,
  confidential_client: app.isConfidential,
  redirect_uris: app.redirectUris,
  created: isoTime(app.createdAt),
});

/** One of the caller's own. @throws Refusal 404 */
function appOf(call: Call<{ id: number }>): OAuthApp {
  const app = appsOf(call.forge.db, call.user).find((one) => one.id === call.params.id);
  if (!app) throw notFound();
  return app;
}

export const applicationEndpoints: Endpoint[] = [
  endpoint("GET", "/user/applications/oauth2", { scopes: ["user"], query: pagingQuery }, (call) =>
    pagedFrom(call, pageOf(call.query), appsOf(call.forge.db, call.user), (app) => appJson(app)),
  ),
  endpoint("POST", "/user/applications/oauth2", { scopes: ["user"], body: AppBody }, (call) => {
    const { app, secret } = createApp(call.forge, call.user, settingsOf(call.body));
    return created(appJson(app, secret));
  }),
  endpoint("GET", "/user/applications/oauth2/:id", { scopes: ["user"], params: appPath }, (call) =>
    ok(appJson(appOf(call))),
  ),
  endpoint("PATCH", "/user/applications/oauth2/:id", { scopes: ["user"], params: appPath, body: AppBody }, (call) => {
    const { app, secret } = changeApp(call.forge, appOf(call), settingsOf(call.body));
    return ok(appJson(app, secret));
  }),
  endpoint("DELETE", "/user/applications/oauth2/:id", { scopes: ["user"], params: appPath }, (call) => {
    deleteApp(call.forge.db, appOf(call));
    return NO_CONTENT;
  }),
];
