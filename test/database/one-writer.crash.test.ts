import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/hived/database/open.ts";

test("one process alone opens the database, others only read it, and the next one may when that was killed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  const program = join(import.meta.dirname, "../support/send-for-ever.ts");
  const writer = spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
  await once(createInterface({ input: writer.stdout }), "line");
  const path = join(directory, "hive.db");
  expect(() => openDatabase(path)).toThrow(`${path} is in use: another hived runs on it.`);
  const reader = new Sqlite(path, { readonly: true });
  expect(reader.prepare("SELECT count(*) FROM messages").pluck().get()).toBeGreaterThan(0);
  reader.close();

  writer.kill("SIGKILL");
  await once(writer, "exit");
  await openDatabase(path).close();
  rmSync(directory, { recursive: true });
});
