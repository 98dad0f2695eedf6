import { expect, test } from "vitest";
import type { Sequence } from "../../src/contract/names.ts";
import { countBoot } from "../../src/hived/database/meta.ts";
import { eventsAfter, logEnds, newestNotes } from "../../src/hived/events/event-log.ts";
import { openCore, type TestCore } from "../support/open-core.ts";

const note = (core: TestCore, text: string) =>
  core.db.write((tx) => core.events.append(tx, { kind: "Note", text }, core.clock.now()));

test("the log keeps its newest events, and numbers go on", async () => {
  await using core = openCore(undefined, 3);
  for (const text of ["one", "two", "three", "four", "five"]) await note(core, text);
  expect(core.db.read(logEnds)).toEqual({ oldest: 3, newest: 5 });
  expect(core.db.read((reader) => eventsAfter(reader, 3 as Sequence, 10)).map(({ sequence }) => sequence)).toEqual([
    4, 5,
  ]);
  expect(core.db.read((reader) => newestNotes(reader, 2)).map(({ text }) => text)).toEqual(["four", "five"]);
});

test("watchers are told the facts of a commit, once for all of them", async () => {
  await using core = openCore();
  const told: string[][] = [];
  const stop = new AbortController();
  core.events.watch((facts) => told.push(facts.map((fact) => (fact.kind === "Note" ? fact.text : ""))), stop.signal);
  await Promise.all([note(core, "one"), note(core, "two")]);
  stop.abort();
  await note(core, "three");
  expect(told).toEqual([["one", "two"]]);
});

test("each life of hived has a number of its own", async () => {
  await using core = openCore();
  const first = await countBoot(core.db);
  await core.close();
  await using again = openCore(core.directory);
  expect(await countBoot(again.db)).toBe(first + 1);
});
