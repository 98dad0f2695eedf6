import { join } from "node:path";
import { expect, test } from "vitest";
import type { AgentName } from "../../src/contract/names.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { openRateLimit, refusedAfterMs } from "../../src/hived/mcp/rate-limit.ts";
import { openTools } from "../../src/hived/mcp/tools.ts";
import { openAgentSockets } from "../../src/hived/sockets/agent-socket.ts";
import { openFakeClock } from "../support/fake-clock.ts";
import { callTool } from "../support/mcp-client.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";
import { toolPartsOf } from "../support/tool-parts.ts";

/** Two agents that may call ten times a minute; what is held back comes at once. */
async function openHive() {
  const broker = await openBroker();
  const { core } = broker;
  const harness = { driver: "acp", profile: "script" };
  const { budgets } = AgentConfig.parse({ harness, budgets: { tool_calls_per_minute: 10 } });
  const launchesRoot = join(core.directory, "launches");
  const clock = { ...core.clock, wait: () => Promise.resolve() };
  const tools = openTools(toolPartsOf(broker, { core: { ...core, clock } }));
  const sockets = openAgentSockets({ core, launchesRoot, tools, version: "1.2.3" });
  const open = async (name: string) => {
    const { launch, name: agent } = await addIdleAgent(core, name, { budgets });
    await sockets.open(launch, agent);
    return () => callTool(join(launchesRoot, launch, "mcp.sock"), "list_agents", {});
  };
  return {
    clock: core.clock,
    alice: await open("alice"),
    bob: await open("bob"),
    async [Symbol.asyncDispose]() {
      await sockets.closeAll();
      await broker[Symbol.asyncDispose]();
    },
  };
}

test("a call beyond the limit is refused with the limit and when it passes, and then there is room again", async () => {
  await using hive = await openHive();
  for (let call = 0; call < 10; call += 1) expect(await hive.alice()).toContain("Agents: 2");
  expect(await hive.alice()).toBe(
    "You have called tools more than 10 times a minute, which is your limit. There is room for the next call at " +
      "2023-11-14T22:13:26.000Z. Call less often, or propose more under budgets.tool_calls_per_minute of your agent.yaml.",
  );
  hive.clock.advance(6_000);
  expect(await hive.alice()).toContain("Agents: 2");
  expect(await hive.alice()).toContain("You have called");
});

test("who floods is held back alone", async () => {
  await using hive = await openHive();
  const flood = Promise.all(Array.from({ length: 60 }, hive.alice));
  for (let call = 0; call < 10; call += 1) expect(await hive.bob()).toContain("Agents: 2");
  expect((await flood).filter((text) => text.startsWith("You have called"))).toHaveLength(50);
});

test("a clock that is set back gives nothing, and takes nothing", async () => {
  await using hive = await openHive();
  for (let call = 0; call < 9; call += 1) await hive.alice();
  hive.clock.advance(-3_600_000);
  expect(await hive.alice()).toContain("Agents: 2");
  expect(await hive.alice()).toContain("You have called tools more than 10 times");
});

test("a refusal is held back for a second", async () => {
  const clock = openFakeClock();
  const countCall = openRateLimit(clock, new AbortController().signal);
  const alice = "alice" as AgentName;
  await countCall(alice, 1);
  let isRefused = false;
  const refused = countCall(alice, 1).catch(() => (isRefused = true));
  clock.advance(refusedAfterMs - 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isRefused).toBe(false);
  clock.advance(1);
  expect(await refused).toBe(true);
});
