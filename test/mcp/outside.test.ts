/** Clients outside of a sandbox: a token instead of a socket, acknowledgements instead of a turn. */
import { expect, test } from "vitest";
import { z } from "zod";
import { AgentName, type MessageId, ObjectId } from "../../src/contract/names.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { createMcpToken, listMcpTokens, revokeMcpToken } from "../../src/hived/agents/mcp-tokens.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { mostHeldOutside, outsideLeaseMs } from "../../src/hived/broker/limits.ts";
import { openOutsideReceiver, releaseOutside } from "../../src/hived/broker/outside.ts";
import { send } from "../../src/hived/broker/send.ts";
import { wantDestroyed } from "../../src/hived/lifecycle/wishes.ts";
import { openDocs } from "../../src/hived/mcp/docs.ts";
import { openOutsideMcp } from "../../src/hived/mcp/outside.ts";
import { openTools } from "../../src/hived/mcp/tools.ts";
import { openBroker, type TestBroker } from "../support/open-broker.ts";
import { addIdleAgent, settled, type TestCore } from "../support/open-core.ts";
import { toolPartsOf } from "../support/tool-parts.ts";

const alice = AgentName.parse("alice");
const open = () =>
  openBroker(undefined, (core) => {
    const done = (run: (key: string) => Promise<void>) => ({
      atOnce: 1,
      run: async (key: string) => {
        await run(key);
        return undefined;
      },
    });
    return { "release-outside": done((id) => releaseOutside(core, id)), converge: done(async () => undefined) };
  });

const Answer = z.object({
  result: z.object({ content: z.array(z.object({ text: z.string() })), isError: z.boolean().optional() }),
});

/** A client with a token of alice's, at a hived of the test's. */
function openClient(broker: TestBroker, token: string, docs = openDocs()) {
  const tools = openTools(toolPartsOf(broker, { docs }));
  const outside = openOutsideMcp({ core: broker.core, tools, docs, version: "1.2.3" });
  const ask = (method: string, params: object) => outside.post(token, { jsonrpc: "2.0", id: 1, method, params });
  const tell = (method: string, params: object) => outside.post(token, { jsonrpc: "2.0", method, params });
  const call = async (name: string, args: object = {}) => {
    const { body } = await ask("tools/call", { name, arguments: args });
    const { content, isError } = Answer.parse(body).result;
    return { text: content.map(({ text }) => text).join(""), isError: isError === true };
  };
  const recv = async (args: object = {}) =>
    JSON.parse((await call("recv", args)).text) as { messages: { id: number; body: string }[]; note?: string };
  return { ask, tell, call, recv, close: () => outside.close() };
}

async function openHive() {
  const broker = await open();
  await addIdleAgent(broker.core, "alice", { recipients: ["*"] });
  const { token } = await createMcpToken(broker.core, alice);
  return { broker, core: broker.core, token, client: openClient(broker, token) };
}

const states = ({ db }: TestCore) =>
  db
    .read((reader) => entriesSince(reader, 1 as MessageId))
    .map(({ state, attempt, failures }) => ({ state, attempt, failures }));

test("the token says who calls", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  await addIdleAgent(core, "bob");
  expect((await client.call("send", { to: "bob", body: "hello" })).text).toBe("Sent as message 1.");
  const { fact } = await core.event("MessageSent");
  expect(fact.message).toMatchObject({ from: "alice", to: "bob" });
  const { text } = await client.call("whoami");
  expect(text).toContain("You are alice");
  expect(text).toContain("You call from outside of a sandbox");
  expect(text).not.toContain("$HIVE_STATE_DIR");
});

test("what it has received is handled once it says so, and not before", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "one" });
  await send(core, { from: "operator", to: "alice", body: "two" });
  const { messages } = await client.recv();
  expect(messages.map(({ body }) => body)).toEqual(["one", "two"]);
  expect(states(core).map(({ state }) => state)).toEqual(["leased", "leased"]);
  expect(await client.recv({ handled: [1] })).toEqual({ messages: [], more: 0 });
  expect(states(core).map(({ state }) => state)).toEqual(["handled", "leased"]);
});

