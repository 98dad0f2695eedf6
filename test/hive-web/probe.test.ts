import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findOpenings } from "../../src/hive-web/probe.ts";

test("a process outside of a sandbox finds that it could do everything", async () => {
  const top = mkdtempSync("/tmp/hive-probe-");
  for (const name of ["admin", "hived", "forge"]) mkdirSync(join(top, name));
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const adminSocket = join(top, "admin/admin.sock");
  const directories = { "hived's database": join(top, "hived"), "the forge's data": join(top, "forge") };
  expect(await findOpenings({ adminSocket, urls: [url], directories })).toEqual([
    "see the admin socket",
    "read hived's database",
    "read the forge's data",
    "read files of this machine",
    "write files",
    "open network connections",
  ]);
  await new Promise((resolve) => server.close(resolve));
  const elsewhere = join(top, "none/admin.sock");
  const gone = { "hived's database": join(top, "none") };
  expect(await findOpenings({ adminSocket: elsewhere, urls: [url], directories: gone })).toEqual([
    "read files of this machine",
    "write files",
  ]);
  rmSync(top, { recursive: true });
});
