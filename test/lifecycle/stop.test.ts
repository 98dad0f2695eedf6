import { join } from "node:path";
import { expect, test } from "vitest";
import { AgentName, type MessageId } from "../../src/contract/names.ts";
import { type AgentRow, changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { openTokens } from "../../src/hived/agents/tokens.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Runner } from "../../src/hived/core.ts";
import { openForge } from "../../src/hived/forge/client.ts";
import { converge } from "../../src/hived/lifecycle/converge.ts";
import { enqueueConverge } from "../../src/hived/lifecycle/wishes.ts";
import { openBroker, type PlayedRunner, type TestBroker } from "../support/open-broker.ts";
import { addIdleAgent, type TestCore } from "../support/open-core.ts";

/** One slot for all agents; the forge is not needed, and not there. */
function convergeWork(core: TestCore, runner: Runner) {
  const tokens = openTokens(join(core.directory, "tokens"));
  const url = "http://127.0.0.1:9";
  const forge = openForge({ url, tokens, adminTokenFile: "", signal: new AbortController().signal });
  const closed = async () => undefined;
  const parts = {
    core,
    runner,
    forge,
    forgeUrl: url,
    tokens,
    sockets: { open: closed, close: closed },
    provisionAgent: closed,
    retireAgent: closed,
    waitingApprovals: () => [],
    agentsChangedBy: async () => [],
    failApproval: closed,
    tellDestroyed: closed,
  };
  const run = (name: string) => converge(parts, AgentName.parse(name));
  return { converge: { atOnce: 1, run } };
}

const wantStopped = ({ core }: TestBroker, { name }: AgentRow) =>
  core.db.write((tx) => {
    changeAgent(tx, core, name, { wish: "stopped" });
    enqueueConverge(tx, core, name);
  });
const becomes = (core: TestCore, { name }: AgentRow, state: string) =>
  core.event("AgentChanged", ({ fact }) => fact.agent.name === name && fact.agent.state === state);

/** An agent in a turn, with a runner that ends its launch only after that. */
async function openBusy() {
  const broker = await openBroker(undefined, convergeWork);
  const alice = await addIdleAgent(broker.core, "alice");
  const bob = await addIdleAgent(broker.core, "bob");
  const runner = await broker.connect([heldOf(alice), heldOf(bob)]);
  await send(broker.core, { from: "operator", to: "alice", body: "a long task" });
  const { turn } = await runner.lease(alice);
  runner.endsAtOnce = false;
  return { broker, alice, bob, runner, turn, held: [{ ...heldOf(alice), turn }, heldOf(bob)] };
}

const heldOf = ({ name, launch }: Awaited<ReturnType<typeof addIdleAgent>>) => ({ agent: name, launch, turn: null });
const endLaunch = ({ hived, boot }: PlayedRunner, { name, launch }: Awaited<ReturnType<typeof addIdleAgent>>) =>
  hived.call("launchEnded", { boot, agent: name, launch, problem: null });

test("an agent that is to stop, but has a long turn to end, keeps no other from stopping", async () => {
  const { broker, alice, bob, runner, turn } = await openBusy();
  await using _ = broker;
  const { core } = broker;
  await wantStopped(broker, alice);
  expect(await runner.take("stopLaunch")).toEqual({ launch: alice.launch, now: false });
  await core.event("AgentChanged", ({ fact }) => fact.agent.problem === "It stops after its running turn.");
  runner.endsAtOnce = true;
  await wantStopped(broker, bob);
  await becomes(core, bob, "stopped");
  await runner.end(alice, turn);
  await endLaunch(runner, alice);
  await becomes(core, alice, "stopped");
  expect(core.db.read((reader) => requireAgent(reader, "alice"))).toMatchObject({ launch: null, problem: null });
});

test("a launch that has ended together with its turn gives the turn's messages back", async () => {
  const { broker, alice, runner } = await openBusy();
  await using _ = broker;
  runner.endsAtOnce = true;
  await wantStopped(broker, alice);
  await becomes(broker.core, alice, "stopped");
  const entries = broker.core.db.read((reader) => entriesSince(reader, 1 as MessageId));
  expect(entries).toMatchObject([{ state: "queued", failures: 0, turn: null }]);
});

test("hived is killed while an agent is to stop after its turn: the next one goes on with it", async () => {
  const { broker, alice, runner, held } = await openBusy();
  await wantStopped(broker, alice);
  await runner.take("stopLaunch");
  await using later = await broker.restart();
  const again = await later.connect(held);
  again.endsAtOnce = false;
  await later.core.db.write((tx) => enqueueConverge(tx, later.core, alice.name)); // as at each start
  expect(await again.take("stopLaunch")).toEqual({ launch: alice.launch, now: false });
  await endLaunch(again, alice);
  await becomes(later.core, alice, "stopped");
});
