/** The official inspector, in one exact version from npm, on `/mcp`: it lists and calls tools as any client would. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { installPackage } from "../support/install-package.ts";
import { openOutsideServer } from "./outside-server.ts";

const pinned = { package: "@modelcontextprotocol/inspector", version: "2.12.0", program: ".bin/mcp-inspector" };

test("the inspector's command line lists and calls the tools", async () => {
  const program = await installPackage("inspector", pinned);
  if (program === null) return expect.fail("it could not be installed");
  await using server = await openOutsideServer();
  const inspect = async (...args: string[]) => {
    const argv = [program, "--cli", server.url, "--transport", "http", ...args];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: server.core.directory });
    return stdout;
  };
  const { tools } = JSON.parse(await inspect("--method", "tools/list")) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toContain("send");
  const call = ["--method", "tools/call", "--tool-name", "send", "--tool-arg", "to=boss", "body=hi"];
  expect(await inspect(...call)).toContain("Sent as message 1.");
  const { fact } = await server.core.event("MessageSent");
  expect(fact.message).toMatchObject({ from: "alice", to: "boss", body: "hi" });
});
