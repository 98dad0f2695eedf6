import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { table } from "../../src/contract/table.ts";
import { serve } from "../../src/rpc/serve.ts";
import { openFrames, openStreamPool } from "../../src/rpc/stream.ts";

const rows = table({
  count: { callers: ["web"], stream: true, request: z.object({}), response: z.number() },
});

async function* breaking() {
  yield [{ id: 1, data: 1 }];
  throw new TypeError("a bug in the stream");
}

test("a stream that a bug breaks is told once as a bug, and ends for its reader", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  const socket = join(directory, "web.sock");
  const bugs: string[] = [];
  const onBug = (error: unknown, route: string) => bugs.push(`${route}: ${error}`);
  const server = await serve(rows, "web", socket, { count: breaking }, { onBug });
  const pool = openStreamPool(socket);
  const seen: string[] = [];
  const read = async () => {
    for await (const text of await openFrames(pool, "count", {}, { signal: new AbortController().signal }))
      seen.push(text);
  };
  await expect(read()).rejects.toThrow("the stream of count ended");
  expect(seen).toEqual(["id: 1\ndata: 1\n\n"]);
  expect(bugs).toEqual(["/count: TypeError: a bug in the stream"]);
  await pool.destroy();
  await server.close();
  rmSync(directory, { recursive: true });
});
