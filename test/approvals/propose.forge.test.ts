import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { proposeAgent, proposeConfig, proposeDecision } from "../../src/hived/approvals/propose.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import type { RunningForge } from "../support/running-forge.ts";

const bob = AgentName.parse("bob");
const yaml = "role: worker\nharness:\n  driver: acp\n  profile: script\n";

const big = { "data.csv": "x".repeat(1024 * 1024 - 40) };

describe.each(forges)("proposals on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    await addIdleAgent(core, "boss", { role: "manager" });
    await provisionAgent(parts, bob, "worker");
    await parts.forge.as("operator").commitFiles(agentsRepo, {
      branch: "main",
      message: "Add ivan",
      files: Object.entries({ "agent.yaml": yaml, "AGENTS.md": "Work.", "skills/old.md": "Old." }).map(
        ([path, content]) => ({ path: `agents/ivan/${path}`, content: Buffer.from(content) }),
      ),
    });
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
  });

  const proposing = () => ({ ...parts, forgeUrl: forge.url, scratch: join(core.directory, "scratch") });
  const reason = "To see it.";
  const bot = () => parts.forge.as("hive-bot");
  const pullAt = async (said: string) => bot().readPull(agentsRepo, Number(/pulls\/(\d+)/.exec(said)?.[1]));
  const propose = (name: string, prompt = "Work.") =>
    proposeAgent(proposing(), bob, { name, agent_yaml: yaml, prompt, files: {}, reason });
  const pullOf = async (name: string) => {
    const said = await propose(name);
    return { said, pull: await pullAt(said) };
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

  test("an agent's directory changes as given, and keeps what was left out", async () => {
    const files = { "skills/new.md": "New.", "skills/old.md": null };
    const said = await proposeConfig(proposing(), bob, { name: "ivan", prompt: "Work harder.", files, reason });
    const pull = await pullAt(said);
    expect(pull).toMatchObject({ author: bob, base: "main", title: "Change the agent ivan" });
    expect(pull?.body).toContain(reason);
    const made = await bot().readFiles(agentsRepo, pull?.head ?? "", "agents/ivan");
    const texts = Object.fromEntries(
      made.map(({ path, content }) => [path, Buffer.from(content, "base64").toString()]),
    );
    expect(texts).toEqual({ "agent.yaml": yaml, "AGENTS.md": "Work harder.", "skills/new.md": "New." });
  });

  test("a new agent that could not be approved is refused at once, with each reason", async () => {
    const content = { prompt: "x".repeat(70_000), agent_yaml: yaml.replace("worker", "manager"), files: {} };
    await expect(proposeAgent(proposing(), bob, { name: "judy", ...content, reason })).rejects.toMatchObject({
      message: expect.stringMatching(/70000 bytes.*; .*the hive has a manager already, boss\.$/),
    });
    const twice = { prompt: "Work.", agent_yaml: yaml, files: { "agent.yaml": yaml } };
    const refused = proposeAgent(proposing(), bob, { name: "judy", ...twice, reason });
    await expect(refused).rejects.toMatchObject({ code: "given_twice" });
    expect(await bot().listPulls(agentsRepo, { state: "open" })).not.toContainEqual(
      expect.objectContaining({ title: "Add the agent judy" }),
    );
  });

  test.each([
    ["an agent that main has not", { name: "nobody-here" }, "not_on_main"],
    ["a name that is none", { name: "No One" }, "bad_name"],
    ["an agent.yaml that does not parse", { name: "ivan", agent_yaml: "role: king" }, "not_actionable"],
    ["a second manager", { name: "ivan", agent_yaml: yaml.replace("worker", "manager") }, "not_actionable"],
    ["a prompt that is too long", { name: "ivan", prompt: "x".repeat(64 * 1024 + 1) }, "not_actionable"],
    ["more files than fit, with those that main has", { name: "ivan", files: big }, "not_actionable"],
    ["a blank prompt", { name: "ivan", prompt: " \n" }, "file_needed"],
    ["two contents of one file", { name: "ivan", prompt: "Rest.", files: { "AGENTS.md": "Work." } }, "given_twice"],
    ["an agent without a prompt", { name: "ivan", files: { "AGENTS.md": null } }, "file_needed"],
    ["a path below what is a file", { name: "ivan", files: { "AGENTS.md/more.md": "x" } }, "bad_path"],
    ["a path that leads elsewhere", { name: "ivan", files: { "../bob/AGENTS.md": "x" } }, "bad_path"],
  ])("%s is refused", async (_, wanted, code) => {
    const refused = proposeConfig(proposing(), bob, { files: {}, reason, ...wanted });
    await expect(refused).rejects.toMatchObject({ code });
  });

  test("what main has already is said", async () => {
    const said = await proposeConfig(proposing(), bob, { name: "ivan", prompt: "Work.", files: {}, reason });
    expect(said).toBe("That would change nothing of ivan: main has it so already.");
  });

  test("a decision is a file of its own; the same once more is answered with the one that is open", async () => {
    const decision = { slug: "use-tabs", text: "# Tabs\n\nWe use tabs.", reason };
    const pull = await pullAt(await proposeDecision(proposing(), bob, decision));
    expect(pull).toMatchObject({ author: bob, title: "Decide use-tabs" });
    const file = await bot().readFile(agentsRepo, pull?.head ?? "", "decisions/use-tabs.md");
    expect(file?.toString()).toBe("# Tabs\n\nWe use tabs.\n");
    expect(await proposeDecision(proposing(), bob, decision)).toContain(`is open as #${pull?.number}`);
  });

  test("a slug that is none is refused", async () => {
    const refused = proposeDecision(proposing(), bob, { slug: "../x", text: "x", reason });
    await expect(refused).rejects.toMatchObject({ code: "bad_slug" });
  });
});
