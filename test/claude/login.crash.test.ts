/** Signing an agent in, by its runner. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAlive } from "../runner/with-runner.ts";
import { accessToken, goodCode, openFakeProvider } from "./fake-provider.ts";
import { installClaude } from "./install.ts";
import { type ClaudeStage, startAlice, withClaude } from "./with-claude.ts";

const played = join(import.meta.dirname, "played-login.ts");
const real = await installClaude();

const secretsOf = (stage: ClaudeStage) => join(stage.private, "../secrets");

async function outcomeOf({ hived }: ClaudeStage): Promise<string> {
  hived.mail("alice", "hello");
  return (await hived.ends.next()).outcome;
}

test("by a link and its code; a wrong one is refused in the program's words and may be tried again", async () => {
  await using stage = await withClaude();
  const { hived } = stage;
  const { launch } = await startAlice(stage, played, { secret: null });
  expect(await outcomeOf(stage)).toBe("needs_login");
  const link = await hived.runner("login", { launch, step: { kind: "link" } });
  expect(link).toEqual({ url: "https://claude.ai/oauth/authorize?x=1", isSignedIn: false });
  const enter = (code: string) => hived.runner("login", { launch, step: { kind: "code", code } });
  await expect(enter("wrong")).rejects.toMatchObject({
    code: "login_refused",
    message: expect.stringContaining("doesn't look like the full code"),
  });
  expect(await enter("good#code")).toEqual({ url: null, isSignedIn: true });
  expect(await outcomeOf(stage)).toBe("ok");
  expect(statSync(join(stage.private, ".credentials.json")).mode & 0o777).toBe(0o600);
});

test("a code that the provider refuses ends it, and is in no sentence about that", async () => {
  await using stage = await withClaude();
  const { launch } = await startAlice(stage, played, { secret: null });
  const login = (step: { kind: "link" } | { kind: "code"; code: string }) =>
    stage.hived.runner("login", { launch, step });
  await expect(login({ kind: "code", code: "late#code" })).rejects.toMatchObject({ code: "no_login_link" });
  await login({ kind: "link" });
  const message = "Couldn't log in: the code … has expired";
  await expect(login({ kind: "code", code: "late#code" })).rejects.toMatchObject({ code: "login_refused", message });
  await expect(login({ kind: "code", code: "good#code" })).rejects.toMatchObject({ code: "no_login_link" });
});

test("with a secret, which becomes a file for this agent alone, in place of the one before", async () => {
  await using stage = await withClaude();
  const { launch } = await startAlice(stage, played, { secret: null });
  const give = (secret: string) => stage.hived.runner("login", { launch, step: { kind: "secret", secret } });
  await give("sk-ant-oat01-a-token");
  expect(readdirSync(secretsOf(stage))).toEqual(["CLAUDE_CODE_OAUTH_TOKEN"]);
  expect(await give("sk-ant-api03-a-key")).toEqual({ url: null, isSignedIn: true });
  expect(readdirSync(secretsOf(stage))).toEqual(["ANTHROPIC_API_KEY"]);
  expect(readFileSync(join(secretsOf(stage), "ANTHROPIC_API_KEY"), "utf8")).toBe("sk-ant-api03-a-key\n");
  expect(statSync(join(secretsOf(stage), "ANTHROPIC_API_KEY")).mode & 0o777).toBe(0o600);
  expect(statSync(secretsOf(stage)).mode & 0o777).toBe(0o700);
  expect(await outcomeOf(stage)).toBe("ok");
  expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain("sk-ant-api03-a-key");
});

test("what waits for a code ends with its agent", async () => {
  await using stage = await withClaude();
  const { launch } = await startAlice(stage, played, { secret: null });
  await stage.hived.runner("login", { launch, step: { kind: "link" } });
  await stage.hived.runner("stopLaunch", { launch, now: true });
  expect(isAlive(Number(readFileSync(join(stage.private, "login-pid"), "utf8")))).toBe(false);
});

test.skipIf(real === null)("the real Claude Code prints a link, and refuses what is no code", async () => {
  await using stage = await withClaude();
  const { launch } = await startAlice(stage, real ?? "", { secret: null });
  const { url } = await stage.hived.runner("login", { launch, step: { kind: "link" } });
  expect(url).toMatch(/^https:\/\/\S+\/oauth\/authorize\?/);
  const wrong = stage.hived.runner("login", { launch, step: { kind: "code", code: "wrong" } });
  await expect(wrong).rejects.toMatchObject({ code: "login_refused", message: expect.stringMatching(/full code/) });
  expect(existsSync(join(stage.private, ".credentials.json"))).toBe(false);
});

test.skipIf(real === null)(
  "the real Claude Code exchanges the code that its provider gave, and turns use that",
  async () => {
    await using stage = await withClaude();
    await using provider = await openFakeProvider(stage.directory);
    const { launch } = await startAlice(stage, real ?? "", { secret: null, env: provider.env });
    expect(await outcomeOf(stage)).toBe("needs_login");
    const login = (step: { kind: "link" } | { kind: "code"; code: string }) =>
      stage.hived.runner("login", { launch, step });
    await login({ kind: "link" });
    await expect(login({ kind: "code", code: "a-wrong-code#state" })).rejects.toMatchObject({ code: "login_refused" });
    await login({ kind: "link" });
    expect(await login({ kind: "code", code: `${goodCode}#state` })).toEqual({ url: null, isSignedIn: true });
    expect(statSync(join(stage.private, ".credentials.json")).mode & 0o777).toBe(0o600);
    expect(await outcomeOf(stage)).toBe("ok");
    expect(stage.api.asked.at(-1)?.headers.authorization).toBe(`Bearer ${accessToken}`);
  },
);
