import { expect, test } from "vitest";
import type { TurnEnd } from "../../src/contract/link.ts";
import { type AgentName, type EpochMs, LaunchId, type MessageId } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { maxFailures, rateLimitRestMs, recvCharacters, retryDelayMs } from "../../src/hived/broker/limits.ts";
import { send, sendIn } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { newTurn, openBroker, proven } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const tell = async (core: Core, body: string, to = "alice") => (await send(core, { from: "operator", to, body })).id;
const entries = (core: Core) => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
const agent = (core: Core, name = "alice") => core.db.read((reader) => requireAgent(reader, name));
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

async function openTurn(bodies = ["hello"]) {
  const broker = await openBroker();
  const alice = await addIdleAgent(broker.core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  for (const body of bodies) await tell(broker.core, body);
  const { turn, entries: leased } = await runner.lease(alice);
  runner.calls.length = 0; // the wakes of what it has leased
  return { broker, core: broker.core, alice, runner, turn, leased };
}

test("a turn gets the oldest entries, in order, and its agent works", async () => {
  const { broker, core, turn, leased } = await openTurn(["one", "two"]);
  await using _ = broker;
  expect(leased.map(({ body, from, redelivered }) => [body, from, redelivered])).toEqual([
    ["one", "operator", false],
    ["two", "operator", false],
  ]);
  expect(agent(core)).toMatchObject({ state: "working", turn });
  expect(entries(core)).toMatchObject([
    { state: "leased", attempt: 1, turn },
    { state: "leased", attempt: 1, turn },
  ]);
  expect((await core.event("TurnStarted")).fact.turn).toMatchObject({ id: turn, agent: "alice", endedAt: null });
});

test("a turn that ended well, with evidence, has handled its entries", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  await runner.end(alice, turn, { session: "talk" });
  expect(entries(core)).toMatchObject([{ state: "handled", turn, settledAt: core.clock.now() }]);
  expect(agent(core)).toMatchObject({ state: "idle", turn: null, session: "talk" });
  expect((await core.event("TurnEnded")).fact.turn).toMatchObject({ outcome: "ok", evidence: proven });
});

test.each([
  ["no output at all", { outputs: 0, outputTokens: null }],
  ["text, but no tokens where they are reported", { outputs: 2, outputTokens: 0 }],
])("a turn that ended well with %s has handled nothing", async (_, evidence) => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _broker = broker;
  await runner.end(alice, turn, { evidence });
  expect(entries(core)).toMatchObject([
    { state: "queued", failures: 1, turn: null, notBefore: core.clock.now() + retryDelayMs(1) },
  ]);
  expect(agent(core)).toMatchObject({ state: "idle", turn: null });
});

test.each(["crashed", "stalled", "timed_out", "overloaded", "network", "context_full"] as const)(
  "a turn that %s counts as a failure, and is tried again after a while",
  async (outcome) => {
    const { broker, core, alice, runner, turn } = await openTurn();
    await using _ = broker;
    await runner.end(alice, turn, { outcome });
    expect(entries(core)).toMatchObject([{ state: "queued", failures: 1 }]);
    expect((await runner.lease(alice)).entries).toEqual([]);
    core.clock.advance(retryDelayMs(1));
    expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
    expect((await runner.lease(alice)).entries).toMatchObject([{ body: "hello", redelivered: true }]);
  },
);

test.each(["needs_login", "billing", "model_unavailable", "budget", "refused"] as const)(
  "an agent that %s is parked, its messages are kept uncounted, and the operator is asked",
  async (outcome) => {
    const { broker, core, alice, runner, turn } = await openTurn();
    await using _ = broker;
    await runner.end(alice, turn, { outcome, problem: "It says no." });
    expect(entries(core)).toMatchObject([{ state: "queued", failures: 0 }, { recipient: "operator" }]);
    expect(agent(core)).toMatchObject({ state: "parked", problem: "It says no.", retry_at: null });
    expect((await runner.lease(alice)).entries).toEqual([]);
  },
);

