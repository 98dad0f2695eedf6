/** A runner in this process with the real Claude Code as its agent, whose model is the fake API. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Launch, LaunchSpec } from "../../src/contract/launch.ts";
import type { AgentName } from "../../src/contract/names.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { specFor } from "../../src/hived/runtimes/choose.ts";
import { secretsFor } from "../../src/hived/runtimes/secrets.ts";
import { newLaunchId } from "../runner/fake-hived.ts";
import { type Stage, someTree, withRunner } from "../runner/with-runner.ts";
import { type FakeApi, openFakeApi } from "./fake-api.ts";

export const apiKey = "sk-ant-api03-nobody-may-see-this";

export type ClaudeStage = Stage & { api: FakeApi; state: string; private: string };

/** What a test wants otherwise; `secret` null: it is not signed in. */
type Wanted = {
  session?: string | null;
  /** a variable, and what is in it */
  secret?: [name: string, value: string] | null;
  env?: Record<string, string>;
  limits?: Partial<LaunchSpec["limits"]>;
};

export async function withClaude(): Promise<ClaudeStage> {
  const stage = await withRunner();
  const api = await openFakeApi();
  const end = stage[Symbol.asyncDispose];
  return Object.assign(stage, {
    api,
    state: join(stage.directory, "agents/alice/state"),
    private: join(stage.directory, "private/alice/home"),
    async [Symbol.asyncDispose]() {
      await end();
      await api[Symbol.asyncDispose]();
    },
  });
}

/** Starts alice. @param program the real Claude Code, or what plays it */
export async function startAlice(
  { hived, api, private: own }: ClaudeStage,
  program: string,
  { session = null, secret = ["ANTHROPIC_API_KEY", apiKey], env = {}, limits }: Wanted = {},
): Promise<Launch> {
  const agent = "alice" as AgentName;
  await hived.runner("prepareAgent", { agent, tree: someTree, files: [] });
  if (secret !== null) writeFileSync(join(own, "../secrets", secret[0]), `${secret[1]}\n`, { mode: 0o600 });
  const config = AgentConfig.parse({
    harness: {
      driver: "claude",
      command: [program],
      env: { ANTHROPIC_BASE_URL: api.url, CLAUDE_CODE_MAX_RETRIES: "0", ...env },
    },
    runtime: { driver: "process" },
  });
  const forge = { url: "http://127.0.0.1:9", token: "t0ken", email: "alice@hive.invalid" };
  const launch = newLaunchId();
  const spec = specFor({ name: agent, role: "worker", session, config, tree: someTree }, hived.place(), launch, forge);
  const made: Launch = {
    ...{ launch, agent, tree: someTree, secrets: secretsFor(agent, forge, hived.place()) },
    spec: { ...spec, driver: { ...spec.driver, mcpServers: [] }, limits: { ...spec.limits, ...limits } },
  };
  await hived.runner("launch", made);
  return made;
}
