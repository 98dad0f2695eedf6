import { join } from "node:path";
import { expect, test } from "vitest";
import { toolList } from "../../src/contract/tools.ts";
import { emptyLog } from "../../src/contract/turn-log.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { maxAnswerCharacters } from "../../src/hived/broker/limits.ts";
import { send } from "../../src/hived/broker/send.ts";
import { openTools } from "../../src/hived/mcp/tools.ts";
import { openAgentSockets } from "../../src/hived/sockets/agent-socket.ts";
import { connectMcp } from "../support/mcp-client.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";
import { toolPartsOf } from "../support/tool-parts.ts";

/** hived with boss and bob at their sockets, and a runner that holds bob. */
async function openHive() {
  const broker = await openBroker();
  const { core } = broker;
  const boss = await addIdleAgent(core, "boss", { role: "manager" });
  const bob = await addIdleAgent(core, "bob");
  const launchesRoot = join(core.directory, "launches");
  const sockets = openAgentSockets({ core, launchesRoot, tools: openTools(toolPartsOf(broker)), version: "1.2.3" });
  const connect = async ({ launch, name }: typeof boss) => {
    await sockets.open(launch, name);
    return connectMcp(join(launchesRoot, launch, "mcp.sock"));
  };
  const [manager, worker] = [await connect(boss), await connect(bob)];
  const runner = await broker.connect([boss, bob].map(({ launch, name }) => ({ launch, agent: name, turn: null })));
  return {
    core,
    boss,
    bob,
    runner,
    manager,
    worker,
    async [Symbol.asyncDispose]() {
      await manager.close();
      await worker.close();
      await sockets.closeAll();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const managersOwn = toolList.filter(({ role }) => role === "manager").map(({ name }) => name);

test("a worker neither sees nor may call what is the manager's; one that becomes manager does, at once", async () => {
  await using hive = await openHive();
  const namesOf = async () => (await hive.worker.client.listTools()).tools.map(({ name }) => name);
  expect((await namesOf()).filter((name) => managersOwn.includes(name))).toEqual([]);
  for (const name of managersOwn)
    expect(await hive.worker.call(name, { name: "boss" })).toEqual({
      isError: true,
      text: `"${name}" is a tool of the manager. Ask the manager to call it.`,
    });
  await hive.core.db.write((tx) => changeAgent(tx, hive.core, hive.bob.name, { role: "manager" }));
  expect((await namesOf()).filter((name) => managersOwn.includes(name))).toEqual(managersOwn);
  expect((await hive.worker.call("restart_agent", { name: "boss" })).text).toBe("bob restarts boss");
});

test("the manager restarts and rebuilds", async () => {
  await using hive = await openHive();
  expect((await hive.manager.call("restart_agent", { name: "bob", now: true })).text).toBe("boss restarts bob now");
  expect((await hive.manager.call("rebuild_agent", { name: "bob" })).text).toBe("boss rebuilds bob");
});

test.each([
  ["restart_agent", { name: "rob" }, 'There is no agent "rob". Did you mean bob? Look at `list_agents`.'],
  ["agent_status", { name: "nobody" }, 'There is no agent "nobody". Look at `list_agents`.'],
  [
    "agent_log",
    { name: "bob", turn: "abcd" },
    'bob has no turn "abcd", or its record is not kept any more. Look at `agent_status`, which has the ids of its newest turns.',
  ],
])("what %s does not find is refused with a tool that does", async (tool, args, text) => {
  await using hive = await openHive();
  expect(await hive.manager.call(tool, args)).toEqual({ isError: true, text });
});

test("an agent's status tells its state, its inbox, its trouble and its turns", async () => {
  await using hive = await openHive();
  const { core, bob, runner, manager } = hive;
  await send(core, { from: "operator", to: "bob", body: "work" });
  const { turn } = await runner.lease(bob);
  core.clock.advance(5_000);
  await runner.end(bob, turn, { outcome: "crashed", problem: "It fell over." });
  await send(core, { from: "operator", to: "bob", body: "more" });
  const { text } = await manager.call("agent_status", { name: "bob" });
  expect(text.split("\n")).toEqual([
    "bob",
    "role: worker",
    "wanted: running",
    "state: idle since 2023-11-14T22:13:25Z",
    "version: none has run",
    "runtime: process",
    "queued messages: 2",
    "failed turns in a row: 1",
    "open threads: 0 approvals, 0 questions, 0 pull requests",
    "Newest turns, for `agent_log`:",
    `- ${turn.slice(5, 17)}: 2023-11-14T22:13:20Z, crashed after 5.0 s, 1 messages, begun by operator, It fell over.`,
  ]);
});

test("an agent's log is that of its newest turn, while it runs, too, in pages", async () => {
  await using hive = await openHive();
  const { core, bob, runner, manager } = hive;
  expect((await manager.call("agent_log", { name: "bob" })).text).toBe("bob has had no turn yet.");
  await send(core, { from: "operator", to: "bob", body: "work" });
  const { turn } = await runner.lease(bob);
  const at = core.clock.now();
  const said = { at, event: { kind: "text" as const, text: "I begin.\nNow." } };
  const used = { at, event: { kind: "tool" as const, id: "1", title: "ls", status: "completed" } };
  runner.logs.set(turn, { ...emptyLog, entries: [said, used] });
  const running = await manager.call("agent_log", { name: "bob" });
  expect(running.text.split("\n").slice(2)).toEqual([
    "message 1 from operator: leased",
    "22:13:20Z I begin.",
    "Now.",
    "22:13:20Z [completed] ls",
  ]);
  const long = Array.from({ length: 15 }, () => ({ at, event: { kind: "text" as const, text: "x".repeat(1_990) } }));
  await runner.end(bob, turn, { log: { ...emptyLog, entries: [...long, said] } });
  const first = await manager.call("agent_log", { name: "bob", turn: turn.slice(5, 17) });
  expect(first.text.length).toBeLessThanOrEqual(maxAnswerCharacters);
  const next = Number(/call again with offset (\d+)\)$/.exec(first.text)?.[1]);
  const second = await manager.call("agent_log", { name: "bob", turn: turn.slice(5, 17), offset: next });
  expect(second.text.endsWith("22:13:20Z I begin.\nNow.")).toBe(true);
});

test("the list of agents is everybody's, and comes in pages", async () => {
  await using hive = await openHive();
  await hive.core.db.write((tx) => changeAgent(tx, hive.core, hive.boss.name, { problem: "Tired." }));
  expect((await hive.worker.call("list_agents")).text).toBe(
    [
      "Agents: 2",
      "- bob: worker, idle since 2023-11-14T22:13:20Z",
      "- boss: manager, idle since 2023-11-14T22:13:20Z. Tired.",
    ].join("\n"),
  );
  for (let number = 0; number < 400; number += 1) await addIdleAgent(hive.core, `agent-${number}`);
  const { text } = await hive.worker.call("list_agents");
  const next = Number(/call again with offset (\d+)\)$/.exec(text)?.[1]);
  expect((await hive.worker.call("list_agents", { offset: next })).text).toContain("- boss: manager");
});
