/** A real MCP client that posts each message to an agent's socket, as `hive mcp` does. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CallToolResultSchema, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { Pool } from "undici";
import { Fault } from "../../src/contract/fault.ts";

export type McpClient = {
  client: Client;
  /** Calls a tool; answers with its text. */
  call(tool: string, args?: Record<string, unknown>): Promise<{ text: string; isError: boolean }>;
  close(): Promise<void>;
};

export async function connectMcp(socketPath: string): Promise<McpClient> {
  const pool = new Pool("http://hive", { socketPath });
  const transport: Transport = {
    start: () => Promise.resolve(),
    async send(message) {
      const { statusCode, body } = await post(pool, JSON.stringify(message));
      if (statusCode === 200) transport.onmessage?.(JSONRPCMessageSchema.parse(JSON.parse(body)));
      else if (statusCode !== 202) throw new Error(`the socket answered ${statusCode}: ${body}`);
    },
    async close() {
      await pool.destroy();
      transport.onclose?.();
    },
  };
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  return {
    client,
    async call(name, args = {}) {
      const { content, isError } = CallToolResultSchema.parse(await client.callTool({ name, arguments: args }));
      const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
      return { text, isError: isError === true };
    },
    close: () => client.close(),
  };
}

/** Posts a body as it is to an agent's socket, over a connection of its own: an older one dies with hived. */
export async function post(pool: Pool, body: string): Promise<{ statusCode: number; body: string }> {
  const answer = await pool.request({ method: "POST", path: "/mcp", body, reset: true });
  return { statusCode: answer.statusCode, body: await answer.body.text() };
}

/** Calls a tool at an agent's socket, without a session; answers with its text. @throws Fault when there is no answer */
export async function callTool(socketPath: string, name: string, args: Record<string, unknown>): Promise<string> {
  const pool = new Pool("http://hive", { socketPath });
  try {
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } };
    const { statusCode, body } = await post(pool, JSON.stringify(call)).catch((cause: Error) => {
      throw new Fault("the socket does not answer", { cause });
    });
    if (statusCode !== 200) throw new Fault(`the socket answered ${statusCode}`);
    const { content } = CallToolResultSchema.parse((JSON.parse(body) as { result: unknown }).result);
    return content.map((part) => (part.type === "text" ? part.text : "")).join("");
  } finally {
    await pool.destroy();
  }
}
