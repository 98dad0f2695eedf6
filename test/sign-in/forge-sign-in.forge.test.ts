import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { readSignInClient, signInAppPiece } from "../../src/hived/forge/sign-in-app.ts";
import { beginForgeSignIn, finishForgeSignIn } from "../../src/hived/sign-in/forge-sign-in.ts";
import { isSignedIn } from "../../src/hived/sign-in/sign-in.ts";
import { type Shown, WebVisitor } from "../forge-contract/web-visitor.ts";
import { forges } from "../support/forges.ts";
import { openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import type { RunningForge } from "../support/running-forge.ts";

describe.each(forges)("signing in to the dashboard with an account of $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  const signIn = () => ({ core, forgeUrl: forge.url, client: () => readSignInClient(parts.secrets) });
  const refusal = (call: Promise<unknown>) =>
    call.then(
      () => expect.fail("it was let in"),
      (error: unknown) => (error instanceof Refusal ? error : Promise.reject(error)),
    );

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    core.clock.advance(Date.now() - core.clock.now()); // what the forge signs is checked by the real time
    parts = partsFor(core, forge);
    await provision(parts);
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
  });

  /** Goes to the forge and allows it there, if asked. @returns what the browser comes back with */
  async function visitForge(url: string, visitor: WebVisitor, granted = "true"): Promise<string> {
    const page = await visitor.get(url);
    const shown: Shown =
      page.location === undefined ? await visitor.submit(page, "/login/oauth/grant", { granted }) : page;
    return new URL(shown.location ?? "").search;
  }
  async function browserOf(name: string, password: string): Promise<WebVisitor> {
    const visitor = new WebVisitor(forge.url);
    await visitor.signIn(name, password);
    return visitor;
  }
  const operatorsBrowser = () => browserOf("operator", parts.secrets.read("operator-password") ?? "");

  test("the operator gets a session like a link's, and it is written down", async () => {
    const { url, ticket } = await beginForgeSignIn(signIn());
    const answer = await visitForge(url, await operatorsBrowser());
    const { session } = await finishForgeSignIn(signIn(), { ticket, answer, address: "127.0.0.1" });
    expect(isSignedIn(core, session)).toBe(true);
    await core.event("Note", ({ fact }) => fact.text.includes("signed in with the forge's account from 127.0.0.1"));
  });

  test("anybody else is refused with a sentence that says who may enter", async () => {
    const password = "a-password-of-alice-1";
    await provisionAgent(parts, AgentName.parse("alice"), "worker");
    await parts.forge.as("hive-admin").setPassword("alice", password);
    const { url, ticket } = await beginForgeSignIn(signIn());
    const answer = await visitForge(url, await browserOf("alice", password));
    const { code, message, next } = await refusal(finishForgeSignIn(signIn(), { ticket, answer, address: "" }));
    expect(code).toBe("not_the_operator");
    expect(message).toBe("You are signed in to the forge as alice; only operator may enter the dashboard.");
    expect(next).toContain("sign in there as operator");
  });

  test("an answer is good once, with the ticket of the browser that asked, and for ten minutes", async () => {
    const visitor = await operatorsBrowser();
    const mine = await beginForgeSignIn(signIn());
    const others = await beginForgeSignIn(signIn());
    const answer = await visitForge(mine.url, visitor);
    for (const ticket of ["", "x".repeat(43), others.ticket])
      expect((await refusal(finishForgeSignIn(signIn(), { ticket, answer, address: "" }))).code).toBe(
        "forge_sign_in_refused",
      );
    await finishForgeSignIn(signIn(), { ticket: mine.ticket, answer, address: "" });
    await refusal(finishForgeSignIn(signIn(), { ticket: mine.ticket, answer, address: "" }));
    const late = await beginForgeSignIn(signIn());
    const lateAnswer = await visitForge(late.url, visitor);
    core.clock.advance(10 * 60_000);
    await refusal(finishForgeSignIn(signIn(), { ticket: late.ticket, answer: lateAnswer, address: "" }));
  });

  test("an answer that was made up gets nobody in", async () => {
    const { url, ticket } = await beginForgeSignIn(signIn());
    const state = new URL(url).searchParams.get("state") ?? "";
    const answer = `?${new URLSearchParams({ code: "made-up", state })}`;
    expect((await refusal(finishForgeSignIn(signIn(), { ticket, answer, address: "" }))).message).toContain(
      "The forge refused",
    );
    const denied = await beginForgeSignIn(signIn());
    const no = `?${new URLSearchParams({ error: "access_denied", state: new URL(denied.url).searchParams.get("state") ?? "" })}`;
    const { message } = await refusal(finishForgeSignIn(signIn(), { ticket: denied.ticket, answer: no, address: "" }));
    expect(message).toBe("You did not allow it on the forge.");
  });

  test("the application is made once; a new address of the dashboard changes it, with a new secret", async () => {
    const keep = async (dashboardUrl: string) => {
      const look = () => signInAppPiece({ ...parts, dashboardUrl }).look();
      for (const { repair } of await look()) await repair();
      expect(await look()).toEqual([]);
      return readSignInClient(parts.secrets);
    };
    const before = readSignInClient(parts.secrets);
    expect(await keep(parts.dashboardUrl)).toEqual(before);
    const moved = await keep("http://hive.localhost:4321");
    expect(moved).toMatchObject({ id: before?.id, redirectUri: "http://hive.localhost:4321/" });
    expect(moved?.clientSecret).not.toBe(before?.clientSecret);
    parts.secrets.remove("dashboard-client"); // lost: the forge shows no secret twice
    const anew = await keep("http://hive.localhost:4321");
    expect(anew?.id).toBe(before?.id);
    expect(anew?.clientSecret).not.toBe(moved?.clientSecret);
    const apps = await parts.forge.as("hive-admin").listApps();
    expect(apps.map(({ redirectUris }) => redirectUris)).toEqual([["http://hive.localhost:4321/"]]);
  });
});

test("before the forge is provisioned, and while it is silent, it is said what to do", async () => {
  await using core = openCore();
  const none = { core, forgeUrl: "http://127.0.0.1:9", client: () => undefined };
  await expect(beginForgeSignIn(none)).rejects.toMatchObject({ code: "forge_not_ready" });
  const client = { id: 1, clientId: "c", clientSecret: "s", redirectUri: "http://hive.localhost:9/" };
  await expect(beginForgeSignIn({ ...none, client: () => client })).rejects.toThrow("does not answer as it should");
});
