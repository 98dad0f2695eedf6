/** When a write is answered, on a disk whose syncs are slow and on one where they are quick; the test is the disk. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { type Database, grouping } from "../../src/hived/database/write.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";
import { openQueue } from "../support/queue.ts";

/** A database on a disk whose syncs take so long, as far as it measures, and end when the test says so. */
function openOn(syncMs: number) {
  const directory = newMemoryDirectory("hive-");
  const sqlite = new Sqlite(join(directory, "hive.db"));
  sqlite.pragma("journal_mode = WAL");
  sqlite.exec("CREATE TABLE letters (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  const syncs = openQueue<() => void>();
  let begun = 0;
  const sync = () =>
    new Promise<void>((resolve) => {
      begun += 1;
      syncs.put(resolve);
    });
  const db = grouping(sqlite, undefined, { disk: { measureSync: () => syncMs, sync } });
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return { db, sqlite, syncs, begun: () => begun };
}

const add = (db: Database, body: string, options?: { isDurable: boolean }) =>
  db.write((tx) => tx.run("INSERT INTO letters (body) VALUES (:body)", { body }).id, options);

/** Whether a promise is settled once all that is due is done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let round = 0; round < 5; round += 1) await nextRound();
  return settled;
}

test("where syncs are slow, nobody hears before theirs is over, and what comes meanwhile shares the next one", async () => {
  const { db, syncs, begun } = openOn(5);
  const first = add(db, "one");
  const end = await syncs.next();
  const others = Promise.all([add(db, "two"), add(db, "three")]);
  expect(await isSettled(first)).toBe(false);
  end();
  expect(await first).toBe(1);
  const endNext = await syncs.next();
  expect(await isSettled(others)).toBe(false);
  endNext();
  expect(await others).toEqual([2, 3]);
  expect(begun()).toBe(2);
  await db.close();
});

test("where syncs are slow, closing waits for the last one", async () => {
  const { db, syncs } = openOn(5);
  const written = add(db, "one");
  const end = await syncs.next();
  const closed = db.close();
  expect(await isSettled(closed)).toBe(false);
  end();
  await closed;
  expect(await written).toBe(1);
});

test.each([0.1, 5])("what nobody waits for is stored without a sync, on a disk of %s ms", async (syncMs) => {
  const { db, sqlite, begun } = openOn(syncMs);
  expect(await add(db, "one", { isDurable: false })).toBe(1);
  expect(sqlite.pragma("synchronous", { simple: true })).toBe(1);
  expect(begun()).toBe(0);
  await db.close();
});

test("where syncs are quick, each is part of its commit", async () => {
  const { db, sqlite, begun } = openOn(0.1);
  await add(db, "one", { isDurable: false });
  await add(db, "two");
  expect(sqlite.pragma("synchronous", { simple: true })).toBe(2);
  expect(begun()).toBe(0);
  await db.close();
});
