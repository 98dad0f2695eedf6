import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTools } from "../../src/script-agent/tools.ts";

/** An MCP server with one tool, which tells its process and what it was given. */
const server = `
  import { McpServer } from "${import.meta.resolve("@modelcontextprotocol/sdk/server/mcp.js")}";
  import { StdioServerTransport } from "${import.meta.resolve("@modelcontextprotocol/sdk/server/stdio.js")}";
  import { z } from "${import.meta.resolve("zod")}";
  const server = new McpServer({ name: "one", version: "1" });
  server.registerTool("tell", { inputSchema: { what: z.string() } }, ({ what }) => ({
    content: [{ type: "text", text: process.pid + " " + process.env.MINE + " " + what }],
    isError: what === "wrong",
  }));
  await server.connect(new StdioServerTransport());`;

test("tools are called, their errors are failures, and a server that was killed is started anew", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  writeFileSync(join(directory, "server.mjs"), server);
  const { signal } = new AbortController();
  const args = [join(directory, "server.mjs")];
  const tools = await openTools([{ name: "one", command: process.execPath, args, env: { MINE: "yes" } }]);
  const first = await tools.call("tell", { what: "it" }, signal);
  expect(first).toEqual({ isSuccess: true, text: expect.stringMatching(/^\d+ yes it$/) });
  expect(await tools.call("tell", { what: "wrong" }, signal)).toMatchObject({ isSuccess: false });
  await expect(tools.call("shout", {}, signal)).rejects.toThrow("no server has a tool shout; there are: tell");
  process.kill(Number.parseInt(first.text, 10), "SIGKILL");
  const again = await untilAnswered(() => tools.call("tell", { what: "again" }, signal));
  expect(again.text).toMatch(/ yes again$/);
  expect(again.text).not.toBe(first.text);
  await tools.close();
  rmSync(directory, { recursive: true });
});

/** A call that comes before the death has been noticed fails, as any in flight would. */
async function untilAnswered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await call().catch(() => undefined);
    if (answer !== undefined) return answer;
  }
}
