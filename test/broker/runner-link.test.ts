import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { adoptMarginMs, adoptWithinMs, hivedCalls } from "../../src/contract/link.ts";
import { LaunchId, type MessageId } from "../../src/contract/names.ts";
import { requireAgent } from "../../src/hived/agents/agents.ts";
import { findLaunch } from "../../src/hived/agents/launches.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { prepareSocket } from "../../src/hived/sockets/socket-directory.ts";
import { connectLink, speak } from "../../src/rpc/link.ts";
import { openBroker, proven } from "../support/open-broker.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";
import { noticed } from "./noticed.ts";

const entries = (core: Core) => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
const agent = (core: Core) => core.db.read((reader) => requireAgent(reader, "alice"));
const launch = (core: Core, id: LaunchId) => core.db.read((reader) => findLaunch(reader, id));
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

/** hived with a runner whose agent alice works on a message. */
async function openTurn() {
  const broker = await openBroker();
  const alice = await addIdleAgent(broker.core, "alice");
  const holding = { launch: alice.launch, agent: alice.name };
  const runner = await broker.connect([{ ...holding, turn: null }]);
  await send(broker.core, { from: "operator", to: "alice", body: "hello" });
  const { turn } = await runner.lease(alice);
  return { broker, core: broker.core, alice, runner, turn, held: { ...holding, turn } };
}

test("a leased message is queued again, marked redelivered and uncounted, when its runner is not back in time", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  runner.hived.close();
  await noticed(broker);
  core.clock.advance(adoptWithinMs + adoptMarginMs - 1);
  await core.db.write(() => undefined);
  expect(entries(core)).toMatchObject([{ state: "leased" }]);
  core.clock.advance(1);
  await core.event("TurnEnded");
  expect(entries(core)).toMatchObject([{ state: "queued", attempt: 1, failures: 0, turn: null }]);
  expect(agent(core)).toMatchObject({ state: "converging", launch: null, turn: null });
  expect(broker.lost).toMatchObject([{ agent: "alice" }]);
  expect(broker.over).toEqual([alice.launch]);
  expect(launch(core, alice.launch)).toMatchObject({ ended_at: core.clock.now() });
});

test("a runner that is back in time goes on with its turn", async () => {
  const { broker, core, alice, runner, turn, held } = await openTurn();
  await using _ = broker;
  runner.hived.close();
  await noticed(broker);
  core.clock.advance(adoptWithinMs - 1);
  const again = await broker.connect([held]);
  expect(again.adopted).toEqual([alice.launch]);
  core.clock.advance(adoptMarginMs + 2);
  await again.end(alice, turn);
  expect(entries(core)).toMatchObject([{ state: "handled", attempt: 1 }]);
  expect(broker.lost).toEqual([]);
});

test("a turn lives through a restart of hived, and is reported to the new boot alone", async () => {
  const { broker, alice, turn, held } = await openTurn();
  await using later = await broker.restart();
  expect(entries(later.core)).toMatchObject([{ state: "leased" }]);
  const again = await later.connect([held]);
  expect(again.boot).toBe(broker.boot + 1);
  expect(again.adopted).toEqual([alice.launch]);
  await expect(again.end(alice, turn, { boot: broker.boot })).rejects.toEqual(refusal("stale_boot"));
  await again.end(alice, turn);
  expect(entries(later.core)).toMatchObject([{ state: "handled", attempt: 1 }]);
});

test("what recv handed out before hived died is delivered again, as nobody knows whether it arrived", async () => {
  const { broker, core, alice, runner, turn, held } = await openTurn();
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  await send(core, { from: "operator", to: "alice", body: "more" });
  await recv({ agent: alice.name, launch: alice.launch, limit: 10 });
  const { mark } = await runner.take("markReceived");
  await using later = await broker.restart();
  const again = await later.connect([held]);
  await again.end(alice, turn, { answeredMarks: [mark] });
  expect(entries(later.core)).toMatchObject([{ state: "handled" }, { state: "queued", failures: 0 }]);
  expect((await again.lease(alice)).entries).toMatchObject([{ body: "more", redelivered: true }]);
});

test("after a restart nothing is leased again before the old turn is adopted or given up", async () => {
  const { broker, alice } = await openTurn();
  await using later = await broker.restart();
  const { core } = later;
  core.clock.advance(adoptWithinMs + adoptMarginMs);
  await core.event("TurnEnded");
  expect(agent(core)).toMatchObject({ launch: null });
  expect(later.lost).toMatchObject([{ agent: alice.name }]);
  expect(entries(core)).toMatchObject([{ state: "queued", failures: 0 }]);
});

