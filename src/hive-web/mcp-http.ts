/**
 * `/mcp`: the agents' tools for clients outside of a sandbox, one message a POST. The token is passed on as it comes: whose it
 * is, hived knows alone.
 */
import type { IncomingMessage } from "node:http";
import { Refusal } from "../contract/refusal.ts";
import type { routes } from "../contract/routes.ts";
import type { Client } from "../rpc/client.ts";
import { parseJson, readJsonText } from "./body.ts";
import type { Site } from "./headers.ts";

const limitBytes = 2 * 1024 * 1024;

/** @throws Refusal for a foreign page, without a token, or as hived said it; Fault while hived is away */
export async function takeMcp(
  hived: Pick<Client<typeof routes, "web">, "postMcp">,
  site: Site,
  request: IncomingMessage,
): Promise<{ status: number; body: unknown }> {
  checkOrigin(request, site);
  const token = /^Bearer +([\w-]{1,200})$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined)
    throw new Refusal(
      "bad_token",
      "The tools need a token: `Authorization: Bearer <token>`.",
      "Ask the operator for one: `hive token create --mcp <agent>`.",
    );
  const version = request.headers["mcp-protocol-version"];
  if (version !== undefined && !mcpVersions.includes(String(version))) return { status: 400, body: wrongVersion };
  const message = parseJson(await readJsonText(request, limitBytes));
  return hived.postMcp({ token, message });
}

/** Of the protocol, newest first: those that hived's SDK speaks. A client names the one that was agreed upon, or an old one none. */
const mcpVersions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"];

/** As the transport demands it (MCP 2025-11-25, Streamable HTTP, "Protocol Version Header"), in the form that the SDK has for it. */
const wrongVersion = {
  jsonrpc: "2.0",
  id: null,
  error: {
    code: -32000,
    message: `Bad Request: Unsupported protocol version (supported versions: ${mcpVersions.join(", ")})`,
  },
};

/** Programs send none; a browser's page has to be ours, as any other could ask under a name that leads here. */
function checkOrigin({ headers: { origin } }: IncomingMessage, site: Site): void {
  if (origin === undefined || origin === site.origin || origin === `http://${site.hookHost}`) return;
  throw new Refusal("cross_site", "Pages of other sites may not call the tools.", "Call them from a program.");
}
