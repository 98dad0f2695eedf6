/** Signing in to another program with an account of the forge: applications, consent, codes, tokens. */
import * as openid from "openid-client";
import { expect, test } from "vitest";
import { type Caller, expectStatus } from "./caller.ts";
import { type Person, passwordOf, useStage } from "./stage.ts";
import { type Shown, WebVisitor } from "./web-visitor.ts";

const stage = useStage();
const REDIRECT = "http://hive.localhost:7777/";
const APPS = "/user/applications/oauth2";

interface App {
  id: number;
  client_id: string;
  client_secret: string;
}

const makeApp = async (owner: Caller, wish: object = {}): Promise<App> => {
  const body = { name: stage.fresh("app"), redirect_uris: [REDIRECT], confidential_client: true, ...wish };
  return (await expectStatus(201, owner.post(APPS, body))).body;
};

async function browserOf(person: Person): Promise<WebVisitor> {
  const visitor = new WebVisitor(stage.url);
  await visitor.signIn(person.name, passwordOf(person.name));
  return visitor;
}

const authorizeUrl = (app: App, more: Record<string, string> = {}): string => {
  const asked = {
    client_id: app.client_id,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope: "openid",
    state: "st",
  };
  return `${stage.url}/login/oauth/authorize?${new URLSearchParams({ ...asked, ...more })}`;
};
const pkce = async () => {
  const verifier = openid.randomPKCECodeVerifier();
  const code_challenge = await openid.calculatePKCECodeChallenge(verifier);
  return { verifier, asked: { code_challenge, code_challenge_method: "S256" } };
};
const allow = (visitor: WebVisitor, page: Shown): Promise<Shown> =>
  visitor.submit(page, "/login/oauth/grant", { granted: "true" });
const answerOf = (shown: Shown): URLSearchParams => new URL(shown.location ?? "about:blank").searchParams;