test("what it does not acknowledge in time comes again, marked, though hived was killed meanwhile", async () => {
  const { broker, core, token, client } = await openHive();
  await send(core, { from: "operator", to: "alice", body: "one" });
  await client.recv();
  await using later = await broker.restart();
  expect(states(later.core)).toEqual([{ state: "leased", attempt: 1, failures: 0 }]);
  later.core.clock.advance(outsideLeaseMs);
  await later.core.db.write((tx) => later.core.scheduler.retryNow(tx));
  await later.core.event("EntryChanged", ({ fact }) => fact.entry.state === "queued" && fact.entry.attempt === 1);
  const again = openClient(later, token);
  expect((await again.recv()).messages).toMatchObject([{ body: "one", redelivered: expect.any(String) }]);
  expect(await again.recv({ handled: [1] })).toEqual({ messages: [], more: 0 });
  expect(states(later.core)).toEqual([{ state: "handled", attempt: 2, failures: 0 }]);
});

test("an acknowledgement that comes too late changes nothing, and says so", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "one" });
  await client.recv();
  core.clock.advance(outsideLeaseMs);
  await core.db.write((tx) => core.scheduler.retryNow(tx));
  await core.event("EntryChanged", ({ fact }) => fact.entry.state === "queued" && fact.entry.attempt === 1);
  const { messages, note } = await client.recv({ handled: [1, 7] });
  expect(note).toBe("You do not hold 1, 7, or not any more.");
  expect(messages).toMatchObject([{ id: 1 }]);
});

test("a runner that comes, and turns that end, leave what it holds alone", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "one" });
  await client.recv();
  const row = core.db.read((reader) => entriesSince(reader, 1 as MessageId))[0];
  await broker.connect();
  await settled(core);
  expect(core.db.read((reader) => entriesSince(reader, 1 as MessageId))[0]).toEqual(row);
});

test("it waits for a message, which ends the waiting at once", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  const waiting = client.recv({ wait_seconds: 50 });
  await settled(core);
  await send(core, { from: "operator", to: "alice", body: "now" });
  expect((await waiting).messages).toMatchObject([{ body: "now" }]);
});

test("a call that was cancelled receives nothing", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  const waiting = client.ask("tools/call", { name: "recv", arguments: { wait_seconds: 50 } });
  await settled(core);
  await client.tell("notifications/cancelled", { requestId: 1 });
  expect(await waiting).toEqual({ status: 202 });
  await send(core, { from: "operator", to: "alice", body: "now" });
  await settled(core);
  expect(states(core)).toMatchObject([{ state: "queued" }]);
});

test("a call that is cancelled while it leases receives nothing, so nothing stays leased", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  await send(core, { from: "operator", to: "alice", body: "now" });
  const receive = openOutsideReceiver(core, broker.stopping);
  const call = new AbortController();
  const asked = { agent: alice, limit: 20, waitMs: 0, handled: [], cancelled: call.signal };
  const received = receive(asked);
  call.abort(); // between the call and its write
  await expect(received).rejects.toMatchObject({ message: "the call was cancelled" });
  expect(states(core)).toMatchObject([{ state: "queued", attempt: 0 }]);
  expect((await client.recv()).messages).toMatchObject([{ body: "now" }]);
});

test("a message that no turn's answer could hold comes by itself, whole", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  const body = "x".repeat(60_000);
  await send(core, { from: "operator", to: "alice", body });
  await send(core, { from: "operator", to: "alice", body: "short" });
  expect((await client.recv()).messages).toMatchObject([{ body }]);
  expect((await client.recv()).messages).toMatchObject([{ body: "short" }]);
});

test("it holds no more than so many, and is told to acknowledge", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  for (let sent = 0; sent <= mostHeldOutside; sent += 1)
    await send(core, { from: "operator", to: "alice", body: `letter ${sent}` });
  for (let held = 0; held < mostHeldOutside; held += 20) await client.recv({ limit: 20 });
  expect(await client.call("recv")).toMatchObject({ isError: true, text: expect.stringContaining("`handled`") });
  await client.recv({ handled: [1] });
  expect((await client.recv()).messages).toEqual([]);
});

