import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const program = new URL("../../src/hive/mcp.ts", import.meta.url).pathname;

test("the program answers all that it was asked on stdin, and ends", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  const server = createServer(async (request, response) => {
    const { id } = JSON.parse(await text(request)) as { id: number };
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: {} }));
  });
  await new Promise<void>((resolve) => server.listen(join(directory, "mcp.sock"), resolve));
  const bridge = spawn(process.execPath, [program, join(directory, "mcp.sock")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  bridge.stdin.end('{"jsonrpc":"2.0","id":1,"method":"ping"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}\n');
  const [output, [code]] = await Promise.all([text(bridge.stdout), once(bridge, "close")]);
  server.close();
  rmSync(directory, { recursive: true });
  expect(code).toBe(0);
  expect(output.trim().split("\n").sort()).toEqual([
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":2,"result":{}}',
  ]);
});