test("a runner that holds nothing has lost it: its turn is released at once", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  runner.hived.close();
  await noticed(broker);
  const fresh = await broker.connect([]);
  expect(fresh.adopted).toEqual([]);
  expect(entries(core)).toMatchObject([{ state: "queued", failures: 0 }]);
  expect(broker.over).toEqual([alice.launch]);
});

test("a turn that its runner has not any more is released, though the launch goes on", async () => {
  const { broker, core, alice, runner, held } = await openTurn();
  await using _ = broker;
  runner.hived.close();
  await noticed(broker);
  const again = await broker.connect([{ ...held, turn: null }]);
  expect(again.adopted).toEqual([alice.launch]);
  expect(entries(core)).toMatchObject([{ state: "queued", failures: 0 }]);
  expect(agent(core)).toMatchObject({ state: "idle", launch: alice.launch, turn: null });
  expect((await again.lease(alice)).entries).toMatchObject([{ body: "hello", redelivered: true }]);
});

test("a connection that has not said what it holds may call nothing", async () => {
  const { broker, core, alice, turn } = await openTurn();
  await using _ = broker;
  const socket = await connectLink(join(core.directory, "runner", "runner.sock"));
  const stranger = speak(socket, {}, {}, hivedCalls, (error) => {
    throw error;
  });
  const identity = { boot: broker.boot, agent: alice.name, launch: alice.launch, turn };
  const end = { ...identity, outcome: "ok" as const, evidence: proven, problem: null, answeredMarks: [] };
  const ended = stranger.call("endTurn", { ...end, session: null, retryAt: null });
  await expect(ended).rejects.toEqual(refusal("stale_boot"));
  await expect(stranger.call("lease", { ...identity, limit: 1 })).rejects.toEqual(refusal("stale_boot"));
  await expect(stranger.call("launchEnded", { ...identity, problem: null })).rejects.toEqual(refusal("stale_boot"));
  expect(entries(core)).toMatchObject([{ state: "leased", turn }]);
  stranger.close();
});

test("a runner may not keep a launch that hived does not know", async () => {
  await using broker = await openBroker();
  const alice = await addIdleAgent(broker.core, "alice");
  const unknown = LaunchId.parse(`launch-${"0".repeat(32)}`);
  const runner = await broker.connect([{ launch: unknown, agent: alice.name, turn: null }]);
  expect(runner.adopted).toEqual([]);
});

test("a newer connection replaces the runner, whose calls are refused from then on", async () => {
  const { broker, alice, runner, turn, held } = await openTurn();
  await using _ = broker;
  const newer = await broker.connect([held]);
  await runner.hived.closed;
  await expect(runner.end(alice, turn)).rejects.toThrow("the link is broken");
  await newer.end(alice, turn);
});

test("a process that ended by itself gives its turn back, and its agent is to be brought to life again", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  const report = { boot: runner.boot, agent: alice.name, launch: alice.launch, problem: "It exited with code 3." };
  await runner.hived.call("launchEnded", report);
  await runner.hived.call("launchEnded", report);
  expect(entries(core)).toMatchObject([{ state: "queued", failures: 0 }]);
  expect(agent(core)).toMatchObject({ state: "converging", problem: report.problem, launch: null, turn: null });
  expect((await core.event("TurnEnded")).fact.turn).toMatchObject({ id: turn, outcome: "lost" });
  expect(broker.lost).toEqual([{ agent: "alice", problem: report.problem }]);
  expect(broker.over).toEqual([alice.launch]);
});

test("a runner is told of all mail that waits when it connects", async () => {
  await using broker = await openBroker();
  const alice = await addIdleAgent(broker.core, "alice");
  await send(broker.core, { from: "operator", to: "alice", body: "hello" });
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
});

test("without a runner, calls to it are a fault and mail is merely kept", async () => {
  await using broker = await openBroker();
  await addIdleAgent(broker.core, "alice");
  await send(broker.core, { from: "operator", to: "alice", body: "hello" });
  await expect(broker.link.runner.call("wake", { agents: [] })).rejects.toThrow("no runner is connected");
  expect(entries(broker.core)).toMatchObject([{ state: "queued" }]);
});

test("a socket's directory is made for its owner alone; one that others can enter is refused", async () => {
  await using core = openCore();
  prepareSocket(join(core.directory, "mine", "a.sock"));
  mkdirSync(join(core.directory, "open"), { mode: 0o755 });
  expect(() => prepareSocket(join(core.directory, "open", "a.sock"))).toThrow("only its owner");
  writeFileSync(join(core.directory, "mine", "a.sock"), "left behind");
  prepareSocket(join(core.directory, "mine", "a.sock"));
});
