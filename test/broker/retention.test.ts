/** What is old and settled is forgotten in small bites; what still waits for something never is. */
import { expect, test } from "vitest";
import { stateLimits } from "../../src/contract/fold.ts";
import type { EpochMs, MessageId } from "../../src/contract/names.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { forgetEveryMs, forgottenAtOnce, keptMs } from "../../src/hived/broker/limits.ts";
import { forgetMessages } from "../../src/hived/broker/retention.ts";
import { send } from "../../src/hived/broker/send.ts";
import type { Core } from "../../src/hived/core.ts";
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
