import { expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Runner } from "../../src/hived/core.ts";
import { addDeployment, endDeployment, newestDeployment } from "../../src/hived/lifecycle/deployments.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import { rebuildAgent, restart, restartAgent } from "../../src/hived/lifecycle/restart.ts";
import { openBroker, type PlayedRunner, type TestBroker } from "../support/open-broker.ts";
import { addIdleAgent, someTree, type TestCore } from "../support/open-core.ts";

const alice = AgentName.parse("alice");
type Up = Awaited<ReturnType<typeof addIdleAgent>>;

/** The work that a restart asks for; `converged` tells who was to be brought to life first. */
function openWork() {
  const { promise: converged, resolve } = Promise.withResolvers<string>();
  const noted = (note: (key: string) => void) => ({
    atOnce: 1,
    run: async (key: string) => {
      note(key);
      return undefined;
    },
  });
  const work = (core: TestCore, runner: Runner) => {
    const sockets = { open: async () => undefined, close: async () => undefined };
    const parts = { core, runner, sockets } as unknown as LifecycleParts;
    const run = async (key: string) => {
      await restart(parts, key);
      return undefined;
    };
    return { restart: { atOnce: 1, run }, converge: noted(resolve), "follow-main": noted(() => undefined) };
  };
  return { converged, work };
}

const heldOf = ({ name, launch }: Up) => ({ agent: name, launch, turn: null });
const isGone = (core: TestCore) =>
  core.event("AgentChanged", ({ fact }) => fact.agent.name === alice && fact.agent.launch === null);
const endLaunch = ({ hived, boot }: PlayedRunner, { name, launch }: Up) =>
  hived.call("launchEnded", { boot, agent: name, launch, problem: null });

async function openTurn({ broker, row }: { broker: TestBroker; row: Up }) {
  const runner = await broker.connect([heldOf(row)]);
  await send(broker.core, { from: "operator", to: "alice", body: "a long task" });
  const { turn } = await runner.lease(row);
  return { runner, turn };
}

test("an idle agent's process ends at once, and converge is asked for the next one", async () => {
  const { converged, work } = openWork();
  await using broker = await openBroker(undefined, work);
  const row = await addIdleAgent(broker.core, "alice");
  const runner = await broker.connect([heldOf(row)]);
  expect(await restartAgent(broker.core, "operator", { agent: alice, now: false })).toBe("alice is started anew.");
  expect(await runner.take("stopLaunch")).toEqual({ launch: row.launch, now: false });
  await isGone(broker.core);
  await broker.core.event("Note", ({ fact }) => fact.text === "The operator had alice started anew.");
  expect(await converged).toBe("alice");
});

test("a running turn is ended first, and no other begins meanwhile", async () => {
  await using broker = await openBroker(undefined, openWork().work);
  const row = await addIdleAgent(broker.core, "alice");
  const { runner, turn } = await openTurn({ broker, row });
  runner.endsAtOnce = false;
  const said = await restartAgent(broker.core, AgentName.parse("boss"), { agent: alice, now: false });
  expect(said).toBe("alice is started anew after its running turn.");
  await runner.take("stopLaunch");
  await runner.end(row, turn);
  await send(broker.core, { from: "operator", to: "alice", body: "more" });
  expect((await runner.lease(row)).entries).toEqual([]);
  await endLaunch(runner, row);
  await isGone(broker.core);
});

test("a turn that is cut off gives its messages back", async () => {
  await using broker = await openBroker(undefined, openWork().work);
  const row = await addIdleAgent(broker.core, "alice");
  const { runner } = await openTurn({ broker, row });
  await restartAgent(broker.core, "operator", { agent: alice, now: true });
  expect(await runner.take("stopLaunch")).toEqual({ launch: row.launch, now: true });
  await isGone(broker.core);
  const { fact } = await broker.core.event("TurnEnded");
  expect(fact.turn).toMatchObject({ outcome: "lost", messages: 1 });
});

test("hived is killed after it was asked: the next one restarts the agent, once", async () => {
  const broker = await openBroker(undefined, openWork().work);
  const row = await addIdleAgent(broker.core, "alice");
  await restartAgent(broker.core, "operator", { agent: alice, now: false }); // no runner is there to carry it out
  await using later = await broker.restart();
  const runner = await later.connect([heldOf(row)]);
  later.core.clock.advance(600_000);
  await later.core.db.write((tx) => later.core.scheduler.retryNow(tx));
  expect(await runner.take("stopLaunch")).toEqual({ launch: row.launch, now: false });
  await isGone(later.core);
  expect(runner.calls.filter(({ name }) => name === "stopLaunch")).toEqual([]);
});

test("rebuilding tries a version that failed once more, while the one before it runs on", async () => {
  await using broker = await openBroker(undefined, openWork().work);
  const { core } = broker;
  const row = await addIdleAgent(core, "alice");
  await core.db.write((tx) => {
    const number = addDeployment(tx, core, { agent: alice, commit: someTree, tree: someTree, approvals: [] });
    endDeployment(tx, { agent: alice, number }, "failed", "no");
  });
  expect(await rebuildAgent(core, "operator", alice)).toContain("is tried once more");
  expect(core.db.read((reader) => newestDeployment(reader, alice))).toMatchObject({ number: 2, state: "converging" });
  expect(core.db.read((reader) => requireAgent(reader, alice))).toMatchObject({ launch: row.launch, state: "idle" });
});

test("rebuilding one that runs restarts it", async () => {
  await using broker = await openBroker(undefined, openWork().work);
  const row = await addIdleAgent(broker.core, "alice");
  const runner = await broker.connect([heldOf(row)]);
  expect(await rebuildAgent(broker.core, "operator", alice)).toBe("alice is started anew.");
  expect(await runner.take("stopLaunch")).toEqual({ launch: row.launch, now: false });
  await isGone(broker.core);
});

test("an agent that is not to run is not started", async () => {
  await using broker = await openBroker(undefined, openWork().work);
  const { core } = broker;
  await addIdleAgent(core, "alice");
  await core.db.write((tx) => changeAgent(tx, core, alice, { wish: "destroyed" }));
  const refused = restartAgent(core, "operator", { agent: alice, now: false });
  await expect(refused).rejects.toMatchObject({ code: "not_wanted" });
});
