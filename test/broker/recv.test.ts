/** What an agent fetches during its turn, and what becomes of that at the turn's end. */
import { expect, test } from "vitest";
import type { MessageId } from "../../src/contract/names.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const tell = (core: Core, body: string) => send(core, { from: "operator", to: "alice", body });
const entries = (core: Core) => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });
const waitMs = 30_000;

/** A hive whose agent alice works on a first message, and calls `recv`. */
async function openTurn() {
  const broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  await tell(core, "first");
  const { turn } = await runner.lease(alice);
  const receive = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  const recv = (wait = 0) => receive({ agent: alice.name, launch: alice.launch, limit: 10, waitMs: wait });
  return { broker, core, alice, runner, turn, recv };
}

test("it answers as soon as a message comes that it was waiting for", async () => {
  const { broker, core, recv } = await openTurn();
  await using _ = broker;
  const received = recv(waitMs);
  await tell(core, "second");
  expect(await received).toMatchObject({ entries: [{ body: "second" }] });
});

test("it waits for nothing when there is mail, or when it was not asked to", async () => {
  const { broker, core, recv } = await openTurn();
  await using _ = broker;
  expect((await recv()).entries).toEqual([]);
  await tell(core, "second");
  expect(await recv(waitMs)).toMatchObject({ entries: [{ body: "second" }] });
});

test("it comes back with nothing when its time is over", async () => {
  const { broker, core, recv } = await openTurn();
  await using _ = broker;
  const received = recv(waitMs);
  core.clock.advance(waitMs);
  expect(await received).toMatchObject({ entries: [], more: 0 });
});

test("it is refused when the turn ends while it waits, and leases nothing", async () => {
  const { broker, core, alice, runner, turn, recv } = await openTurn();
  await using _ = broker;
  const refused = expect(recv(waitMs)).rejects.toEqual(refusal("no_turn"));
  await runner.end(alice, turn);
  await refused;
  await tell(core, "second");
  expect(entries(core)).toMatchObject([{ state: "handled" }, { state: "queued", attempt: 0 }]);
});

test("it leases nothing into a turn that ends just then, nor into the one after it", async () => {
  const { broker, core, alice, runner, turn } = await openTurn();
  await using _ = broker;
  for (const body of ["second", "third"]) await tell(core, body);
  const nextTurn = async () => {
    await runner.end(alice, turn);
    await runner.lease(alice, undefined, 1);
    return {};
  };
  const receive = openReceiver(core, { call: nextTurn as never }, broker.boot, broker.stopping);
  const recv = receive({ agent: alice.name, launch: alice.launch, limit: 10 });
  await expect(recv).rejects.toEqual(refusal("no_turn"));
  expect(entries(core)).toMatchObject([{ state: "handled" }, { state: "leased" }, { state: "queued", attempt: 0 }]);
});

test("it is refused to a process that is not the agent's any more", async () => {
  const { broker, core, alice, recv } = await openTurn();
  await using _ = broker;
  const refused = expect(recv(waitMs)).rejects.toEqual(refusal("stale_launch"));
  await core.db.write((tx) => changeAgent(tx, core, alice.name, { launch: null, state: "converging" }));
  await refused;
});

test("it is a fault, to be tried again, when hived stops while it waits", async () => {
  const { broker, recv } = await openTurn();
  const broken = expect(recv(waitMs)).rejects.toMatchObject({ name: "Fault" });
  await broker[Symbol.asyncDispose]();
  await broken;
});

test("what it handed out to a turn that then failed is queued again, and counted as the turn's own are", async () => {
  const { broker, core, alice, runner, turn, recv } = await openTurn();
  await using _ = broker;
  await tell(core, "second");
  await recv();
  const { mark } = await runner.take("markReceived");
  await runner.end(alice, turn, { outcome: "crashed", answeredMarks: [mark] });
  expect(entries(core)).toMatchObject([
    { state: "queued", failures: 1 },
    { state: "queued", failures: 1 },
  ]);
});

test("what it handed out comes again, marked so, after a turn that answered only what came before", async () => {
  const { broker, core, alice, runner, turn, recv } = await openTurn();
  await using _ = broker;
  await tell(core, "second");
  await recv();
  await runner.end(alice, turn, { answeredMarks: [] });
  expect(entries(core)).toMatchObject([{ state: "handled" }, { state: "queued", failures: 0 }]);
  expect((await runner.lease(alice)).entries).toMatchObject([{ body: "second", redelivered: true }]);
});