test("a rate limited agent rests until the time that it was told, and is then woken", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  const retryAt = (core.clock.now() + 90_000) as EpochMs;
  await runner.end(alice, turn, { outcome: "rate_limited", retryAt });
  expect(agent(core)).toMatchObject({ state: "parked", retry_at: retryAt });
  core.clock.advance(89_999);
  expect((await runner.lease(alice)).entries).toEqual([]);
  core.clock.advance(1);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  expect(agent(core)).toMatchObject({ state: "idle", problem: null, retry_at: null });
  expect((await runner.lease(alice)).entries).toHaveLength(1);
});

test.each([null, -1])("one that was told no time, or one that has passed (%s), rests for a minute", async (past) => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  const retryAt = past === null ? null : ((core.clock.now() + past) as EpochMs);
  await runner.end(alice, turn, { outcome: "rate_limited", retryAt });
  expect(agent(core)).toMatchObject({ state: "parked", retry_at: core.clock.now() + rateLimitRestMs });
  expect(entries(core)).toMatchObject([{ state: "queued", failures: 0 }]);
});

test("what the operator cancelled is not delivered again", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  await runner.end(alice, turn, { outcome: "cancelled" });
  expect(entries(core)).toMatchObject([{ state: "cancelled" }]);
});

test("an entry in backoff holds back the newer ones of its inbox, and no other's", async () => {
  const { broker, core, alice, runner, turn } = await openTurn(["first"]);
  await using _ = broker;
  const bob = await addIdleAgent(core, "bob");
  await runner.end(alice, turn, { outcome: "crashed" });
  await tell(core, "second");
  await tell(core, "to bob", "bob");
  expect((await runner.lease(alice)).entries).toEqual([]);
  expect((await runner.lease(bob)).entries).toHaveLength(1);
  core.clock.advance(retryDelayMs(1));
  expect((await runner.lease(alice)).entries.map(({ body }) => body)).toEqual(["first", "second"]);
});

test("a backoff that is over stays over, though the clock is set back", async () => {
  const { broker, core, alice, runner, turn } = await openTurn(["first"]);
  await using _ = broker;
  await runner.end(alice, turn, { outcome: "crashed" });
  core.clock.advance(retryDelayMs(1));
  await runner.take("wake");
  core.clock.advance(-3_600_000);
  expect((await runner.lease(alice)).entries).toHaveLength(1);
});

test("too many failed turns make a dead letter, and its sender is told", async () => {
  await using broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const boss = await addIdleAgent(core, "boss", { role: "manager" });
  const runner = await broker.connect([
    { launch: alice.launch, agent: alice.name, turn: null },
    { launch: boss.launch, agent: boss.name, turn: null },
  ]);
  const { id } = await send(core, { from: boss.name, to: "alice", body: "poison" });
  for (let failure = 1; failure <= maxFailures; failure += 1) {
    const { turn } = await runner.lease(alice);
    await runner.end(alice, turn, { outcome: "crashed", problem: "It fell over." });
    core.clock.advance(retryDelayMs(failure));
  }
  expect(entries(core)).toMatchObject([
    { message: id, state: "dead", failures: maxFailures, problem: "It fell over." },
    { recipient: "boss", state: "queued" },
  ]);
  expect((await runner.lease(boss)).entries).toMatchObject([{ from: "system", inReplyTo: id }]);
});

test("a lease that is asked for again is the same lease", async () => {
  const { broker, core, alice, runner, turn, leased } = await openTurn();
  await using _ = broker;
  await tell(core, "later");
  expect(await runner.lease(alice, turn)).toEqual({ turn, entries: leased, more: 1 });
});

test("an agent has one turn at a time", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  await tell(core, "later");
  await expect(runner.lease(alice)).rejects.toEqual(refusal("stale_turn"));
});

test("a turn's id is used once", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  await runner.end(alice, turn);
  await tell(core, "later");
  await expect(runner.lease(alice, turn)).rejects.toEqual(refusal("stale_turn"));
  expect(entries(core)).toMatchObject([{ state: "handled" }, { state: "queued", attempt: 0 }]);
});

test("the first report of a turn stands", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  await runner.end(alice, turn);
  await runner.end(alice, turn, { outcome: "crashed", session: "an older one" });
  expect(entries(core)).toMatchObject([{ state: "handled" }]);
  expect(agent(core)).toMatchObject({ session: "session" });
});

