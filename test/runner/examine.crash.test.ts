import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { Finding } from "../../src/contract/examination.ts";
import type { AgentName } from "../../src/contract/names.ts";
import { systemClock } from "../../src/daemon/clock.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { enterFor, specFor } from "../../src/hived/runtimes/choose.ts";
import { secretsFor } from "../../src/hived/runtimes/secrets.ts";
import { commandOf } from "../../src/hived/runtimes/view.ts";
import { freePort } from "../support/free-port.ts";
import { newLaunchId } from "./fake-hived.ts";
import { prepare, type Stage, shown, someTree, waitingScript, withRunner } from "./with-runner.ts";

const forge = { url: "http://127.0.0.1:9", token: "t0ken", email: "alice@hive.invalid" };

/** What an examination of alice finds, by what was tried, as `state: sentence → what to do`. */
async function examine(stage: Stage, harness: object): Promise<Record<string, string>> {
  const agent = "alice" as AgentName;
  await prepare(stage, agent, "rules: []");
  const config = AgentConfig.parse({ harness });
  const launch = newLaunchId();
  using _ = await offerTools(join(stage.directory, "launches", launch));
  const toLaunch = { name: agent, role: config.role, session: null, config, tree: someTree };
  const place = stage.hived.place();
  const { findings } = await stage.hived.runner("examine", {
    ...{ launch, agent, secrets: secretsFor(agent, forge, place) },
    enter: enterFor(toLaunch, place, launch, forge),
    command: commandOf(toLaunch, place),
    driver: specFor(toLaunch, place, launch, forge).driver,
    docsUrl: `${forge.url}/org-shared/docs.git`,
  });
  return Object.fromEntries(findings.map((finding) => [finding.what, textOf(finding)]));
}

/** hived's end of the agent's socket, with two tools. */
async function offerTools(directory: string): Promise<Disposable> {
  mkdirSync(directory, { recursive: true });
  const tools = ["send", "recv"].map((name) => ({ name, inputSchema: { type: "object" } }));
  const server = createServer(async (request, response) => {
    const { id, method } = JSON.parse(await text(request)) as { id?: number; method: string };
    const body = JSON.stringify({ jsonrpc: "2.0", id, result: method === "tools/list" ? { tools } : {} });
    response.writeHead(id === undefined ? 202 : 200).end(id === undefined ? "" : body);
  });
  await once(server.listen(join(directory, "mcp.sock")), "listening");
  return { [Symbol.dispose]: () => void server.close() };
}

const textOf = ({ state, found, next }: Finding) => `${state}: ${found}${next === null ? "" : ` → ${next}`}`;

test("the script agent has all that it needs in its sandbox, but the forge that is not there", async () => {
  await using stage = await withRunner(systemClock, true);
  expect(await examine(stage, { driver: "acp", profile: "script" })).toEqual({
    "coding agent": "well: It is installed: script agent 0.1.0.",
    "sign-in": "well: It needs none.",
    API: "well: It has no model, and needs none.",
    tools: "well: All 2 tools of the hive arrive.",
    git: expect.stringMatching(
      /^failed: git can't read from the forge: .*127\.0\.0\.1.* → See what `hive forge check` tells of its token and teams\.$/,
    ),
  });
});

test("an examination leaves a turn that runs alone", async () => {
  await using stage = await withRunner();
  await stage.hived.runner("launch", await prepare(stage, "alice", waitingScript));
  stage.hived.mail("alice", "wait");
  await shown(stage, "wait");
  expect(await examine(stage, { driver: "acp", profile: "script" })).toMatchObject({
    tools: "well: All 2 tools of the hive arrive.",
  });
  writeFileSync(join(stage.directory, "agents/alice/state/go"), "");
  expect(await stage.hived.ends.next()).toMatchObject({ outcome: "ok" });
});

test("a coding agent that is installed and signed in, and one that is not, or without a way to its provider", async () => {
  await using stage = await withRunner();
  const api = createServer((_, response) => response.writeHead(404).end());
  await once(api.listen(0, "127.0.0.1"), "listening");
  const provider = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const program = join(stage.directory, "claude");
  const answers =
    'case "$*" in --version) echo "9.9.9 (Claude Code)";; "auth status") test -n "$ANTHROPIC_API_KEY";; esac\n';
  writeFileSync(program, `#!/bin/sh\n${answers}`, { mode: 0o755 });
  const harness = (env: object, command = [program]) => ({ driver: "claude", command, env });
  await prepare(stage, "alice", "rules: []");
  const secret = join(stage.hived.place().privateRoot, "alice/secrets/ANTHROPIC_API_KEY");
  writeFileSync(secret, "key");
  expect(await examine(stage, harness({ ANTHROPIC_BASE_URL: provider }))).toMatchObject({
    "coding agent": "well: It is installed: 9.9.9 (Claude Code).",
    "sign-in": "well: It is signed in.",
    API: `well: ${provider} answers.`,
  });
  rmSync(secret);
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  expect(await examine(stage, harness({ ANTHROPIC_BASE_URL: nowhere }, ["/no/such/claude"]))).toMatchObject({
    "coding agent": expect.stringMatching(
      /^failed: `\/no\/such\/claude --version` does not tell its version: .*not found.* → Install it where/,
    ),
    "sign-in": "failed: It is not signed in. → Sign it in: `hive agent login alice`.",
    API: expect.stringMatching(
      `^failed: ${nowhere} can't be reached: .*ECONNREFUSED.* → See to the network of this machine, or to ANTHROPIC_BASE_URL`,
    ),
  });
  const codex = { driver: "acp", profile: "codex", command: ["/no/such/codex-acp"] };
  expect((await examine(stage, codex))["sign-in"]).toBe(
    "failed: It is not signed in. → Sign it in: `hive agent login alice --secret`.",
  );
  const own = join(stage.hived.place().privateRoot, "alice/home/.gemini");
  mkdirSync(own);
  writeFileSync(join(own, "oauth_creds.json"), "{}");
  expect((await examine(stage, { driver: "acp", profile: "gemini" }))["sign-in"]).toBe(
    "well: It has .gemini/oauth_creds.json; a turn shows whether that is accepted.",
  );
  api.close();
});
