import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import type { EpochMs } from "../../src/contract/names.ts";
import { openCore } from "../support/open-core.ts";
import { openQueue } from "../support/queue.ts";

const hour = 3_600_000;

/** A handler whose runs the test takes one by one, and whose outcomes it gives. */
function played(outcomes: (() => { again: EpochMs } | undefined)[] = []) {
  const runs = openQueue<string>();
  const handler = {
    atOnce: 4,
    run: async (key: string) => {
      runs.put(key);
      return outcomes.shift()?.();
    },
  };
  return { handler, runs };
}

const fails = (error: Error) => (): undefined => {
  throw error;
};

test("work that was asked for in a transaction is done after its commit", async () => {
  await using core = openCore();
  const { handler, runs } = played();
  core.work({ dig: handler });
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  expect(await runs.next()).toBe("a");
});

test("work is done when it is due, not before", async () => {
  await using core = openCore();
  const { handler, runs } = played();
  core.work({ dig: handler });
  const due = (core.clock.now() + hour) as EpochMs;
  await core.db.write((tx) => {
    core.scheduler.enqueue(tx, "dig", "later", due);
    core.scheduler.enqueue(tx, "dig", "now");
  });
  expect(await runs.next()).toBe("now");
  core.clock.advance(hour);
  expect(await runs.next()).toBe("later");
});

test("work of one key that is asked for twice waits once", async () => {
  await using core = openCore();
  const { handler, runs } = played();
  await core.db.write((tx) => {
    core.scheduler.enqueue(tx, "dig", "a");
    core.scheduler.enqueue(tx, "dig", "a");
    core.scheduler.enqueue(tx, "dig", "b");
  });
  core.work({ dig: handler });
  expect([await runs.next(), await runs.next()]).toEqual(["a", "b"]);
});

test("work that is asked for while it runs is run once more", async () => {
  await using core = openCore();
  const runs = openQueue<string>();
  let asked: Promise<unknown> | undefined;
  core.work({
    dig: {
      atOnce: 1,
      async run(key) {
        runs.put(key);
        asked ??= core.db.write((tx) => core.scheduler.enqueue(tx, "dig", key));
        await asked;
        return undefined;
      },
    },
  });
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  expect([await runs.next(), await runs.next()]).toEqual(["a", "a"]);
});

test("work that is asked for while it runs, and then fails, is tried again at once: what it failed at may be over", async () => {
  await using core = openCore();
  const runs = openQueue<string>();
  const asked = core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  let failures = 0;
  core.work({
    dig: {
      atOnce: 1,
      async run(key) {
        runs.put(key);
        failures += 1;
        if (failures > 1) return undefined;
        await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", key));
        throw new Fault("the process has ended again");
      },
    },
  });
  await asked;
  expect([await runs.next(), await runs.next()]).toEqual(["a", "a"]);
  await core.event("WorkRecovered");
});

test("a fault outside is tried again for ever, and told until it is over", async () => {
  await using core = openCore();
  const { handler, runs } = played(Array.from({ length: 8 }, () => fails(new Fault("the forge is silent"))));
  core.work({ dig: handler });
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    await runs.next();
    const { fact } = await core.event("WorkTroubled", (event) => event.fact.work.attempts === attempt);
    expect(fact.work).toMatchObject({ state: "pending", lastError: "the forge is silent" });
    core.clock.advance(hour);
  }
  await runs.next();
  await core.event("WorkRecovered");
});

test("a bug is given up after five attempts, however many faults there were before", async () => {
  await using core = openCore();
  const fault = fails(new Fault("the forge is silent"));
  const bug = fails(new TypeError("undefined is not a function"));
  const { handler, runs } = played([fault, fault, fault, bug, bug, bug, bug, bug]);
  core.work({ dig: handler });
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    await runs.next();
    const { fact } = await core.event("WorkTroubled", (event) => event.fact.work.attempts === attempt);
    expect(fact.work.state).toBe(attempt === 8 ? "failed" : "pending");
    core.clock.advance(hour);
  }
});

test("work that was given up is tried anew when it is asked for again", async () => {
  await using core = openCore();
  const { handler, runs } = played(Array.from({ length: 6 }, () => fails(new TypeError("a bug"))));
  core.work({ dig: handler });
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await runs.next();
    await core.event("WorkTroubled", (event) => event.fact.work.attempts === attempt);
    core.clock.advance(hour);
  }
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  await runs.next();
  const { sequence } = await core.event("WorkTroubled", (event) => event.fact.work.state === "failed");
  const { fact } = await core.event("WorkTroubled", (event) => event.sequence > sequence);
  expect(fact.work).toMatchObject({ state: "pending", attempts: 1 });
});

test("work that names a next time is done again then", async () => {
  await using core = openCore();
  const { handler, runs } = played([() => ({ again: (core.clock.now() + hour) as EpochMs })]);
  core.work({ dig: handler });
  await core.db.write((tx) => core.scheduler.enqueue(tx, "dig", "a"));
  await runs.next();
  core.clock.advance(hour);
  expect(await runs.next()).toBe("a");
});

test("work that waits after a failure is done at once when it is told to, and what waits for its time is not", async () => {
  await using core = openCore();
  const { handler, runs } = played([fails(new Fault("the forge is away"))]);
  core.work({ dig: handler });
  await core.db.write((tx) => {
    core.scheduler.enqueue(tx, "dig", "failed");
    core.scheduler.enqueue(tx, "dig", "later", (core.clock.now() + hour) as EpochMs);
  });
  expect(await runs.next()).toBe("failed");
  await core.event("WorkTroubled");
  await core.db.write((tx) => core.scheduler.retryNow(tx));
  expect(await runs.next()).toBe("failed");
  await core.event("WorkRecovered");
  expect(core.db.read((reader) => reader.all("SELECT key FROM work"))).toEqual([{ key: "later" }]);
});

test("a long queue of one kind, whose slots are all taken, holds no other kind up", async () => {
  await using core = openCore();
  const { handler, runs } = played();
  const blocked = Promise.withResolvers<undefined>();
  await core.db.write((tx) => {
    for (let key = 0; key < 150; key += 1) core.scheduler.enqueue(tx, "haul", String(key));
    core.scheduler.enqueue(tx, "dig", "a", (core.clock.now() + 1) as EpochMs);
  });
  core.clock.advance(1);
  core.work({ dig: handler, haul: { atOnce: 2, run: () => blocked.promise } });
  expect(await runs.next()).toBe("a");
  blocked.resolve(undefined);
});
