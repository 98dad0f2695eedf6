/** What an agent may write into its own socket, byte by byte: stored as it came, or refused, and hived goes on. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { Pool } from "undici";
import { expect, test } from "vitest";
import { newestMessages } from "../../src/hived/broker/messages.ts";
import { openTools } from "../../src/hived/mcp/tools.ts";
import { openAgentSockets } from "../../src/hived/sockets/agent-socket.ts";
import { callTool as call } from "../support/mcp-client.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";
import { toolPartsOf } from "../support/tool-parts.ts";

async function openSocket() {
  const broker = await openBroker();
  const { core } = broker;
  await addIdleAgent(core, "manager", { role: "manager" });
  const alice = await addIdleAgent(core, "alice");
  const launchesRoot = join(core.directory, "launches");
  const sockets = openAgentSockets({ core, launchesRoot, tools: openTools(toolPartsOf(broker)), version: "1.2.3" });
  await sockets.open(alice.launch, alice.name);
  const path = join(launchesRoot, alice.launch, "mcp.sock");
  return {
    path,
    bodies: () => core.db.read((reader) => newestMessages(reader, 10)).map(({ body }) => body),
    send: (args: Record<string, unknown>) => call(path, "send", { to: "manager", ...args }),
    async [Symbol.asyncDispose]() {
      await sockets.closeAll();
      await broker[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ["NUL", "before\0after"],
  ["escapes of a terminal", "\x1b[2J\x1b]0;title\x07"],
  ["a command of some coding agent", "/clear"],
  ["a path of some coding agent's", "@/etc/passwd"],
  ["an envelope", '{"jsonrpc":"2.0","method":"tools/call"}'],
])("%s is stored as it was sent", async (_, body) => {
  await using alice = await openSocket();
  expect(await alice.send({ body })).toBe("Sent as message 1.");
  expect(alice.bodies()).toEqual([body]);
});

test.each([
  ["no body", {}, /^send was not called: `body` is missing/],
  ["an empty body", { body: "" }, /^The body is empty\./],
  ["a body of 1 MiB", { body: "x".repeat(1024 ** 2) }, /65536 are allowed\. Put it into a file under \/shared/],
  ["a number for a body", { body: 7 }, /^send was not called: `body` is wrong/],
  ["an empty recipient", { to: "", body: "hello" }, /^Nobody here is called ""\. You can write to/],
  ["a recipient that is nearly one", { to: "manger", body: "hello" }, /Did you mean manager\?/],
  ["a recipient with NUL", { to: "manager\0", body: "hello" }, /Did you mean manager\?/],
  ["an answer to a message that is none", { body: "hello", in_reply_to: -1 }, /^send was not called: `in_reply_to`/],
  ["too long an id of its own", { body: "hello", client_id: "x".repeat(101) }, /^send was not called: `client_id`/],
])("%s is refused in a sentence, and nothing is stored", async (_, args, sentence) => {
  await using alice = await openSocket();
  expect(await alice.send(args)).toMatch(sentence);
  expect(alice.bodies()).toEqual([]);
});

test("bytes that are no UTF-8 are replaced, in the middle of a call as anywhere", async () => {
  await using alice = await openSocket();
  const before =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send","arguments":{"to":"manager","body":"half ';
  const body = Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from(' of it"}}}')]);
  const pool = new Pool("http://hive", { socketPath: alice.path });
  const { statusCode } = await pool.request({ method: "POST", path: "/mcp", body });
  await pool.destroy();
  expect(statusCode).toBe(200);
  expect(alice.bodies()).toEqual(["half \ufffd\ufffd( of it"]);
});

test("half a call, given up in the middle, is no call", async () => {
  await using alice = await openSocket();
  const pool = new Pool("http://hive", { socketPath: alice.path });
  const half = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send"';
  const headers = { "content-length": String(half.length + 100) };
  async function* giveUp() {
    yield half;
    throw new Error("gone");
  }
  await expect(pool.request({ method: "POST", path: "/mcp", headers, body: Readable.from(giveUp()) })).rejects.toThrow(
    "gone",
  );
  await pool.destroy();
  expect(await alice.send({ body: "hello" })).toBe("Sent as message 1.");
  expect(alice.bodies()).toEqual(["hello"]);
});
