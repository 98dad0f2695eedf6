/** `/mcp` as a client outside finds it: hived's tools behind the real hive-web, and before that one who has the token. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { AgentName, ObjectId } from "../../src/contract/names.ts";

import { routes } from "../../src/contract/routes.ts";
import { openLog } from "../../src/daemon/log.ts";
import { siteOf } from "../../src/hive-web/headers.ts";
import { openWeb } from "../../src/hive-web/serve.ts";
import { createMcpToken } from "../../src/hived/agents/mcp-tokens.ts";
import { openDocs } from "../../src/hived/mcp/docs.ts";
import { openOutsideMcp } from "../../src/hived/mcp/outside.ts";
import { openTools } from "../../src/hived/mcp/tools.ts";
import { type Handlers, serve } from "../../src/rpc/serve.ts";
import { freePort } from "../support/free-port.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";
import { toolPartsOf } from "../support/tool-parts.ts";

/** `url` is where no token is needed, for programs that bring none. */
export async function openOutsideServer() {
  const broker = await openBroker();
  const { core } = broker;
  await addIdleAgent(core, "alice");
  await addIdleAgent(core, "boss", { role: "manager" });
  const { token } = await createMcpToken(core, AgentName.parse("alice"));
  const docs = openDocs();
  const content = Buffer.from("Be kind.").toString("base64");
  docs.keep(ObjectId.parse("c".repeat(40)), [{ path: "how-we-work.md", content, executable: false }]);
  const mcp = openOutsideMcp({ core, tools: openTools(toolPartsOf(broker, { docs })), docs, version: "1.2.3" });
  const webSocket = join(core.directory, "web.sock");
  const hived = await serve(routes, "web", webSocket, handlersOf(mcp), {
    onBug: (error) => {
      throw error;
    },
  });
  const port = await freePort();
  const log = openLog("hive-web");
  log.level = "silent";
  const site = siteOf("http://hive.localhost:9", `http://127.0.0.1:${port}/hook`);
  const web = openWeb({ site, assets: { find: () => undefined }, webSocket, log });
  await new Promise<void>((resolve) => web.server.listen(0, "127.0.0.1", resolve));
  const forwarder = forward((web.server.address() as AddressInfo).port, `Bearer ${token}`);
  await new Promise<void>((resolve) => forwarder.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    core,
    async [Symbol.asyncDispose]() {
      forwarder.close();
      await web.stop();
      await hived.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const handlersOf = (mcp: ReturnType<typeof openOutsideMcp>) =>
  ({
    postMcp: async ({ token, message }: { token: string; message: unknown }) => {
      const { status, body = null } = await mcp.post(token, message);
      return { status, body };
    },
  }) as unknown as Handlers<typeof routes, "web">;

/** Passes requests on as they are, but for the token that it adds. */
const forward = (port: number, authorization: string) =>
  createServer((asked, response) => {
    const headers = { ...asked.headers, authorization };
    const passed = request({ host: "127.0.0.1", port, method: asked.method, path: asked.url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    asked.pipe(passed);
  });
