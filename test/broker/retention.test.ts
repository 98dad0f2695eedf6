/** What is old and settled is forgotten in small bites; what still waits for something never is. */
import { expect, test } from "vitest";
import { stateLimits } from "../../src/contract/fold.ts";
import type { EpochMs, LaunchId, MessageId, TurnId } from "../../src/contract/names.ts";
import { emptyLog } from "../../src/contract/turn-log.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { forgetEveryMs, forgottenAtOnce, keptLogs, keptMs } from "../../src/hived/broker/limits.ts";
import { forgetMessages, forgetTurns } from "../../src/hived/broker/retention.ts";
import { send } from "../../src/hived/broker/send.ts";
import { addLog, finishTurn, startTurn } from "../../src/hived/broker/turns.ts";
import type { Core } from "../../src/hived/core.ts";
import { newTurn, proven } from "../support/open-broker.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";

const SETTLE = "UPDATE inbox SET state = :state, settled_at = :now WHERE message = :message";
const settle = (core: Core, message: MessageId, state: string) =>
  core.db.write((tx) => tx.run(SETTLE, { message, state, now: core.clock.now() }));
const tell = async (core: Core, to = "alice") => (await send(core, { from: "operator", to, body: "hello" })).id;
const known = (core: Core) =>
  core.db.read((reader) => ({
    messages: reader.all<{ id: MessageId }>("SELECT id FROM messages ORDER BY id").map(({ id }) => id),
    entries: entriesSince(reader, 1 as MessageId).map(({ message }) => message),
  }));

/** As many newer messages as a page shows: those are kept, however old. */
const bury = (core: Core) => Promise.all(Array.from({ length: stateLimits.messages }, () => tell(core)));

async function openHive() {
  const core = openCore();
  await addIdleAgent(core, "alice");
  await addIdleAgent(core, "bob");
  return core;
}

test.each(["handled", "cancelled", "read"])(
  "what was %s is forgotten after thirty days, and not before",
  async (state) => {
    await using core = await openHive();
    const old = await tell(core);
    await settle(core, old, state);
    await bury(core);
    core.clock.advance(keptMs - 1);
    await forgetMessages(core);
    expect(known(core).messages).toContain(old);
    core.clock.advance(1);
    expect(await forgetMessages(core)).toEqual({ again: core.clock.now() + forgetEveryMs });
    expect(known(core).messages).not.toContain(old);
    expect(known(core).entries).not.toContain(old);
  },
);

test.each(["queued", "leased", "dead"])("what is %s is never forgotten", async (state) => {
  await using core = await openHive();
  const old = await tell(core);
  await settle(core, old, state);
  await bury(core);
  core.clock.advance(100 * keptMs);
  await forgetMessages(core);
  expect(known(core).entries).toContain(old);
});

test("a broadcast's text is kept as long as one of its recipients has not dealt with it", async () => {
  await using core = await openHive();
  const old = await tell(core, "*");
  await core.db.write((tx) =>
    tx.run(`${SETTLE} AND recipient = 'alice'`, { message: old, state: "handled", now: core.clock.now() }),
  );
  await bury(core);
  core.clock.advance(keptMs);
  await forgetMessages(core);
  expect(known(core).messages).toContain(old);
  expect(known(core).entries.filter((id) => id === old)).toHaveLength(1);
});

test("the messages that a page begins with are kept, however old", async () => {
  await using core = await openHive();
  const old = await tell(core);
  await settle(core, old, "handled");
  core.clock.advance(keptMs);
  await forgetMessages(core);
  expect(known(core).messages).toEqual([old]);
});

test("a bite is small, and the next follows at once, as long as there is more", async () => {
  await using core = await openHive();
  const count = forgottenAtOnce + 1;
  const olds = await Promise.all(Array.from({ length: count }, () => tell(core)));
  for (const old of olds) void settle(core, old, "handled");
  await bury(core);
  core.clock.advance(keptMs);
  const before = known(core).messages.length;
  expect(await forgetMessages(core)).toEqual({ again: core.clock.now() as EpochMs });
  expect(known(core).messages).toHaveLength(before - forgottenAtOnce);
  expect(await forgetMessages(core)).toEqual({ again: core.clock.now() + forgetEveryMs });
  expect(known(core).messages).toHaveLength(stateLimits.messages);
});