async function tokens(fields: Record<string, string>) {
  const answer = await fetch(`${stage.url}/login/oauth/access_token`, {
    method: "POST",
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}
const clientOf = (app: App) => ({ client_id: app.client_id, client_secret: app.client_secret });
const exchange = (app: App, code: string, more: Record<string, string> = {}) =>
  tokens({ grant_type: "authorization_code", code, redirect_uri: REDIRECT, ...clientOf(app), ...more });

/** Alice allows an application, if she has not yet; the code that it is answered with, and the verifier that goes with it. */
async function codeFor(app: App, more: Record<string, string> = {}): Promise<{ code: string; verifier: string }> {
  const visitor = await browserOf(stage.alice);
  const { verifier, asked } = await pkce();
  const page = await visitor.get(authorizeUrl(app, { ...asked, ...more }));
  const shown = page.location === undefined ? await allow(visitor, page) : page;
  return { code: answerOf(shown).get("code") ?? "", verifier };
}

test("an application is made, listed, read, changed and deleted; its secret is shown only when it is made", async () => {
  const owner = await stage.user("owner");
  const app = await makeApp(owner);
  expect(app).toMatchObject({ redirect_uris: [REDIRECT], confidential_client: true });
  expect(app.client_secret).toMatch(/^gto_.{30,}$/);
  const listed = await owner.get(APPS);
  expect(listed.body).toMatchObject([{ id: app.id, client_id: app.client_id, client_secret: "" }]);
  expect(listed.headers.get("x-total-count")).toBe("1");
  expect((await owner.get(`${APPS}/${app.id}`)).body).toMatchObject({ id: app.id, client_secret: "" });
  const wish = { name: "other", redirect_uris: ["https://a.invalid/x"], confidential_client: true };
  const changed = (await expectStatus(200, owner.patch(`${APPS}/${app.id}`, wish))).body;
  expect(changed).toMatchObject({
    id: app.id,
    client_id: app.client_id,
    name: "other",
    redirect_uris: ["https://a.invalid/x"],
  });
  expect(changed.client_secret).not.toBe(app.client_secret);
  await expectStatus(204, owner.delete(`${APPS}/${app.id}`));
  expect((await owner.get(`${APPS}/${app.id}`)).status).toBe(404);
});

test("nobody reads, changes or deletes another's application, and a token needs the scope for it", async () => {
  const app = await makeApp(stage.bob);
  expect((await stage.carol.get(`${APPS}/${app.id}`)).status).toBe(404);
  const wish = { name: "mine", redirect_uris: ["https://evil.invalid/"] };
  const { status } = await stage.carol.patch(`${APPS}/${app.id}`, wish);
  expect(status).toBe(stage.major < 8 ? 500 : 404); // 7.0 takes it for a mistake of its own; nothing is changed there either
  expect((await stage.carol.delete(`${APPS}/${app.id}`)).status).toBe(404);
  expect((await stage.bob.get(`${APPS}/${app.id}`)).body.redirect_uris).toEqual([REDIRECT]);
  const narrow = await stage.withScopes(stage.bob.name, "write:repository");
  expect((await narrow.get(APPS)).status).toBe(403);
});

test("a confidential application signs somebody in, as openid-client does it, with PKCE, state and nonce", async () => {
  const app = await makeApp(stage.bob);
  const options = { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
  const config = await openid.discovery(new URL(stage.url), app.client_id, app.client_secret, undefined, options);
  const { verifier, asked } = await pkce();
  const checks = { expectedState: openid.randomState(), expectedNonce: openid.randomNonce() };
  const request = { ...asked, redirect_uri: REDIRECT, scope: "openid profile", state: checks.expectedState };
  const url = openid.buildAuthorizationUrl(config, { ...request, nonce: checks.expectedNonce });
  const visitor = await browserOf(stage.alice);
  const shown = await allow(visitor, await visitor.get(url.href));
  const answer = new URL(shown.location ?? "");
  const granted = await openid.authorizationCodeGrant(config, answer, { ...checks, pkceCodeVerifier: verifier });
  const { body: alice } = await stage.alice.get("/user");
  expect(granted.claims()).toMatchObject({ sub: String(alice.id), preferred_username: stage.alice.name });
  const info = await openid.fetchUserInfo(config, granted.access_token, String(alice.id));
  expect(info).toMatchObject({ sub: String(alice.id), preferred_username: stage.alice.name });
});

test("who has allowed a confidential application once is sent on without being asked again", async () => {
  const app = await makeApp(stage.bob);
  const visitor = await browserOf(stage.alice);
  await allow(visitor, await visitor.get(authorizeUrl(app)));
  const again = await visitor.get(authorizeUrl(app, { state: "second" }));
  expect(answerOf(again).get("code")).toBeTruthy();
  expect(answerOf(again).get("state")).toBe("second");
});

test("who is not signed in signs in first, and is then asked", async () => {
  const app = await makeApp(stage.bob);
  const visitor = new WebVisitor(stage.url);
  const page = await visitor.get(authorizeUrl(app));
  expect(page.url).toContain("/user/login");
  const asked = await visitor.submit(page, "/user/login", {
    user_name: stage.alice.name,
    password: passwordOf(stage.alice.name),
  });
  expect(answerOf(await allow(visitor, asked)).get("state")).toBe("st");
});

test("a public application needs PKCE, and gets its tokens by the verifier, without a secret", async () => {
  const app = await makeApp(stage.bob, { confidential_client: false });
  const visitor = await browserOf(stage.alice);
  const refused = await visitor.get(authorizeUrl(app));
  expect(answerOf(refused).get("error")).toBe("invalid_request");
  const { code, verifier } = await codeFor(app);
  const good = await exchange({ ...app, client_secret: "" }, code, { code_verifier: verifier });
  expect(good).toMatchObject({ status: 200, body: { token_type: "bearer", expires_in: 3600 } });
});

test("a public application is asked for each time: anybody can pose as it", async () => {
  const app = await makeApp(stage.bob, { confidential_client: false });
  const visitor = await browserOf(stage.alice);
  const { asked } = await pkce();
  await allow(visitor, await visitor.get(authorizeUrl(app, asked)));
  const again = await visitor.get(authorizeUrl(app, asked));
  expect(again).toMatchObject({ status: 200, location: undefined });
  expect(again.html).toContain('action="/login/oauth/grant"');
});

test("a wrong or missing verifier gets nothing", async () => {
  const app = await makeApp(stage.bob);
  const first = await codeFor(app);
  const wrong = { code_verifier: openid.randomPKCECodeVerifier() };
  // 7.0 forgets an S256 challenge on its consent page, so that a first code is bound by the client's secret alone
  expect((await exchange(app, first.code, wrong)).status).toBe(stage.major < 8 ? 200 : 400);
  for (const more of [wrong, {}]) {
    const { code } = await codeFor(app);
    expect(await exchange(app, code, more)).toMatchObject({ status: 400, body: { error: "unauthorized_client" } });
  }
});

test("a code works once", async () => {
  const app = await makeApp(stage.bob);
  const { code, verifier } = await codeFor(app);
  expect((await exchange(app, code, { code_verifier: verifier })).status).toBe(200);
  const second = await exchange(app, code, { code_verifier: verifier });
  expect(second).toMatchObject({ status: 400, body: { error: "unauthorized_client" } });
});

test("a code is for the application that it was given to, with its secret", async () => {
  const app = await makeApp(stage.bob);
  const other = await makeApp(stage.bob);
  const { code, verifier } = await codeFor(app);
  const bad = await exchange({ ...app, client_secret: "gto_wrong" }, code, { code_verifier: verifier });
  expect(bad).toMatchObject({ status: 400, body: { error: "unauthorized_client" } });
  expect((await exchange(other, code, { code_verifier: verifier })).status).toBe(400);
  const unknown = await tokens({
    grant_type: "authorization_code",
    client_id: "00000000-0000-0000-0000-000000000000",
    code,
  });
  expect(unknown).toMatchObject({ status: 400, body: { error: "invalid_client" } });
});

test("nobody is sent to an address that the application has not registered", async () => {
  const app = await makeApp(stage.bob);
  const visitor = await browserOf(stage.alice);
  const bad = ["https://evil.invalid/", `${REDIRECT}deeper`, "http://hive.localhost:7778/", "http://hive.localhost/"];
  for (const redirect_uri of bad) {
    const shown = await visitor.get(authorizeUrl(app, { redirect_uri }));
    expect(shown, redirect_uri).toMatchObject({ status: 400, location: undefined });
  }
});

test("a public application on a loopback address may come back to any port of it", async () => {
  const app = await makeApp(stage.bob, { confidential_client: false, redirect_uris: ["http://127.0.0.1/back"] });
  const visitor = await browserOf(stage.alice);
  const { asked } = await pkce();
  const on = (redirect_uri: string) => visitor.get(authorizeUrl(app, { ...asked, redirect_uri }));
  const shown = await allow(visitor, await on("http://127.0.0.1:40123/back"));
  expect(shown.location).toMatch(/^http:\/\/127\.0\.0\.1:40123\/back\?/);
  expect(await on("http://127.0.0.1:40123/other")).toMatchObject({ status: 400 });
  const confidential = await makeApp(stage.bob, { redirect_uris: ["http://127.0.0.1/back"] });
  const strict = await visitor.get(authorizeUrl(confidential, { redirect_uri: "http://127.0.0.1:40123/back" }));
  expect(strict).toMatchObject({ status: 400 });
});

test("a refresh token gives new tokens, once", async () => {
  const app = await makeApp(stage.bob);
  const { code, verifier } = await codeFor(app);
  const { body } = await exchange(app, code, { code_verifier: verifier });
  const refresh = () =>
    tokens({ grant_type: "refresh_token", refresh_token: body["refresh_token"] ?? "", ...clientOf(app) });
  const fresh = await refresh();
  expect(fresh.status).toBe(200);
  expect((await stage.withHeader(`Bearer ${fresh.body["access_token"]}`).get("/user")).status).toBe(200);
  expect((await refresh()).status).toBe(400);
});

test("an access token is its user's for the API and for git, and is nobody's once its application is gone", async () => {
  const repo = await stage.repo();
  const app = await makeApp(stage.bob);
  const { code, verifier } = await codeFor(app);
  const { body } = await exchange(app, code, { code_verifier: verifier });
  const bearer = `Bearer ${body["access_token"]}`;
  expect((await stage.withHeader(bearer).get("/user")).body.login).toBe(stage.alice.name);
  const refs = await fetch(`${repo.url}.git/info/refs?service=git-upload-pack`, { headers: { authorization: bearer } });
  expect(refs.status).toBe(200);
  await expectStatus(204, stage.bob.delete(`${APPS}/${app.id}`));
  expect((await stage.withHeader(bearer).get("/user")).status).toBe(401);
});

test("scopes of the API that were granted bind the token", async () => {
  const app = await makeApp(stage.bob);
  const { code, verifier } = await codeFor(app, { scope: "openid read:user" });
  const { body } = await exchange(app, code, { code_verifier: verifier });
  const caller = stage.withHeader(`Bearer ${body["access_token"]}`);
  expect((await caller.get("/user")).status).toBe(200);
  // 7.0 knows no scopes of a grant: each is for everything
  expect((await caller.post("/user/repos", { name: stage.fresh("repo") })).status).toBe(stage.major < 8 ? 201 : 403);
});

test("an unknown kind of grant is refused with its name in the standard", async () => {
  const app = await makeApp(stage.bob);
  const answer = await tokens({ grant_type: "password", username: "alice", password: "x", ...clientOf(app) });
  expect(answer).toMatchObject({ status: 400, body: { error: "unsupported_grant_type" } });
});

test("who says no sends the application away with access_denied", async () => {
  const app = await makeApp(stage.bob);
  const visitor = await browserOf(stage.alice);
  const page = await visitor.get(authorizeUrl(app));
  const shown = await visitor.submit(page, "/login/oauth/grant", { granted: "false" });
  expect(answerOf(shown).get("error")).toBe("access_denied");
  expect(answerOf(shown).get("state")).toBe("st");
});
