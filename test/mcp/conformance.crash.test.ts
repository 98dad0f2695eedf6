/** The official conformance suite against `/mcp`: the scenarios that are about any server, not about fixtures of the suite's. */
import { execFile } from "node:child_process";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
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

const suite = join(
  dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json")),
  "dist/index.js",
);
const run = promisify(execFile);
const closers: (() => Promise<unknown>)[] = [];
let url = "";

/** hived's tools behind the real hive-web, and before that one who has the token: the suite brings none. */
beforeAll(async () => {
  const broker = await openBroker();
  closers.unshift(() => broker[Symbol.asyncDispose]());
  const { core } = broker;
  await addIdleAgent(core, "alice");
  const { token } = await createMcpToken(core, AgentName.parse("alice"));
  const docs = openDocs();
  const content = Buffer.from("Be kind.").toString("base64");
  docs.keep(ObjectId.parse("c".repeat(40)), [{ path: "how-we-work.md", content, executable: false }]);
  const mcp = openOutsideMcp({ core, tools: openTools(toolPartsOf(broker, { docs })), docs, version: "1.2.3" });
  const webSocket = join(core.directory, "web.sock");
  const handlers = {
    postMcp: async ({ token: given, message }: { token: string; message: unknown }) => {
      const { status, body = null } = await mcp.post(given, message);
      return { status, body };
    },
  } as unknown as Handlers<typeof routes, "web">;
  const onBug = (error: unknown) => {
    throw error;
  };
  const hived = await serve(routes, "web", webSocket, handlers, { onBug });
  closers.unshift(() => hived.close());
  const port = await freePort();
  const log = openLog("hive-web");
  log.level = "silent";
  const site = siteOf("http://hive.localhost:9", `http://127.0.0.1:${port}/hook`);
  const web = openWeb({ site, assets: { find: () => undefined }, webSocket, log });
  await new Promise<void>((resolve) => web.server.listen(0, "127.0.0.1", resolve));
  closers.unshift(() => web.stop());
  const to = (web.server.address() as AddressInfo).port;
  const forwarder = createServer((asked, response) => {
    const headers = { ...asked.headers, authorization: `Bearer ${token}` };
    const passed = request(
      { host: "127.0.0.1", port: to, method: asked.method, path: asked.url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => forwarder.listen(port, "127.0.0.1", resolve));
  closers.unshift(async () => forwarder.close());
  url = `http://127.0.0.1:${port}/mcp`;
});

afterAll(async () => {
  for (const close of closers) await close();
});

test.concurrent.each([
  "server-initialize",
  "ping",
  "tools-list",
  "resources-list",
  "logging-set-level",
  "dns-rebinding-protection",
])("the scenario %s passes", async (scenario) => {
  const { stdout } = await run(process.execPath, [suite, "server", "--url", url, "--scenario", scenario]);
  expect(stdout).toMatch(/Passed: (\d+)\/\1, 0 failed/);
});