type Hive = Awaited<ReturnType<typeof openHive>>;

/** A turn of alice's on one message, with a log. */
async function turnOn(core: Hive, message: MessageId): Promise<TurnId> {
  const id = newTurn();
  const alice = { agent: "alice" as never, launch: `launch-${"0".repeat(32)}` as LaunchId };
  await core.db.write((tx) => {
    const now = core.clock.now();
    const turn = startTurn(tx, { id, ...alice, held: [] }, now);
    tx.run("UPDATE inbox SET turn = :id WHERE message = :message", { id, message });
    addLog(tx, id, emptyLog);
    const entry = tx.get<{ id: number }>("SELECT id FROM inbox WHERE message = :message", { message })?.id;
    const held = {
      entry: entry as never,
      message,
      from: "operator" as const,
      isTrigger: true,
      became: "handled" as const,
    };
    const usage = { model: null, inputTokens: null, costUsd: null };
    finishTurn(
      tx,
      turn,
      { outcome: "ok", evidence: proven, problem: null, messages: [held], session: null, usage },
      now,
    );
  });
  return id;
}
const kept = (core: Core) =>
  core.db.read((reader) => ({
    turns: reader.all<{ id: TurnId }>("SELECT id FROM turns").map(({ id }) => id),
    logs: reader.all<{ turn: TurnId }>("SELECT turn FROM turn_logs").map(({ turn }) => turn),
  }));

test("the record of a turn and its log are forgotten thirty days after its end, once no delivery names it any more", async () => {
  await using core = await openHive();
  const handled = await tell(core);
  const old = await turnOn(core, handled);
  await settle(core, handled, "handled");
  const dead = await tell(core);
  const named = await turnOn(core, dead);
  await settle(core, dead, "dead");
  await bury(core);
  core.clock.advance(keptMs);
  const newest = await turnOn(core, await tell(core));
  await forgetTurns(core, 1);
  expect(kept(core).turns, "its message is still known").toContain(old);
  await forgetMessages(core);
  expect(await forgetTurns(core, 1)).toEqual({ again: core.clock.now() + forgetEveryMs });
  expect(kept(core).turns.toSorted()).toEqual([named, newest].toSorted());
  expect(kept(core).logs.toSorted()).toEqual([named, newest].toSorted());
});

test("the turns that a page begins with are kept, however old", async () => {
  await using core = await openHive();
  const message = await tell(core);
  const turn = await turnOn(core, message);
  await core.db.write((tx) => tx.run("DELETE FROM inbox"));
  core.clock.advance(10 * keptMs);
  await forgetTurns(core);
  expect(kept(core).turns).toEqual([turn]);
});

test("of logs the newest are kept, however young the others are", async () => {
  await using core = await openHive();
  const first = newTurn();
  await core.db.write((tx) => {
    addLog(tx, first, emptyLog);
    tx.run("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'turn_logs'", { seq: keptLogs - 1 });
    addLog(tx, newTurn(), emptyLog);
  });
  expect(kept(core).logs).toContain(first);
  await core.db.write((tx) => addLog(tx, newTurn(), emptyLog));
  expect(kept(core).logs).not.toContain(first);
});

test("the file does not grow for ever: what is forgotten makes room for what comes", async () => {
  await using core = await openHive();
  const pages = () =>
    core.db.read((reader) => reader.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0);
  const body = "x".repeat(20_000);
  const live = async () => {
    for (let number = 0; number < forgottenAtOnce; number += 1)
      await send(core, { from: "operator", to: "alice", body }).then(({ id }) => settle(core, id, "handled"));
    core.clock.advance(keptMs);
    await forgetMessages(core, 1);
  };
  await core.db.write((tx) => tx.run("DELETE FROM events"));
  await live();
  const once = pages();
  for (let round = 0; round < 3; round += 1) {
    await core.db.write((tx) => tx.run("DELETE FROM events")); // bounded by their number, which this test does not reach
    await live();
  }
  expect(pages()).toBeLessThan(once * 1.1);
});
