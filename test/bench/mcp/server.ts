/**
 * A child of the bench: one of several servers of `tools/call` on a unix socket, and what it costs in this process. Told what
 * to tell by messages, each answered by one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { toolList, tools as toolTable } from "../../../src/contract/tools.ts";
import { openTools } from "../../../src/hived/mcp/tools.ts";
import { openAgentSockets } from "../../../src/hived/sockets/agent-socket.ts";
import { openBroker } from "../../support/open-broker.ts";
import { addIdleAgent } from "../../support/open-core.ts";
import { toolPartsOf } from "../../support/tool-parts.ts";
import { generous } from "../broker/in-process.ts";
import { called } from "./called.ts";

const said = (question: number) => ({
  content: [{ type: "text" as const, text: `Question ${question} is cancelled.` }],
});

export type ServerName = "ours" | "ours with 1 tool" | "ours with 40 tools" | "bare" | "per request";
/** What it has cost so far, in µs of CPU, without and with the telling itself, which collects garbage. */
type Cost = { untilNowUs: number; fromNowUs: number; heapBytes: number };
export type Told = { socketPath: string } | Cost;

/** Ours: an agent's socket on a core of hived's, with all tools or as many of one kind. */
async function openOurs(count?: number): Promise<string> {
  const broker = await openBroker();
  const { core } = broker;
  const { launch, name } = await addIdleAgent(core, "alice", { ...generous, role: "manager" });
  const tools = openTools(toolPartsOf(broker));
  const [one] = tools.list({ agent: name, launch });
  const alike = Array.from({ length: count ?? 0 }, (_, index) => ({ ...(one as Tool), name: `tool_${index}` }));
  const launchesRoot = join(core.directory, "launches");
  const list = count === undefined ? tools.list : () => alike;
  const sockets = openAgentSockets({ core, launchesRoot, tools: { ...tools, list }, version: "0" });
  await sockets.open(launch, name);
  return join(launchesRoot, launch, "mcp.sock");
}

const Call = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.number(),
  method: z.literal("tools/call"),
  params: z.object({ name: z.literal(called), arguments: toolTable[called].input }),
});

/** The least that a server of this can do. */
async function bare(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { id, params } = Call.parse(await json(request));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result: said(params.arguments.question) }));
}

/** As the SDK's examples without a session do it. */
async function perRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const server = new McpServer({ name: "hyperhive", version: "0" });
  for (const { name, description, input } of toolList)
    server.registerTool(name, { description, inputSchema: input.shape }, (args: Record<string, unknown>) =>
      said(Number(args["question"])),
    );
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.on("close", () => void server.close());
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  await transport.handleRequest(request, response, await json(request));
}

async function listen(socketPath: string, serve: typeof bare): Promise<string> {
  const server = createServer((request, response) => void serve(request, response));
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return socketPath;
}

const [, , name, ownSocket = ""] = process.argv;
const opened: Record<ServerName, () => Promise<string>> = {
  ours: () => openOurs(),
  "ours with 1 tool": () => openOurs(1),
  "ours with 40 tools": () => openOurs(40),
  bare: () => listen(ownSocket, bare),
  "per request": () => listen(ownSocket, perRequest),
};
const cpuUs = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
process.on("message", () => {
  const untilNowUs = cpuUs();
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed;
  process.send?.({ untilNowUs, fromNowUs: cpuUs(), heapBytes } satisfies Told);
});
process.on("disconnect", () => process.exit());
process.send?.({ socketPath: await opened[name as ServerName]() } satisfies Told);
