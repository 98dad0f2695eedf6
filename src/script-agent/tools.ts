/** The tools of the MCP servers that a session brings. */
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { z } from "zod";

export type Server = { name: string; command: string; args: string[]; env: Record<string, string> };

/** What came of something that was done. */
export type Output = { isSuccess: boolean; text: string };

export type Tools = {
  /** @throws when no server has that tool, or the one that has it does not answer */
  call(name: string, args: object, signal: AbortSignal): Promise<Output>;
  close(): Promise<void>;
};

const Result = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
  isError: z.boolean().default(false),
});

/** Calls wait for as long as the server does: it may be waiting for a restart of what is behind it. */
const callTimeoutMs = 15 * 60_000;

/** Starts the servers and asks what tools they have. @throws when one does not start */
export async function openTools(servers: readonly Server[]): Promise<Tools> {
  const serverOf = new Map<string, Server>(); // by tool
  const clients = new Map<Server, Client>();
  const start = async (server: Server) => {
    const client = await connect(server);
    client.onclose = () => clients.delete(server); // its process has ended: the next call starts it anew
    clients.set(server, client);
    return client;
  };
  for (const server of servers) {
    const client = await start(server);
    for (const { name } of (await client.listTools({}, { timeout: callTimeoutMs })).tools) serverOf.set(name, server);
  }
  return {
    async call(name, args, signal) {
      const server = serverOf.get(name);
      if (!server) throw new Error(`no server has a tool ${name}; there are: ${[...serverOf.keys()].join(", ")}`);
      const client = clients.get(server) ?? (await start(server));
      const request = { name, arguments: { ...args } };
      const result = Result.parse(await client.callTool(request, undefined, { signal, timeout: callTimeoutMs }));
      const texts = result.content.flatMap(({ type, text }) => (type === "text" && text !== undefined ? [text] : []));
      return { isSuccess: !result.isError, text: texts.join("\n") };
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

/** The SDK is loaded only when there is a server: it takes longer than all the rest of a start. */
async function connect({ command, args, env }: Server): Promise<Client> {
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
  const client = new Client({ name: "script-agent", version: "1" });
  // With our whole environment, by which a child of ours is also found when we are killed.
  const own = Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  const transport = new StdioClientTransport({ command, args, env: { ...Object.fromEntries(own), ...env } });
  await client.connect(transport, { timeout: callTimeoutMs });
  return client;
}
