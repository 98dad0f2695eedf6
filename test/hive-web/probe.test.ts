import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findOpenings } from "../../src/hive-web/probe.ts";

test("a process outside of a sandbox finds that it could do everything", async () => {
  const top = mkdtempSync("/tmp/hive-probe-");
  mkdirSync(join(top, "admin"));
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const adminSocket = join(top, "admin/admin.sock");
  expect(await findOpenings({ adminSocket, urls: [url] })).toEqual([
    "see the admin socket",
    "read files of this machine",
    "write files",
    "open network connections",
  ]);
  await new Promise((resolve) => server.close(resolve));
  const elsewhere = join(top, "none/admin.sock");
  expect(await findOpenings({ adminSocket: elsewhere, urls: [url] })).toEqual([
    "read files of this machine",
    "write files",
  ]);
  rmSync(top, { recursive: true });
});
