import { expect, test } from "vitest";
import { maxBodyBytes } from "../../src/contract/message.ts";
import { AgentName, type MessageId } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { newestMessages } from "../../src/hived/broker/messages.ts";
import { notify, send } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";

const alice = AgentName.parse("alice");
const bob = AgentName.parse("bob");
const manager = AgentName.parse("manager");

async function openHive() {
  const core = openCore();
  await addIdleAgent(core, "manager", { role: "manager" });
  await addIdleAgent(core, "alice");
  await addIdleAgent(core, "bob", { recipients: [alice] });
  return core;
}

const messages = (core: Core) => core.db.read((reader) => newestMessages(reader, 100));
const entries = (core: Core) => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

test("what was answered is in the database file, with one queued entry", async () => {
  await using core = await openHive();
  const { id } = await send(core, { from: bob, to: "alice", body: "hello" });
  await core.close();
  await using again = openCore(core.directory);
  expect(messages(again)).toMatchObject([{ id, from: "bob", to: "alice", body: "hello", inReplyTo: null }]);
  expect(entries(again)).toMatchObject([{ message: id, recipient: "alice", state: "queued", attempt: 0 }]);
});

test("a message that comes again with the same client_id is sent once", async () => {
  await using core = await openHive();
  const letter = { from: bob, to: "alice", body: "hello", clientId: "one" };
  const sent = await Promise.all([send(core, letter), send(core, letter)]);
  expect(sent[1]).toEqual(sent[0]);
  expect(messages(core)).toHaveLength(1);
});

test.each([
  ["body", { body: "bye" }],
  ["recipient", { to: "operator" }],
  ["message that it answers", { inReplyTo: undefined }],
])("another %s with a used client_id is refused rather than swallowed", async (_, change) => {
  await using core = await openHive();
  const { id } = await send(core, { from: "operator", to: "bob", body: "hi" });
  const letter = { from: bob, to: "alice", body: "hello", clientId: "one", inReplyTo: id };
  await send(core, letter);
  await expect(send(core, { ...letter, ...change })).rejects.toEqual(refusal("client_id_taken"));
});

test("everybody goes to each agent but the sender, and not to the operator", async () => {
  await using core = await openHive();
  const { note } = await send(core, { from: manager, to: "*", body: "hello" });
  expect(note).toBe("It goes to 2 agents.");
  expect(entries(core).map(({ recipient }) => recipient)).toEqual(["alice", "bob"]);
});

test("the manager is reached by that address whatever it is called", async () => {
  await using core = openCore();
  await addIdleAgent(core, "boss", { role: "manager" });
  await addIdleAgent(core, "alice");
  await send(core, { from: alice, to: "manager", body: "hello" });
  expect(entries(core)).toMatchObject([{ recipient: "boss" }]);
});

test("an agent writes to manager and operator, and to whom its agent.yaml names", async () => {
  await using core = await openHive();
  await send(core, { from: alice, to: "manager", body: "hello" });
  await send(core, { from: alice, to: "operator", body: "hello" });
  await send(core, { from: bob, to: "alice", body: "hello" });
  await expect(send(core, { from: alice, to: "bob", body: "hello" })).rejects.toEqual(refusal("recipient_not_allowed"));
  await expect(send(core, { from: bob, to: "*", body: "hello" })).rejects.toEqual(refusal("recipient_not_allowed"));
});

test("whoever wrote may be answered, but only by whom it wrote to", async () => {
  await using core = await openHive();
  await addIdleAgent(core, "carol");
  const { id } = await send(core, { from: bob, to: "alice", body: "hello" });
  await send(core, { from: alice, to: "bob", body: "hello yourself", inReplyTo: id });
  const carol = AgentName.parse("carol");
  await expect(send(core, { from: carol, to: "bob", body: "me too", inReplyTo: id })).rejects.toEqual(
    refusal("unknown_message"),
  );
});

test("an unknown recipient is refused with the names that there are", async () => {
  await using core = await openHive();
  const asked = send(core, { from: manager, to: "alise", body: "hello" });
  await expect(asked).rejects.toThrow('Nobody here is called "alise". Did you mean alice?');
  const refused = await asked.catch((error: unknown) => error);
  expect((refused as Refusal).next).toContain("alice, bob");
});

test.each([
  ["blob", "bob"],
  ["Alcie", "alice"],
  ["oprator", "operator"],
])("%s is taken for a slip of %s", async (wrong, meant) => {
  await using core = await openHive();
  await expect(send(core, { from: manager, to: wrong, body: "hello" })).rejects.toThrow(`Did you mean ${meant}?`);
});

test("a name that is like no other gets no guess", async () => {
  await using core = await openHive();
  const asked = send(core, { from: manager, to: "everybody", body: "hello" });
  await expect(asked).rejects.toThrow(/^Nobody here is called "everybody"\.$/);
});

test("a body that is too large is refused with the way round it, and nothing is stored", async () => {
  await using core = await openHive();
  const body = "é".repeat(maxBodyBytes / 2 + 1);
  const refused = await send(core, { from: bob, to: "alice", body }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Refusal);
  expect((refused as Refusal).next).toContain("/shared");
  expect(messages(core)).toEqual([]);
});

test.each([
  ["an empty body", { to: "alice", body: " \n" }, "empty_body"],
  ["a message to oneself", { to: "bob", body: "hello" }, "recipient_is_sender"],
  ["an answer to no message", { to: "alice", body: "hello", inReplyTo: 99 as MessageId }, "unknown_message"],
])("%s is refused", async (_, letter, code) => {
  await using core = await openHive();
  await expect(send(core, { from: bob, ...letter })).rejects.toEqual(refusal(code));
});

test("a stopped recipient is no refusal, but the sender is told", async () => {
  await using core = await openHive();
  await core.db.write((tx) => changeAgent(tx, core, alice, { wish: "stopped", state: "stopped", launch: null }));
  const { note } = await send(core, { from: bob, to: "alice", body: "hello" });
  expect(note).toBe("alice is stopped: queued, will be delivered when it starts.");
  expect(entries(core)).toMatchObject([{ recipient: "alice", state: "queued" }]);
});

test("one refused message spoils nobody's in the same commit", async () => {
  await using core = await openHive();
  const both = await Promise.allSettled([
    send(core, { from: bob, to: "nobody", body: "hello" }),
    send(core, { from: bob, to: "alice", body: "hello" }),
  ]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  expect(messages(core)).toHaveLength(1);
});

test("a notice of the hive to an agent that is gone is not sent, and undoes nothing", async () => {
  await using core = openCore();
  await addIdleAgent(core, "alice");
  await core.db.write((tx) => {
    changeAgent(tx, core, alice, { wish: "destroyed" });
    notify(tx, core, { to: "alice", body: "it was closed" });
    notify(tx, core, { to: "nobody", body: "it was closed" });
    core.scheduler.enqueue(tx, "wake", "alice");
  });
  expect(core.db.read((reader) => reader.all("SELECT * FROM messages"))).toEqual([]);
  expect(core.db.read((reader) => reader.all("SELECT * FROM work"))).toHaveLength(1);
});

test("a notice that quotes too much is cut, not refused", async () => {
  await using core = openCore();
  await addIdleAgent(core, "alice");
  await core.db.write((tx) => notify(tx, core, { to: "alice", body: "x".repeat(1_000_000) }));
  const { fact } = await core.event("MessageSent");
  expect(fact.message.body).toMatch(/^x{7999}…$/);
});
