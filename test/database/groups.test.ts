/** What the closures of one commit see of each other, and what is left of them when one throws. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { Refusal } from "../../src/contract/refusal.ts";
import { type Addition, type Database, grouping, type Transaction } from "../../src/hived/database/write.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";

const letters: Addition = { table: "letters", columns: ["id", "body"] };

function openLetters() {
  const directory = newMemoryDirectory("hive-");
  const sqlite = new Sqlite(join(directory, "hive.db"));
  sqlite.exec("CREATE TABLE letters (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)");
  sqlite.exec("CREATE TABLE others (id INTEGER PRIMARY KEY)");
  const db = grouping(sqlite);
  onTestFinished(async () => {
    await db.close();
    rmSync(directory, { recursive: true });
  });
  return db;
}

function add(tx: Transaction, body: string | null): number {
  const id = tx.nextId("letters");
  tx.add(letters, [id, body]);
  return id;
}
const bodies = (db: Pick<Transaction, "all">) =>
  db.all<{ body: string }>("SELECT body FROM letters ORDER BY id").map(({ body }) => body);
const stored = (db: Database) => db.read(bodies);
const no = new Refusal("no", "No.", "Ask somebody else.");

test("a row that was added is there for whatever names its table, in its own closure and in the next one", async () => {
  const db = openLetters();
  const [own, next] = await Promise.all([
    db.write((tx) => {
      add(tx, "one");
      return bodies(tx);
    }),
    db.write((tx) => {
      tx.run("INSERT INTO others (id) VALUES (1)");
      add(tx, "two");
      return bodies(tx);
    }),
  ]);
  expect([own, next]).toEqual([["one"], ["one", "two"]]);
});

test("many rows of one commit are stored in their order, each under its id", async () => {
  const db = openLetters();
  const wanted = Array.from({ length: 200 }, (_, place) => `letter ${place + 1}`);
  const ids = await Promise.all(wanted.map((body) => db.write((tx) => add(tx, body))));
  expect(ids).toEqual(wanted.map((_, place) => place + 1));
  expect(stored(db)).toEqual(wanted);
});

test("what throws after it has written is undone, and nothing else of its commit", async () => {
  const db = openLetters();
  let woken: string[] = [];
  const write = (body: string, error?: Error) =>
    db.write((tx) => {
      add(tx, body);
      tx.afterCommit(() => woken.push(body));
      if (error) throw error;
    });
  const all = await Promise.allSettled([write("one"), write("two", no), write("three")]);
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(all[1]).toMatchObject({ reason: no });
  expect(stored(db)).toEqual(["one", "three"]);
  expect(woken).toEqual(["one", "three"]);
  woken = [];
  await write("four");
  expect(stored(db)).toEqual(["one", "three", "four"]);
});

test("a row that the table does not take is the error of whoever added it, whenever that comes out", async () => {
  const db = openLetters();
  const all = await Promise.allSettled([
    db.write((tx) => add(tx, "one")),
    db.write((tx) => add(tx, null)),
    db.write((tx) => bodies(tx)),
    db.write((tx) => add(tx, "two")),
  ]);
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(stored(db)).toEqual(["one", "two"]);
});

test("an id that was told is never given again, whatever was deleted or undone since", async () => {
  const db = openLetters();
  const told = [await db.write((tx) => add(tx, "one"))];
  await db.write((tx) => tx.run("DELETE FROM letters"));
  const undone = db.write((tx) => {
    add(tx, "two");
    throw no;
  });
  await expect(undone).rejects.toBe(no);
  told.push(await db.write((tx) => add(tx, "three")), await db.write((tx) => add(tx, "four")));
  expect(new Set(told).size).toBe(3);
  expect(Math.max(...told)).toBe(told[2]);
});

test("what is remembered is loaded once, until something is undone", async () => {
  const db = openLetters();
  let loads = 0;
  const count = (reader: Pick<Transaction, "remember" | "all">) =>
    reader.remember("letters", () => {
      loads += 1;
      return new Set(bodies(reader));
    });
  const write = (body: string, error?: Error) =>
    db.write((tx) => {
      count(tx).add(body);
      add(tx, body);
      if (error) throw error;
    });
  await write("one");
  await write("two");
  expect(loads).toBe(1);
  await expect(write("three", no)).rejects.toBe(no);
  expect([...db.read(count)]).toEqual(["one", "two"]);
});
