/** A loop that does not wake up although it was told to is found out and woken again; and nothing is watched for nothing. */
import { expect, test } from "vitest";
import type { Clock } from "../../src/daemon/clock.ts";
import { changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { wakeWithinMs } from "../../src/hived/broker/limits.ts";
import { send } from "../../src/hived/broker/send.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent, settled } from "../support/open-core.ts";
import { noticed } from "./noticed.ts";

async function openHive() {
  const broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  const agent = () => core.db.read((reader) => requireAgent(reader, alice.name));
  const tell = () => send(core, { from: "operator", to: "alice", body: "hello" });
  const wakes = () => runner.calls.filter(({ name }) => name === "wake").length;
  const lost = (count: number) => core.event("AgentChanged", ({ fact }) => fact.agent.lostWakes === count);
  return { broker, core, alice, runner, agent, tell, wakes, lost };
}

test("a wake that was swallowed is found, noted, and made good by another", async () => {
  const { broker, core, runner, tell, wakes, lost } = await openHive();
  await using _ = broker;
  await tell();
  await runner.take("wake");
  core.clock.advance(wakeWithinMs - 1);
  await settled(core);
  expect(wakes()).toBe(0);
  core.clock.advance(1);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  expect((await lost(1)).fact.agent).toMatchObject({ state: "idle", lostWakeAt: core.clock.now() });
  expect((await core.event("Note")).fact.text).toMatch(
    /^alice did not ask for its messages within 30 s .* woken again\.$/,
  );
});

test("a loop that does not wake up a second time is started anew", async () => {
  const { broker, core, alice, runner, agent, tell, lost } = await openHive();
  await using _ = broker;
  await tell();
  await runner.take("wake");
  core.clock.advance(wakeWithinMs);
  await lost(1);
  core.clock.advance(wakeWithinMs);
  expect(await runner.take("stopLaunch")).toEqual({ launch: alice.launch, now: true });
  await lost(2);
  expect(agent()).toMatchObject({ launch: null, state: "converging" });
  expect(broker.lost).toMatchObject([{ agent: "alice" }]);
  expect(broker.over).toEqual([alice.launch]);
});

test("an agent that took its turn, however often it was woken, has lost nothing", async () => {
  const { broker, core, alice, runner, agent, tell } = await openHive();
  await using _ = broker;
  for (let number = 0; number < 3; number += 1) {
    await tell();
    await runner.take("wake");
    core.clock.advance(wakeWithinMs - 1);
    const { turn } = await runner.lease(alice);
    await tell(); // waits for the next one
    await runner.end(alice, turn);
    core.clock.advance(1);
    await runner.end(alice, (await runner.lease(alice)).turn);
  }
  core.clock.advance(wakeWithinMs);
  await settled(core);
  expect(agent().lost_wakes).toBe(0);
});

test("an agent that was parked meanwhile has lost nothing, nor has one whose mail was held back", async () => {
  const { broker, core, alice, runner, agent, tell } = await openHive();
  await using _ = broker;
  await tell();
  await runner.take("wake");
  await core.db.write((tx) => changeAgent(tx, core, alice.name, { state: "parked", problem: "No." }));
  core.clock.advance(wakeWithinMs);
  await settled(core);
  await core.db.write((tx) => changeAgent(tx, core, alice.name, { state: "idle", problem: null }));
  core.clock.advance(wakeWithinMs - 1);
  const { turn } = await runner.lease(alice);
  await runner.end(alice, turn, { outcome: "crashed" }); // and now it is in backoff
  core.clock.advance(4_000);
  await settled(core);
  expect(agent().lost_wakes).toBe(0);
});

test("nothing is watched while no runner is there: it is told of all mail when it comes", async () => {
  const { broker, core, runner, agent, tell } = await openHive();
  await using _ = broker;
  await tell();
  await runner.take("wake");
  runner.hived.close();
  await noticed(broker);
  core.clock.advance(wakeWithinMs - 1);
  await settled(core);
  core.clock.advance(1);
  await settled(core);
  expect(agent().lost_wakes).toBe(0);
});

test("agents that nothing waits for set no timer and ask the database nothing", async () => {
  const { broker, core } = await openHive();
  await using _ = broker;
  for (const name of ["bob", "carol"]) await addIdleAgent(core, name);
  await settled(core);
  const waits: number[] = [];
  let reads = 0;
  const wait: Clock["wait"] = core.clock.wait;
  core.clock.wait = (ms, signal) => {
    waits.push(ms);
    return wait(ms, signal);
  };
  const { read } = core.db;
  core.db.read = (closure) => {
    reads += 1;
    return read(closure);
  };
  core.clock.advance(24 * 60 * 60_000);
  await settled(core);
  expect({ waits, reads }).toEqual({ waits: [], reads: 0 });
});
