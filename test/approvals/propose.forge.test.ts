import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { proposeAgent } from "../../src/hived/approvals/propose.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { forges } from "../support/forges.ts";
import { openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import type { RunningForge } from "../support/running-forge.ts";

const bob = AgentName.parse("bob");
const yaml = "role: worker\nharness:\n  driver: acp\n  profile: script\n";

describe.each(forges)("proposing an agent on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    await provisionAgent(parts, bob, "worker");
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
  });

  const propose = (name: string, prompt = "Work.") =>
    proposeAgent({ ...parts, forgeUrl: forge.url, scratch: join(core.directory, "scratch") }, bob, {
      name,
      agent_yaml: yaml,
      prompt,
      files: {},
      reason: "To see it.",
    });
  const bot = () => parts.forge.as("hive-bot");
  const pullOf = async (name: string) => {
    const said = await propose(name);
    const number = Number(/pulls\/(\d+)/.exec(said)?.[1]);
    return { said, pull: await bot().readPull(agentsRepo, number) };
  };

  test("several at once are each a pull request of its own, made from the main that it is against", async () => {
    const names = ["carol", "dave", "erin", "frank"];
    const made = await Promise.all(names.map(pullOf));
    const main = await bot().readBranch(agentsRepo, "main");
    for (const [index, { pull }] of made.entries()) {
      expect(pull).toMatchObject({ author: bob, base: "main", mergeBase: main?.commit });
      const files = await bot().readTree(agentsRepo, pull?.head ?? "", { recursive: true });
      const others = names.filter((name) => files.some(({ path }) => path === `agents/${name}`));
      expect(others).toEqual([names[index]]);
    }
  });

  test("the same once more is answered with the one that is open, and another version of it replaces that", async () => {
    const { pull } = await pullOf("grace");
    expect(await propose("grace")).toContain(`is open as #${pull?.number}`);
    await propose("grace", "Work harder.");
    const newer = await bot().readPull(agentsRepo, pull?.number ?? 0);
    expect(newer).toMatchObject({ state: "open", mergeBase: pull?.mergeBase });
    expect(newer?.head).not.toBe(pull?.head);
  });

  test("what main has already is said, and its name is taken for anything else", async () => {
    await parts.forge.as("operator").commitFiles(agentsRepo, {
      branch: "main",
      message: "Add heidi",
      files: [
        { path: "agents/heidi/agent.yaml", content: Buffer.from(yaml) },
        { path: "agents/heidi/AGENTS.md", content: Buffer.from("Work.") },
      ],
    });
    expect(await propose("heidi")).toBe("The agent heidi is on main already, with exactly this content.");
    await expect(propose("heidi", "Rest.")).rejects.toMatchObject({ code: "name_taken" });
    expect(readdirSync(join(core.directory, "scratch"))).toEqual([]);
  });
});
