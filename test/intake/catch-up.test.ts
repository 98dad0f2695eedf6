import { expect, test } from "vitest";
import type { ForgeHealth } from "../../src/contract/facts.ts";
import { openCatchUp } from "../../src/hived/intake/catch-up.ts";
import { openCore, type TestCore } from "../support/open-core.ts";

type Progress = ForgeHealth["catchingUp"];

/** Fetches so many items one after the other, ten in a second. */
async function fetchAll(core: TestCore, count: number): Promise<Progress[]> {
  const told: Progress[] = [];
  const fetched = openCatchUp(core, { noteCatchUp: (progress) => told.push(progress) });
  await core.db.write((tx) => {
    for (let number = 1; number <= count; number += 1) core.scheduler.enqueue(tx, "refresh", `alice/notes#${number}`);
  });
  for (let number = 1; number <= count; number += 1) {
    core.clock.advance(100);
    fetched();
    await core.db.write((tx) => tx.run("DELETE FROM work WHERE key = :key", { key: `alice/notes#${number}` }));
  }
  return told;
}

test("many changed items are counted up once a second, and no more when they are done", async () => {
  await using core = openCore();
  const told = await fetchAll(core, 120);
  expect(told.slice(0, 3)).toEqual([
    { done: 1, of: 120 },
    { done: 11, of: 120 },
    { done: 21, of: 120 },
  ]);
  expect(told.at(-1)).toBeNull();
  expect(told).toHaveLength(13);
});

test("a handful of changed items is not worth a word", async () => {
  await using core = openCore();
  expect(await fetchAll(core, 99)).toEqual([]);
});
