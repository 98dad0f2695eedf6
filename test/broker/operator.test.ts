/** What the operator does with messages, and what becomes of them. */
import { expect, test } from "vitest";
import { AgentName, EntryId, type MessageId } from "../../src/contract/names.ts";
import { changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { countWaiting, entriesSince, newestWaiting } from "../../src/hived/broker/inbox.ts";
import { maxFailures, retryDelayMs } from "../../src/hived/broker/limits.ts";
import { cancelEntry, cancelQueued, markRead, retryEntry, unparkAgent } from "../../src/hived/broker/operator.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const entries = (core: Core) => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });
const first = EntryId.parse(1);
const tell = (core: Core, body: string, to = "alice") => send(core, { from: "operator", to, body });

async function openHive() {
  const broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  return { broker, core, alice, runner };
}

/** A hive whose message 1 is a dead letter of alice's. */
async function openDead() {
  const hive = await openHive();
  const { core, alice, runner } = hive;
  await tell(core, "poison");
  for (let failure = 1; failure <= maxFailures; failure += 1) {
    const { turn } = await runner.lease(alice);
    await runner.end(alice, turn, { outcome: "crashed", problem: "It fell over." });
    core.clock.advance(retryDelayMs(failure));
  }
  expect(entries(core)[0]).toMatchObject({ state: "dead" });
  runner.calls.length = 0;
  return hive;
}

test("a dead letter that is tried again is queued afresh, wakes its agent, and is marked redelivered", async () => {
  const { broker, core, alice, runner } = await openDead();
  await using _ = broker;
  expect(await retryEntry(core, first)).toMatchObject({ state: "queued", failures: 0, settledAt: null, problem: null });
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  const { turn, entries: leased } = await runner.lease(alice);
  expect(leased).toMatchObject([{ body: "poison", redelivered: true }]);
  await runner.end(alice, turn);
  expect(entries(core)[0]).toMatchObject({ state: "handled", attempt: maxFailures + 1 });
});

test("trying again what waits or runs already changes nothing", async () => {
  const { broker, core, alice, runner } = await openHive();
  await using _ = broker;
  await tell(core, "hello");
  expect(await retryEntry(core, first)).toMatchObject({ state: "queued", attempt: 0 });
  await runner.lease(alice);
  expect(await retryEntry(core, first)).toMatchObject({ state: "leased", attempt: 1 });
});

test("what was handled is neither tried again nor cancelled", async () => {
  const { broker, core, alice, runner } = await openHive();
  await using _ = broker;
  await tell(core, "hello");
  const { turn } = await runner.lease(alice);
  await runner.end(alice, turn);
  await expect(retryEntry(core, first)).rejects.toEqual(refusal("entry_settled"));
  await expect(cancelEntry(core, first)).rejects.toEqual(refusal("entry_settled"));
});

test("a dead letter of a destroyed agent stays dead", async () => {
  const { broker, core, alice } = await openDead();
  await using _ = broker;
  await core.db.write((tx) => changeAgent(tx, core, alice.name, { wish: "destroyed" }));
  await expect(retryEntry(core, first)).rejects.toEqual(refusal("recipient_destroyed"));
});

test("a cancelled entry is not delivered, and can be queued again", async () => {
  const { broker, core, alice, runner } = await openHive();
  await using _ = broker;
  await tell(core, "hello");
  expect(await cancelEntry(core, first)).toMatchObject({ state: "cancelled", settledAt: core.clock.now() });
  expect(await cancelEntry(core, first)).toMatchObject({ state: "cancelled" });
  expect((await runner.lease(alice)).entries).toEqual([]);
  await retryEntry(core, first);
  expect((await runner.lease(alice)).entries).toMatchObject([{ body: "hello", redelivered: false }]);
});

test("an entry that a turn has is not cancelled under it", async () => {
  const { broker, core, alice, runner } = await openHive();
  await using _ = broker;
  await tell(core, "hello");
  await runner.lease(alice);
  await expect(cancelEntry(core, first)).rejects.toEqual(refusal("entry_in_turn"));
});

test("cancelling what is in backoff lets the newer ones go on at once", async () => {
  const { broker, core, alice, runner } = await openHive();
  await using _ = broker;
  await tell(core, "poison");
  const { turn } = await runner.lease(alice);
  await runner.end(alice, turn, { outcome: "crashed" });
  await tell(core, "held back");
  runner.calls.length = 0;
  await cancelEntry(core, first);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  expect((await runner.lease(alice)).entries).toMatchObject([{ body: "held back" }]);
});

test("all that is queued for an agent is cancelled, however much, and nothing of others", async () => {
  const { broker, core, alice } = await openHive();
  await using _ = broker;
  await addIdleAgent(core, "bob");
  await Promise.all(Array.from({ length: 1200 }, () => tell(core, "spam")));
  await tell(core, "hello", "bob");
  const cancelling = cancelQueued(core, alice.name);
  const later = await tell(core, "not spam");
  expect(await cancelling).toBe(1200);
  const states = Map.groupBy(entries(core), ({ recipient, state }) => `${recipient} ${state}`);
  expect([...states].map(([state, all]) => [state, all.length])).toEqual([
    ["alice cancelled", 1200],
    ["bob queued", 1],
    ["alice queued", 1],
  ]);
  expect(entries(core).at(-1)).toMatchObject({ message: later.id, state: "queued" });
  expect((await core.event("Note")).fact.text).toBe("The operator cancelled 1200 messages that waited for alice.");
  await cancelEntry(core, EntryId.parse(entries(core).at(-1)?.id));
  expect(await cancelQueued(core, alice.name)).toBe(0);
});

test("the operator's mail is read once it was marked, and is neither tried again nor cancelled", async () => {
  const { broker, core, alice } = await openHive();
  await using _ = broker;
  await send(core, { from: alice.name, to: "operator", body: "done" });
  await tell(core, "hello");
  await expect(retryEntry(core, first)).rejects.toEqual(refusal("entry_of_operator"));
  await expect(cancelEntry(core, first)).rejects.toEqual(refusal("entry_of_operator"));
  await markRead(core, [first, EntryId.parse(2)]);
  await markRead(core, [first]);
  expect(entries(core)).toMatchObject([
    { recipient: "operator", state: "read", settledAt: core.clock.now() },
    { recipient: "alice", state: "queued" },
  ]);
});

test("an entry that nobody has is refused", async () => {
  const { broker, core } = await openHive();
  await using _ = broker;
  await expect(retryEntry(core, EntryId.parse(7))).rejects.toEqual(refusal("unknown_entry"));
  await expect(markRead(core, [EntryId.parse(7)])).rejects.toEqual(refusal("unknown_entry"));
});

test("a parked agent that the operator has helped goes on with what waits", async () => {
  const { broker, core, alice, runner } = await openHive();
  await using _ = broker;
  await tell(core, "hello");
  const { turn } = await runner.lease(alice);
  await runner.end(alice, turn, { outcome: "needs_login", problem: "It has no account." });
  runner.calls.length = 0;
  await unparkAgent(core, AgentName.parse("alice"));
  expect(core.db.read((reader) => requireAgent(reader, "alice"))).toMatchObject({ state: "idle", problem: null });
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
});

test("what waits is listed newest first by state, with the beginning of its text", async () => {
  const { broker, core } = await openDead();
  await using _ = broker;
  await tell(core, "x".repeat(1000));
  const list = { recipient: null, limit: 10 };
  expect(core.db.read((reader) => newestWaiting(reader, "dead", list))).toMatchObject([
    { from: "operator", beginning: "poison", entry: { id: first, problem: "It fell over." } },
  ]);
  const [queued] = core.db.read((reader) =>
    newestWaiting(reader, "queued", { ...list, recipient: "alice" as AgentName }),
  );
  expect(queued?.beginning).toBe("x".repeat(200));
  expect(core.db.read(countWaiting)).toEqual({ queued: 2, leased: 0, dead: 1 });
});
