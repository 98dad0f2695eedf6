/** The official conformance suite against `/mcp`: the scenarios that are about any server, not about fixtures of the suite's. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOutsideServer } from "./outside-server.ts";

const manifest = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json");
const suite = join(dirname(manifest), "dist/index.js");
const run = promisify(execFile);
let server: Awaited<ReturnType<typeof openOutsideServer>>;

beforeAll(async () => {
  server = await openOutsideServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test.concurrent.each([
  "server-initialize",
  "ping",
  "tools-list",
  "resources-list",
  "logging-set-level",
  "dns-rebinding-protection",
])("the scenario %s passes", async (scenario) => {
  const { stdout } = await run(process.execPath, [suite, "server", "--url", server.url, "--scenario", scenario]);
  expect(stdout).toMatch(/Passed: (\d+)\/\1, 0 failed/);
});
