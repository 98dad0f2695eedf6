import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName, type LaunchId } from "../../src/contract/names.ts";
import { findAgent } from "../../src/hived/agents/agents.ts";
import { tellDeployment } from "../../src/hived/approvals/tell-deployment.ts";
import { agentsRepo, organizations } from "../../src/hived/forge/plan.ts";
import { addDeployment, endDeployment } from "../../src/hived/lifecycle/deployments.ts";
import { forges } from "../support/forges.ts";
import type { PlayedRunner } from "../support/open-broker.ts";
import { someTree } from "../support/open-core.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { type Lifecycle, openLifecycle } from "./open-lifecycle.ts";

const [alice, bob] = ["alice", "bob"].map((name) => AgentName.parse(name)) as [AgentName, AgentName];

describe.each(forges)("an agent's versions, on $name", ({ start }) => {
  let forge: RunningForge;
  let hive: Lifecycle;
  let runner: PlayedRunner;
  const rowOf = (name: AgentName) => hive.core.db.read((reader) => findAgent(reader, name));
  const becomes = (name: AgentName, state: string) =>
    hive.core.event("AgentChanged", ({ fact }) => fact.agent.name === name && fact.agent.state === state);

  const nextLaunch = async (name: AgentName): Promise<LaunchId> => {
    const { agent, launch } = await runner.take("launch"); // the seeds' manager is started, too
    return agent === name ? launch : nextLaunch(name);
  };

  beforeAll(async () => {
    forge = await start();
    hive = await openLifecycle(forge);
    runner = await hive.broker.connect();
  });
  afterAll(async () => {
    await hive.broker[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("a process that ends soon after each start rests before the next one, longer each time, and says until when", async () => {
    await hive.push("alice");
    await hive.followMain();
    for (const seconds of [1, 2, 4]) {
      const launch = await nextLaunch(alice);
      await hive.core.event("AgentChanged", ({ fact }) => fact.agent.launch === launch && fact.agent.state === "idle");
      const { boot } = runner;
      await runner.hived.call("launchEnded", { boot, agent: alice, launch, problem: "It ended with code 3." });
      const next = new Date(hive.core.clock.now() + seconds * 1_000).toISOString();
      await hive.core.event("AgentChanged", ({ fact }) => fact.agent.problem?.includes(`at ${next}`) ?? false);
      hive.core.clock.advance(seconds * 1_000 - 1);
      expect(rowOf(alice)).toMatchObject({ state: "converging", launch: null });
      hive.core.clock.advance(1);
    }
    const launch = await nextLaunch(alice);
    await hive.core.event("AgentChanged", ({ fact }) => fact.agent.launch === launch && fact.agent.state === "idle");
    expect(rowOf(alice)).toMatchObject({ problem: null });
    hive.core.clock.advance(10 * 60_000);
    await runner.hived.call("launchEnded", { boot: runner.boot, agent: alice, launch, problem: "It ended." });
    await nextLaunch(alice); // it had lived for a while: at once
  });

  test("a process that went with its runner is started again at once, however young it was", async () => {
    runner = await hive.broker.connect();
    await nextLaunch(alice);
  });

  test("a destroyed agent's token is of no use and forgotten, it is in no team, and its user stays", async () => {
    await hive.push("bob");
    await hive.followMain();
    await becomes(bob, "idle");
    const { tokens, forge: client } = hive.forgeParts;
    const token = tokens.read(bob) ?? "";
    expect(await withToken(forge.url, token).status("GET", "/user")).toBe(200);
    await hive.remove("bob");
    await hive.followMain();
    await becomes(bob, "stopped");
    await expect.poll(() => tokens.read(bob), { timeout: 20_000 }).toBeUndefined();
    await hive.parts.retireAgent(bob); // found done
    expect(await withToken(forge.url, token).status("GET", "/user")).toBe(401);
    const admin = client.as("hive-admin");
    expect(await admin.findUser(bob)).toMatchObject({ name: "bob" });
    for (const { name } of organizations)
      for (const { id } of await admin.listTeams(name)) expect(await admin.isTeamMember(id, bob)).toBe(false);
  });

  test("a version whose tag another hive has used gets the next free one, once, and overwrites nothing", async () => {
    const { core, parts, main } = hive;
    const carol = AgentName.parse("carol");
    const bot = hive.forgeParts.forge.as("hive-bot");
    const older = await main();
    for (const number of [1, 2]) await bot.createTag(agentsRepo, `deployed/carol/${number}`, older, "another hive's");
    await hive.push("dave");
    const commit = await main();
    await core.db.write((tx) => {
      const number = addDeployment(tx, core, { agent: carol, commit, tree: someTree, approvals: [] });
      endDeployment(tx, { agent: carol, number }, "ready", null);
    });
    await tellDeployment(parts, carol, 1);
    await core.db.write((tx) => tx.run("UPDATE deployments SET told = 0 WHERE agent = 'carol'")); // cut off before that
    await tellDeployment(parts, carol, 1);
    const tags = (await bot.listTags(agentsRepo)).filter(({ name }) => name.startsWith("deployed/carol/"));
    expect(Object.fromEntries(tags.map(({ name, commit }) => [name.slice(-1), commit]))).toEqual({
      1: older,
      2: older,
      3: commit,
    });
  });
});