test.each([
  ["boot", { boot: 99 }, "stale_boot"],
  ["launch", { launch: `launch-${"0".repeat(32)}` }, "stale_turn"],
  ["turn", { turn: newTurn() }, "stale_turn"],
  ["agent", { agent: "bob" as AgentName }, "stale_turn"],
])("a report with a stale %s is refused", async (_, change, code) => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _broker = broker;
  await expect(runner.end(alice, turn, change as Partial<TurnEnd>)).rejects.toEqual(refusal(code));
  expect(entries(core)).toMatchObject([{ state: "leased" }]);
});

test("a lease for an earlier launch of the agent is refused", async () => {
  const { broker, alice, runner } = await openTurn();
  await using _ = broker;
  const earlier = { ...alice, launch: LaunchId.parse(`launch-${"0".repeat(32)}`) };
  await expect(runner.lease(earlier)).rejects.toEqual(refusal("stale_launch"));
});

test("recv gives a running turn more, which is handled only if the model produced something after it", async () => {
  const { broker, core, alice, runner, turn } = await openTurn(["first"]);
  await using _ = broker;
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  const me = { agent: alice.name, launch: alice.launch, limit: 10 };
  await tell(core, "second");
  expect((await recv(me)).entries.map(({ body }) => body)).toEqual(["second"]);
  const { mark } = await runner.take("markReceived");
  await tell(core, "third");
  expect((await recv(me)).entries.map(({ body }) => body)).toEqual(["third"]);
  await runner.end(alice, turn, { answeredMarks: [mark] });
  expect(entries(core).map(({ state, failures }) => [state, failures])).toEqual([
    ["handled", 0],
    ["handled", 0],
    ["queued", 0],
  ]);
});

test("recv is refused once the runner says that the turn is closing, and leases nothing", async () => {
  const { broker, core, alice, runner } = await openTurn(["first"]);
  await using _ = broker;
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  await tell(core, "second");
  runner.before.markReceived = () => {
    throw new Refusal("turn_closing", "The turn is over.", "End.");
  };
  await expect(recv({ agent: alice.name, launch: alice.launch, limit: 10 })).rejects.toEqual(refusal("turn_closing"));
  expect(entries(core)).toMatchObject([{ state: "leased" }, { state: "queued", attempt: 0 }]);
});

test("recv without a running turn is refused", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  await runner.end(alice, turn);
  await tell(core, "second");
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  await expect(recv({ agent: alice.name, launch: alice.launch, limit: 10 })).rejects.toEqual(refusal("no_turn"));
});

test("recv hands out what fits into one answer, in order, and leaves what never would to the next turn", async () => {
  const half = "x".repeat(recvCharacters / 2);
  const { broker, core, alice } = await openTurn(["first"]);
  await using _ = broker;
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  const me = { agent: alice.name, launch: alice.launch, limit: 10 };
  await tell(core, half);
  await tell(core, half);
  await tell(core, "x".repeat(recvCharacters + 1));
  expect(await recv(me)).toMatchObject({ entries: [{}], more: 2 });
  expect(await recv(me)).toMatchObject({ entries: [{}], more: 1 });
  expect(await recv(me)).toMatchObject({ entries: [], oversized: true });
});

test("mail wakes an idle agent once for a commit, and not one that works already", async () => {
  await using broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  await core.db.write((tx) => {
    for (const body of ["one", "two"]) sendIn(tx, core, { from: "operator", to: "alice", body });
  });
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  const { turn } = await runner.lease(alice);
  await tell(core, "three");
  await runner.end(alice, turn);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  expect(runner.calls).toEqual([]);
});

test("mail for an agent that is not up waits, and wakes it when it is", async () => {
  await using broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  await core.db.write((tx) => changeAgent(tx, core, "alice" as AgentName, { state: "converging" }));
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  await tell(core, "hello");
  expect((await runner.lease(alice)).entries).toEqual([]);
  await core.db.write((tx) => changeAgent(tx, core, "alice" as AgentName, { state: "idle" }));
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
});
