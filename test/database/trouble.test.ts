/**
 * What a database that can't be written does to those who write: each hears a fault that says why, nothing of it is stored,
 * nothing that was answered is lost, and all goes on by itself when the cause is gone. SQLite itself is made to refuse here;
 * `test/broker/full-disk` does it with a real disk.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { type Database, grouping } from "../../src/hived/database/write.ts";
import { holdLock } from "../support/lock.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";
import { openQueue } from "../support/queue.ts";

const patienceMs = 500;

/** A database with one table, and what is told of its troubles. */
function openTable() {
  const directory = newMemoryDirectory("hive-");
  const sqlite = new Sqlite(join(directory, "hive.db"));
  sqlite.pragma("journal_mode = WAL");
  sqlite.pragma("synchronous = FULL");
  sqlite.exec("CREATE TABLE letters (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  const told = openQueue<string | null>();
  const db = grouping(sqlite, told.put, { patienceMs });
  onTestFinished(async () => {
    await db.close();
    rmSync(directory, { recursive: true });
  });
  return { db, sqlite, told, path: sqlite.name };
}

const add = (db: Database, body: string) =>
  db.write((tx) => tx.run("INSERT INTO letters (body) VALUES (:body)", { body }).id);
const stored = (db: Database) =>
  db.read((reader) => reader.all<{ id: number }>("SELECT id FROM letters ORDER BY id")).map(({ id }) => id);
const large = "x".repeat(100_000);

/** Adds many at once; the ids of those that were answered, and what the others heard. */
async function addAll(db: Database, bodies: string[]) {
  const all = await Promise.allSettled(bodies.map((body) => add(db, body)));
  const heard = all.flatMap((each) => (each.status === "rejected" ? [each.reason as Error] : []));
  return { answered: all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])), heard };
}

const troubles = [
  {
    name: "full",
    begin: (sqlite: Sqlite.Database) =>
      sqlite.pragma(`max_page_count = ${sqlite.pragma("page_count", { simple: true })}`),
    end: (sqlite: Sqlite.Database) => sqlite.pragma("max_page_count = 1000000"),
    says: "The disk of the hive is full, so nothing can be stored.",
  },
  {
    name: "read-only",
    begin: (sqlite: Sqlite.Database) => sqlite.pragma("query_only = 1"),
    end: (sqlite: Sqlite.Database) => sqlite.pragma("query_only = 0"),
    says: "The hive's database can't be written: it is read-only, or its disk is.",
  },
];

test.each(troubles)("while it is $name, whoever writes hears so, and nothing of it is stored", async (trouble) => {
  const { db, sqlite } = openTable();
  const before = await add(db, large);
  trouble.begin(sqlite);
  const { answered, heard } = await addAll(
    db,
    Array.from({ length: 5 }, () => large),
  );
  expect(answered).toEqual([]);
  expect(heard).toEqual(Array.from({ length: 5 }, () => new Fault(trouble.says)));
  expect(heard.every((error) => error instanceof Fault)).toBe(true);
  expect(stored(db)).toEqual([before]);
  expect(db.problem()).toBe(trouble.says);
});

test.each(troubles)(
  "when it is $name no more, all goes on, and that is told once, without anybody's write",
  async (trouble) => {
    const { db, sqlite, told } = openTable();
    trouble.begin(sqlite);
    await addAll(db, [large, large]);
    await addAll(db, [large]);
    expect(await told.next()).toBe(trouble.says);
    trouble.end(sqlite);
    const id = await add(db, large);
    expect(await told.next()).toBe(null);
    expect(db.problem()).toBe(null);
    expect(stored(db)).toEqual([id]);
  },
);

test("what some of a commit could store is answered, or nobody's: as it is in the file", async () => {
  const { db, sqlite } = openTable();
  await add(db, large);
  troubles[0]?.begin(sqlite);
  const { answered, heard } = await addAll(db, ["small", large, "small"]);
  expect(answered.length + heard.length).toBe(3);
  expect(heard.length).toBeGreaterThan(0);
  expect(stored(db).slice(1)).toEqual(answered);
});

test("a commit that fails at its end fails for everybody in it, and wakes nobody", async () => {
  const { db, sqlite } = openTable();
  sqlite.exec(
    "CREATE TABLE once (id INTEGER PRIMARY KEY, letter INTEGER REFERENCES letters (id) DEFERRABLE INITIALLY DEFERRED)",
  );
  sqlite.pragma("foreign_keys = ON");
  let woken = 0;
  const good = db.write((tx) => {
    tx.run("INSERT INTO letters (body) VALUES ('good')");
    tx.afterCommit(() => (woken += 1));
  });
  const bad = db.write((tx) => tx.run("INSERT INTO once (letter) VALUES (99)")); // found out by COMMIT alone
  expect((await Promise.allSettled([good, bad])).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(woken).toBe(0);
  expect(stored(db)).toEqual([]);
  expect(stored(db)).toEqual([]);
  expect(db.problem()).toBe(null); // that is a bug of ours, and no trouble of the disk
  await add(db, "next");
});

test("a refusal is no trouble of the database", async () => {
  const { db } = openTable();
  const refused = db.write(() => {
    throw new Refusal("no", "No.", "Ask somebody else.");
  });
  await expect(refused).rejects.toBeInstanceOf(Refusal);
  expect(db.problem()).toBe(null);
});

test.each(["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])(
  "while another process holds %s, writes wait and everything else goes on; then they are stored in their order",
  async (how) => {
    const { db, path } = openTable();
    const lock = await holdLock(path, how);
    const writes = addAll(db, ["one", "two"]);
    for (let round = 0; round < 100; round += 1) await nextRound(); // the event loop turns meanwhile
    const later = addAll(db, ["three"]);
    expect(stored(db)).toEqual([]);
    await lock.letGo();
    expect([await writes, await later]).toEqual([
      { answered: [1, 2], heard: [] },
      { answered: [3], heard: [] },
    ]);
    expect(db.problem()).toBe(null);
  },
);

test("a lock that another process keeps is a fault, and when it ends all goes on", async () => {
  const { db, path, told } = openTable();
  const lock = await holdLock(path, "BEGIN IMMEDIATE");
  const says = "Another process has locked the hive's database, so nothing can be stored.";
  const { answered, heard } = await addAll(db, ["one", "two"]);
  expect({ answered, heard }).toEqual({ answered: [], heard: [new Fault(says), new Fault(says)] });
  expect(await told.next()).toBe(says);
  await lock.letGo();
  expect(await add(db, "three")).toBe(1);
  expect(await told.next()).toBe(null);
});

test("a database that closes while another process holds the lock says no to whoever waits", async () => {
  const { db, path } = openTable();
  const lock = await holdLock(path, "BEGIN IMMEDIATE");
  const waiting = addAll(db, ["one"]);
  await db.close();
  expect((await waiting).heard).toHaveLength(1);
  await lock.letGo();
});
