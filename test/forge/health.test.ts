import { expect, test } from "vitest";
import { openForgeHealth } from "../../src/hived/forge/health.ts";
import { openCore } from "../support/open-core.ts";

test("a forge that is back is looked over at once, and not again with each call while it fails at one thing", async () => {
  await using core = openCore();
  const health = openForgeHealth(core, { kind: "external", url: "http://forge.invalid" });
  health.noteWork(null);
  const dueIn = () =>
    core.db
      .read((reader) => reader.all<{ due_at: number }>("SELECT due_at FROM work WHERE kind = 'reconcile'"))
      .map(({ due_at }) => due_at - core.clock.now());
  const flap = async () => {
    health.noteSilence("The forge answers 500.");
    health.noteSilence(null);
    await core.db.write(() => undefined);
  };
  await flap();
  expect(dueIn()).toEqual([0]);
  await core.db.write((tx) => tx.run("DELETE FROM work"));
  core.clock.advance(1_000);
  await flap();
  await flap();
  expect(dueIn()).toEqual([29_000]);
  await core.db.write((tx) => tx.run("DELETE FROM work"));
  core.clock.advance(60_000);
  await flap();
  expect(dueIn()).toEqual([0]);
});

test("a forge of ours that has not answered yet is waited for; only after its time it is told why", async () => {
  await using core = openCore();
  const refused = "The forge does not answer as it should: connect ECONNREFUSED.";
  const own = openForgeHealth(core, { kind: "embedded", url: "http://forge.invalid" });
  const told = async (health: typeof own) => {
    health.noteSilence(refused);
    await core.db.write(() => undefined);
    return health.read().problem;
  };
  expect(await told(own)).toBe("Waiting for the forge to start.");
  core.clock.advance(20_000);
  expect(await told(own)).toBe(refused);

  const answered = openForgeHealth(core, { kind: "embedded", url: "http://forge.invalid" });
  answered.noteVersion("15.0.0");
  expect(await told(answered)).toBe(refused);
  expect(await told(openForgeHealth(core, { kind: "external", url: "http://forge.invalid" }))).toBe(refused);
});