test.each([
  [{}],
  [{ name: "whoami", arguments: null }],
  [{ name: "whoami", arguments: [] }],
  [{ name: "whoami", arguments: "x" }],
])("a call with %j is refused with a sentence", async (params) => {
  const { broker, client } = await openHive();
  await using _ = broker;
  const { body } = await client.ask("tools/call", params);
  expect(body).toMatchObject({
    id: 1,
    error: { code: -32602, message: expect.stringMatching(/^A call needs the `name` of a tool/) },
  });
});

test("what it may still hold is all that it gets", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  for (let sent = 0; sent <= mostHeldOutside; sent += 1)
    await send(core, { from: "operator", to: "alice", body: `letter ${sent}` });
  for (let held = 0; held < mostHeldOutside - 1; held += 1) await client.recv({ limit: 1 });
  expect((await client.recv({ limit: 20 })).messages).toHaveLength(1);
});

test("only its recv takes acknowledgements: a turn's end is that of an agent inside", async () => {
  const { broker, core, client } = await openHive();
  await using _ = broker;
  const { body } = await client.ask("tools/list", {});
  expect(JSON.stringify(body)).toContain('"handled"');
  const tools = openTools(toolPartsOf(broker));
  const { launch } = core.db.read((reader) => reader.get<{ launch: never }>("SELECT launch FROM agents")) ?? {};
  const inside = { agent: alice, launch: launch as never };
  expect(JSON.stringify(tools.list(inside))).not.toContain('"handled"');
  const refused = await tools.call(inside, "recv", { handled: [1] }, new AbortController().signal);
  expect(JSON.stringify(refused)).toContain("it has no argument `handled`");
});

test("a token that was revoked, and those of a destroyed agent, are nobody's", async () => {
  const { broker, core, token, client } = await openHive();
  await using _ = broker;
  const { id, token: second } = await createMcpToken(core, alice);
  await revokeMcpToken(core, id);
  await expect(openClient(broker, second).ask("ping", {})).rejects.toMatchObject({ code: "bad_token" });
  expect(await client.ask("ping", {})).toMatchObject({ status: 200 });
  await core.db.write((tx) => wantDestroyed(tx, core, alice));
  await core.db.write((tx) => changeAgent(tx, core, alice, { wish: "running" })); // another agent of that name
  await expect(openClient(broker, token).ask("ping", {})).rejects.toMatchObject({ code: "bad_token" });
  expect(listMcpTokens(core)).toEqual([]);
});

test("a token is kept as a hash, and when it was last used is known", async () => {
  const { broker, core, token, client } = await openHive();
  await using _ = broker;
  expect(listMcpTokens(core)).toMatchObject([{ agent: alice, lastUsedAt: null }]);
  await client.ask("ping", {});
  await settled(core);
  expect(listMcpTokens(core)).toMatchObject([{ lastUsedAt: core.clock.now() }]);
  const rows = core.db.read((reader) => reader.all("SELECT * FROM mcp_tokens"));
  expect(JSON.stringify(rows)).not.toContain(token.slice(-20));
});

test("the docs are its resources, as it has no directory of them", async () => {
  const { broker, token } = await openHive();
  await using _ = broker;
  const docs = openDocs();
  const content = Buffer.from("Be kind.").toString("base64");
  docs.keep(ObjectId.parse("c".repeat(40)), [{ path: "how we/work.md", content, executable: false }]);
  const client = openClient(broker, token, docs);
  const { body } = await client.ask("resources/list", {});
  const uri = "docs:///how%20we/work.md";
  expect(body).toMatchObject({ result: { resources: [{ uri, name: "how we/work.md" }] } });
  expect((await client.ask("resources/read", { uri })).body).toMatchObject({
    result: { contents: [{ text: "Be kind." }] },
  });
  expect((await client.ask("resources/read", { uri: "docs:///no" })).body).toMatchObject({ error: { code: -32602 } });
});
