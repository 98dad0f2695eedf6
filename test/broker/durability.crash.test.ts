import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import type { MessageId } from "../../src/contract/names.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { newestMessages } from "../../src/hived/broker/messages.ts";
import { openCore } from "../support/open-core.ts";

const enough = 200;

test("no message that was answered is lost when hived is killed, and each has its entry", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  const program = join(import.meta.dirname, "../support/send-for-ever.ts");
  const child = spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const answered: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(Number(line));
    if (answered.length === enough) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  await using core = openCore(directory);
  const stored = core.db.read((reader) => newestMessages(reader, 100_000)).map(({ id }) => id as number);
  const entries = core.db.read((reader) => entriesSince(reader, 1 as MessageId));
  expect(answered.length).toBeGreaterThanOrEqual(enough);
  expect(stored).toEqual(expect.arrayContaining(answered));
  expect(entries.map(({ message }) => message as number)).toEqual(stored);
});
