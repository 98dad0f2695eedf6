import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Bridge, openBridge } from "../../src/hive/bridge/bridge.ts";
import { openQueue, type Queue } from "../support/queue.ts";

type Received = { message: Record<string, unknown>; response: ServerResponse; drop(): void };

let directory: string;
let bridge: Bridge;
let answers: Queue<unknown>;
const servers: Server[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hive-"));
  answers = openQueue();
  bridge = openBridge(join(directory, "mcp.sock"), answers.put);
});

afterEach(async () => {
  for (const server of servers.splice(0)) await close(server);
  rmSync(directory, { recursive: true, force: true });
});

test("a message is posted to the socket, and its answer printed", async () => {
  const hived = await listen();
  say({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  const { message, response } = await hived.next();
  expect(message).toEqual({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools: [] } }));
  expect(await answers.next()).toEqual({ jsonrpc: "2.0", id: 1, result: { tools: [] } });
});

test("a call waits for hived to be there", async () => {
  say(call("recv", {}));
  const hived = await listen();
  const { response } = await hived.next();
  response.end(JSON.stringify({ jsonrpc: "2.0", id: 7, result: { content: [] } }));
  expect(await answers.next()).toMatchObject({ id: 7, result: { content: [] } });
});

test("a send whose answer is lost is sent again, as the same one", async () => {
  const hived = await listen();
  say(call("send", { to: "bob", body: "hello" }));
  const first = await hived.next();
  first.drop();
  const second = await hived.next();
  expect(second.message).toEqual(first.message);
  expect(first.message).toMatchObject({
    params: { arguments: { to: "bob", body: "hello", client_id: expect.stringMatching(/^bridge-/) } },
  });
});

test("a proposal whose answer is lost is made again: the same one once more changes nothing", async () => {
  const hived = await listen();
  say(call("propose_decision", { slug: "tabs", text: "Tabs.", reason: "x" }));
  const first = await hived.next();
  first.drop();
  expect((await hived.next()).message).toEqual(first.message);
});

test("an id that the agent gave itself is kept", async () => {
  const hived = await listen();
  say(call("ask", { to: "operator", question: "?", client_id: "mine" }));
  const { message } = await hived.next();
  expect(message).toMatchObject({ params: { arguments: { client_id: "mine" } } });
});

test("a call that can't be repeated is answered by what may have happened", async () => {
  const hived = await listen();
  say(call("recv", {}));
  (await hived.next()).drop();
  const said = await answers.next();
  expect(said).toMatchObject({ id: 7, result: { isError: true } });
  expect(JSON.stringify(said)).toContain("it may have been carried out");
});

test("a call lives through a restart of hived", async () => {
  const hived = await listen();
  say(call("whoami", {}));
  (await hived.next()).drop();
  await close(hived.server);
  const anew = await listen();
  const { response } = await anew.next();
  response.end(JSON.stringify({ jsonrpc: "2.0", id: 7, result: { content: [] } }));
  expect(await answers.next()).toMatchObject({ id: 7 });
});

test("a notification arrives before what follows it", async () => {
  const hived = await listen();
  say({ jsonrpc: "2.0", method: "notifications/initialized" });
  say({ jsonrpc: "2.0", id: 2, method: "tools/list" });
  const first = await hived.next();
  expect(first.message["method"]).toBe("notifications/initialized");
  first.response.writeHead(202).end();
  expect((await hived.next()).message["method"]).toBe("tools/list");
});

test("a line that is no message is answered as JSON-RPC says", async () => {
  bridge.take("what?");
  expect(await answers.next()).toMatchObject({ id: null, error: { code: -32700 } });
});

test("a call that is nested too deeply to be passed on is refused, and the next one is carried out", async () => {
  const depth = 100_000;
  const [before, after] = JSON.stringify(call("send", { to: "bob", body: 1 })).split('"body":1') as [string, string];
  bridge.take(`${before}"body":${"[".repeat(depth)}${"]".repeat(depth)}${after}`);
  expect(await answers.next()).toMatchObject({ id: 7, result: { isError: true } });
  const hived = await listen();
  say(call("recv", {}));
  expect((await hived.next()).message).toMatchObject({ params: { name: "recv" } });
});

const call = (name: string, args: object) => ({
  jsonrpc: "2.0",
  id: 7,
  method: "tools/call",
  params: { name, arguments: args },
});

function say(message: unknown): void {
  bridge.take(JSON.stringify(message));
}

/** hived's side: each message is taken by the test. */
async function listen() {
  const received = openQueue<Received>();
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const message = JSON.parse(await text(request)) as Record<string, unknown>;
    received.put({ message, response, drop: () => request.socket.destroy() });
  };
  const server = createServer((request, response) => void take(request, response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(join(directory, "mcp.sock"), resolve));
  return { server, next: received.next };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
