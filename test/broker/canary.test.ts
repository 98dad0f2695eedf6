/** A canary shows that an agent's loop wakes up, without a turn; one that does not come back is seen. */
import { expect, test } from "vitest";
import { canaryWithinMs, Hop } from "../../src/contract/canary.ts";
import type { CanaryId } from "../../src/contract/names.ts";
import { requireAgent } from "../../src/hived/agents/agents.ts";
import { canariesAtOnce, canaryEveryMs } from "../../src/hived/broker/limits.ts";
import { send } from "../../src/hived/broker/send.ts";
import { newTurn, openBroker, type PlayedRunner } from "../support/open-broker.ts";
import { addIdleAgent, settled } from "../support/open-core.ts";
import { noticed } from "./noticed.ts";

const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

async function openHive() {
  const broker = await openBroker(undefined, () => ({
    "canary-late": { atOnce: 8, run: (agent) => broker.link.canaries.late(agent as never) },
  }));
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  const agent = (name = "alice") => core.db.read((reader) => requireAgent(reader, name));
  return { broker, core, alice, runner, agent, canaries: broker.link.canaries };
}
type Hive = Awaited<ReturnType<typeof openHive>>;

const canaryOn = ({ agent }: Hive) => JSON.parse(agent().canary ?? "null");

const answer = ({ alice }: Hive, runner: PlayedRunner, canary: CanaryId) =>
  runner.hived.call("answerCanary", { boot: runner.boot, agent: alice.name, launch: alice.launch, canary });

test("a canary takes every hop in order, costs no turn, and stands on the agent's row", async () => {
  const hive = await openHive();
  const { broker, core, alice, runner, canaries, agent } = hive;
  await using _ = broker;
  const sent = canaries.send(alice.name);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  const { canary, entries } = await runner.lease(alice);
  expect(entries).toEqual([]);
  await answer(hive, runner, canary as CanaryId);
  const [{ canary: back } = { canary: null }] = await sent;
  expect(back).toMatchObject({ state: "well", problem: null, sentAt: core.clock.now() });
  const times = Hop.options.map((hop) => back?.hops[hop] ?? Number.NaN);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(agent()).toMatchObject({ state: "idle", turn: null });
  await core.event("AgentChanged", ({ fact }) => fact.agent.canary?.state === "well");
  expect(core.db.read((reader) => reader.all("SELECT 1 FROM turns UNION ALL SELECT 1 FROM inbox"))).toEqual([]);
});

test("a loop that has mail, too, gets both: the canary first, then its turn", async () => {
  const hive = await openHive();
  const { broker, core, alice, runner, canaries } = hive;
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "hello" });
  const sent = canaries.send(alice.name);
  await runner.take("wake");
  await runner.take("wake");
  const { canary, entries } = await runner.lease(alice);
  expect(entries).toHaveLength(1);
  await answer(hive, runner, canary as CanaryId);
  expect(await sent).toMatchObject([{ canary: { state: "well" } }]);
});

test("a canary whose wake is swallowed fails, on the agent's row, as a note and as an answer; a turn disproves it", async () => {
  const hive = await openHive();
  const { broker, core, alice, runner, canaries, agent } = hive;
  await using _ = broker;
  const sent = canaries.send(alice.name);
  await runner.take("wake");
  await broker.link.runner.call("wake", { agents: [] }); // the answer to the one before it is there, too
  core.clock.advance(canaryWithinMs);
  const [failed] = await sent;
  const problem = "Its loop did not ask for work within 10 s of being woken.";
  expect(failed).toMatchObject({ agent: "alice", canary: { state: "failed", problem } });
  await core.event("AgentChanged", ({ fact }) => fact.agent.canary?.state === "failed");
  expect((await core.event("Note")).fact.text).toBe(`A canary to alice failed. ${problem}`);
  await expect(answer(hive, runner, failed?.canary.id as CanaryId)).rejects.toEqual(refusal("unknown_canary"));
  await send(core, { from: "operator", to: "alice", body: "hello" });
  await runner.lease(alice);
  expect(agent().canary).toBeNull();
});

test("one that follows another at once has its own time", async () => {
  const hive = await openHive();
  const { broker, core, alice, runner, canaries } = hive;
  await using _ = broker;
  const first = canaries.send(alice.name);
  await runner.take("wake");
  await answer(hive, runner, (await runner.lease(alice)).canary as CanaryId);
  await first;
  core.clock.advance(canaryWithinMs - 1);
  const second = canaries.send(alice.name);
  await runner.take("wake");
  core.clock.advance(1); // the time of the first is over
  await settled(core);
  expect(canaryOn(hive)).toMatchObject({ state: "waiting" });
  core.clock.advance(canaryWithinMs - 1);
  expect(await second).toMatchObject([{ canary: { state: "failed" } }]);
});

test("without a runner a canary fails at once", async () => {
  const { broker, alice, runner, canaries } = await openHive();
  await using _ = broker;
  runner.hived.close();
  await noticed(broker);
  const problem = "It could not be pushed: no runner is connected.";
  expect(await canaries.send(alice.name)).toMatchObject([{ canary: { state: "failed", problem } }]);
});

test("an agent in a turn, and one without a loop, are refused with what to do instead; all means all others", async () => {
  const { broker, core, alice, runner, canaries } = await openHive();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "hello" });
  await runner.lease(alice);
  await expect(canaries.send(alice.name)).rejects.toEqual(refusal("in_turn"));
  expect(await canaries.send(null)).toEqual([]);
  await runner.hived.call("launchEnded", {
    boot: runner.boot,
    agent: alice.name,
    launch: alice.launch,
    problem: "Gone.",
  });
  await expect(canaries.send(alice.name)).rejects.toEqual(refusal("no_loop"));
  await expect(canaries.send("nobody" as never)).rejects.toEqual(refusal("unknown_agent"));
});

test("by themselves they go to those whose loops have shown themselves least of late, a few at a time", async () => {
  const hive = await openHive();
  const { broker, core, alice, runner, canaries } = hive;
  await using _ = broker;
  for (let number = 0; number < canariesAtOnce; number += 1) await addIdleAgent(core, `agent-${number}`);
  expect(await canaries.sendSome()).toEqual({ again: core.clock.now() + canaryEveryMs });
  expect(runner.calls.filter(({ name }) => name === "wake")).toEqual([]); // all have just begun
  core.clock.advance(canaryEveryMs);
  await runner.lease(alice, newTurn()); // nothing to do: it stays as it is
  await canaries.sendSome();
  const arrived = () => broker.link.runner.call("wake", { agents: [] }); // calls come in order
  await arrived();
  const woken = () => runner.calls.flatMap((call) => (call.name === "wake" ? call.request.agents : []));
  expect(new Set(woken()).size).toBe(canariesAtOnce);
  core.clock.advance(canaryWithinMs);
  await core.event("AgentChanged", ({ fact }) => fact.agent.canary?.state === "failed");
  const before = woken().length;
  await canaries.sendSome();
  await arrived();
  expect(woken().slice(before)).toHaveLength(1); // the one that was left
});

test("a canary that hived forgot in a restart is no failure", async () => {
  const { broker, alice, runner, canaries } = await openHive();
  void canaries.send(alice.name);
  await runner.take("wake");
  await using later = await broker.restart();
  await later.link.canaries.late(alice.name);
  expect(later.core.db.read((reader) => requireAgent(reader, "alice"))).toMatchObject({ canary: null });
});
