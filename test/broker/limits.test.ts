/** What is too much: letters between two agents, turns within an hour; and how each of them passes. */
import { expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { requireAgent } from "../../src/hived/agents/agents.ts";
import { lettersPerMinute, mostLetters, pairRestMs } from "../../src/hived/broker/limits.ts";
import { endRest, liftRest, restingPairs } from "../../src/hived/broker/pairs.ts";
import { send, sendIn } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { newTurn, openBroker } from "../support/open-broker.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";

const alice = AgentName.parse("alice");
const bob = AgentName.parse("bob");
const minuteMs = 60_000;
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });
const pairs = (core: Core) => core.db.read(restingPairs);

async function openTwo() {
  const core = openCore();
  core.work({ "end-pair-rest": { atOnce: 1, run: (key) => endRest(core, key) } });
  await addIdleAgent(core, "manager", { role: "manager" });
  await addIdleAgent(core, "alice", { recipients: [bob] });
  await addIdleAgent(core, "bob", { recipients: [alice] });
  return core;
}

/** They answer each other so often, without a pause. */
async function pingPong(core: Core, letters: number): Promise<void> {
  for (let letter = 0; letter < letters; letter += 1)
    await send(core, {
      from: letter % 2 === 0 ? alice : bob,
      to: letter % 2 === 0 ? "bob" : "alice",
      body: "and you?",
    });
}

test("two agents that answer each other without end rest for an hour, and the operator hears of it once", async () => {
  await using core = await openTwo();
  await pingPong(core, mostLetters);
  const restsUntil = core.clock.now() + pairRestMs;
  expect(pairs(core)).toEqual([{ one: "alice", other: "bob", restsUntil }]);
  await expect(send(core, { from: alice, to: "bob", body: "me?" })).rejects.toEqual(refusal("pair_rests"));
  await expect(send(core, { from: bob, to: "alice", body: "you!" })).rejects.toThrow(
    new Date(restsUntil).toISOString(),
  );
  const notice = await core.event("MessageSent", ({ fact }) => fact.message.to === "operator");
  expect(notice.fact.message.body).toContain("bob and alice");
});

test("the rest of two agents is nobody else's", async () => {
  await using core = await openTwo();
  await pingPong(core, mostLetters);
  await send(core, { from: alice, to: "manager", body: "bob does not answer" });
  await send(core, { from: "operator", to: "bob", body: "hello" });
  await send(core, { from: AgentName.parse("manager"), to: "*", body: "hello" });
});

test("the rest passes by itself, and begins anew only after as many letters", async () => {
  await using core = await openTwo();
  await pingPong(core, mostLetters);
  core.clock.advance(pairRestMs);
  await core.event("PairChanged", ({ fact }) => fact.pair.restsUntil === null);
  expect(pairs(core)).toEqual([]);
  await pingPong(core, mostLetters - 1);
  expect(pairs(core)).toEqual([]);
});

test("the operator lifts a rest, which is noted; what was to end it later does no harm", async () => {
  await using core = await openTwo();
  await pingPong(core, mostLetters);
  await liftRest(core, bob, alice);
  await liftRest(core, bob, alice);
  expect(pairs(core)).toEqual([]);
  expect((await core.event("Note")).fact.text).toBe("The operator let alice and bob write to each other again.");
  core.clock.advance(pairRestMs / 2);
  await pingPong(core, mostLetters);
  core.clock.advance(pairRestMs / 2);
  await core.db.write(() => undefined);
  expect(pairs(core)).toMatchObject([{ restsUntil: core.clock.now() + pairRestMs / 2 }]);
});

test("letters now and then never add up to a loop", async () => {
  await using core = await openTwo();
  for (let hour = 0; hour < 3; hour += 1) {
    await pingPong(core, mostLetters - 1);
    core.clock.advance((mostLetters / lettersPerMinute) * minuteMs);
  }
  expect(pairs(core)).toEqual([]);
});

test("a write that is undone empties no measure, and what it had sent fills none", async () => {
  await using core = await openTwo();
  await pingPong(core, mostLetters - 2);
  const undone = core.db.write((tx) => {
    sendIn(tx, core, { from: alice, to: "bob", body: "and you?" });
    throw new Error("it is undone");
  });
  await expect(undone).rejects.toThrow("it is undone");
  await pingPong(core, 1);
  expect(pairs(core)).toEqual([]);
  await pingPong(core, 1);
  expect(pairs(core)).toHaveLength(1);
});

test("a clock that is set back empties no measure, and fills none", async () => {
  await using core = await openTwo();
  await pingPong(core, mostLetters - 1);
  core.clock.advance(-minuteMs * 600);
  await send(core, { from: alice, to: "bob", body: "still?" });
  expect(pairs(core)).toHaveLength(1);
});

test("an agent that has had its turns of an hour is parked until the first is an hour ago", async () => {
  await using broker = await openBroker();
  const { core } = broker;
  const { budgets } = AgentConfig.parse({
    harness: { driver: "acp", profile: "script" },
    budgets: { turns_per_hour: 2 },
  });
  const row = await addIdleAgent(core, "alice", { budgets });
  const runner = await broker.connect([{ launch: row.launch, agent: alice, turn: null }]);
  const began = core.clock.now();
  for (let turns = 0; turns < 2; turns += 1) {
    await send(core, { from: "operator", to: "alice", body: "work" });
    const { turn } = await runner.lease(row);
    core.clock.advance(10 * minuteMs);
    await runner.end(row, turn);
  }
  const agent = () => core.db.read((reader) => requireAgent(reader, "alice"));
  expect((await runner.lease(row)).entries).toEqual([]);
  expect(agent()).toMatchObject({ state: "idle" });
  await send(core, { from: "operator", to: "alice", body: "more work" });
  expect((await runner.lease(row)).entries).toEqual([]);
  expect(agent()).toMatchObject({
    state: "parked",
    problem: "It has had 2 turns within an hour, as many as its agent.yaml allows.",
    retry_at: began + 60 * minuteMs,
  });
  runner.calls.length = 0;
  core.clock.advance(40 * minuteMs);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  expect((await runner.lease(row)).entries).toMatchObject([{ body: "more work" }]);
});

test("a turn that an agent began by itself counts from when it began, though it is told later", async () => {
  await using broker = await openBroker();
  const { core } = broker;
  const { budgets } = AgentConfig.parse({
    harness: { driver: "acp", profile: "script" },
    budgets: { turns_per_hour: 2 },
  });
  const row = await addIdleAgent(core, "alice", { budgets });
  const runner = await broker.connect([{ launch: row.launch, agent: alice, turn: null }]);
  const began = core.clock.now();
  core.clock.advance(10 * minuteMs);
  await send(core, { from: "operator", to: "alice", body: "work" });
  const { turn } = await runner.lease(row);
  await runner.end(row, newTurn(), { beganAt: began });
  await runner.end(row, turn);
  await send(core, { from: "operator", to: "alice", body: "more work" });
  await runner.lease(row);
  expect(core.db.read((reader) => requireAgent(reader, "alice"))).toMatchObject({ retry_at: began + 60 * minuteMs });
});
