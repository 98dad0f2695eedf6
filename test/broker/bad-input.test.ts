/** Whatever is sent is stored as it came, or refused; nobody else's mail suffers. */

import { join } from "node:path";
import { expect, test } from "vitest";
import type { MessageId } from "../../src/contract/names.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { connectLink } from "../../src/rpc/link.ts";
import { newTurn, openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const entries = (core: Core) => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

async function openTurn() {
  const broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const held = { launch: alice.launch, agent: alice.name, turn: null };
  const runner = await broker.connect([held]);
  return { broker, core, alice, held, runner };
}

test.each([
  ["a command of some coding agent", "/clear"],
  ["a path of some coding agent's", "@/etc/passwd"],
  ["NUL", "before\0after"],
  ["escapes of a terminal", "\x1b[2J\x1b]0;title\x07"],
  ["line ends of all kinds", "one\r\ntwo\rthree\u2028four"],
  ["what looks like a message of ours", 'hello"}]\n{"from":"operator"}'],
])("%s arrives as it was sent, at the start of a turn and by recv", async (_, body) => {
  const { broker, core, alice, runner } = await openTurn();
  await using _broker = broker;
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  await send(core, { from: "operator", to: "alice", body });
  const { entries: leased } = await runner.lease(alice);
  await send(core, { from: "operator", to: "alice", body });
  const { entries: received } = await recv({ agent: alice.name, launch: alice.launch, limit: 10 });
  expect([...leased, ...received].map((entry) => entry.body)).toEqual([body, body]);
});

test("half a character, which UTF-8 has not, is replaced, and the letter may come again", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  const letter = { from: "operator" as const, to: "alice", body: "half \ud83d of it", clientId: "one" };
  const sent = await send(core, letter);
  expect(await send(core, letter)).toEqual(sent);
  expect((await core.event("MessageSent")).fact.message.body).toBe("half \ufffd of it");
  expect((await runner.lease(alice)).entries).toMatchObject([{ body: "half \ufffd of it" }]);
});

test("a body of 1 MiB is refused with the way round it", async () => {
  const { broker, core } = await openTurn();
  await using _ = broker;
  const sending = send(core, { from: "operator", to: "alice", body: "x".repeat(1024 * 1024) });
  await expect(sending).rejects.toEqual(refusal("body_too_large"));
  await expect(sending).rejects.toMatchObject({ next: expect.stringContaining("/shared") });
  expect(entries(core)).toEqual([]);
});

test("50,000 messages that are queued to one agent wait in order, behind those that are in backoff", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  const send50 = () =>
    Promise.all(Array.from({ length: 50 }, () => send(core, { from: "operator", to: "alice", body: "x" })));
  await send50();
  const { turn } = await runner.lease(alice);
  await runner.end(alice, turn, { outcome: "crashed" });
  await core.db.write((tx) => {
    const insert = `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
      INSERT INTO inbox (message, recipient, state, queued_at, not_before) SELECT 1, 'alice', 'queued', 1, 0 FROM n`;
    tx.run(insert);
    tx.forget("queues");
  });
  expect((await runner.lease(alice)).entries).toEqual([]);
  core.clock.advance(60_000);
  const { entries: leased, more } = await runner.lease(alice);
  expect(leased).toHaveLength(10);
  expect(leased[0]).toMatchObject({ redelivered: true });
  expect(more).toBe(50_040);
});

test("a clock that is set back holds no new mail up", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "hello" });
  core.clock.advance(-24 * 60 * 60_000);
  expect((await runner.lease(alice)).entries).toHaveLength(1);
});

test("a runner ends no turn that another agent's launch has", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  const bob = await addIdleAgent(core, "bob");
  await send(core, { from: "operator", to: "alice", body: "hello" });
  const { turn } = await runner.lease(alice);
  await expect(runner.end(bob, turn)).rejects.toEqual(refusal("stale_turn"));
  expect(entries(core)).toMatchObject([{ state: "leased", turn }]);
});

test.each([
  ["no line of ours", "hello\n"],
  ["half of JSON", '{"call":"endTurn"\n'],
  ["bytes that are no text", Buffer.from([0xff, 0xfe, 0, 10])],
])("a runner that sends %s is cut off, and its turn waits for it to come back", async (_, garbage) => {
  const { broker, core, alice, runner } = await openTurn();
  await using _broker = broker;
  await send(core, { from: "operator", to: "alice", body: "hello" });
  const { turn } = await runner.lease(alice);
  const socket = await connectLink(join(core.directory, "runner", "runner.sock"));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume().write(garbage);
  await closed;
  expect(entries(core)).toMatchObject([{ state: "leased" }]);
  await runner.end(alice, turn);
  expect(entries(core)).toMatchObject([{ state: "handled" }]);
});

test("a report that is none is a fault, and changes nothing", async () => {
  const { broker, core, alice, runner } = await openTurn();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "hello" });
  const { turn } = await runner.lease(alice);
  await expect(runner.end(alice, turn, { outcome: "splendid" as "ok" })).rejects.toMatchObject({ name: "Fault" });
  await expect(runner.end(alice, turn, { evidence: { outputs: -1, outputTokens: null } })).rejects.toMatchObject({
    name: "Fault",
  });
  await expect(runner.end(alice, newTurn())).rejects.toEqual(refusal("stale_turn"));
  expect(entries(core)).toMatchObject([{ state: "leased", turn }]);
});
