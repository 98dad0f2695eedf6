/** What was handled long ago must cost nothing: cycles beside it, a start beside it, its removal beside senders. */
import { join } from "node:path";
import { setImmediate as nextTick } from "node:timers/promises";
import { keptMs } from "../../../src/hived/broker/limits.ts";
import { forgetMessages } from "../../../src/hived/broker/retention.ts";
import { send } from "../../../src/hived/broker/send.ts";
import type { Core } from "../../../src/hived/core.ts";
import { type Figure, interleave, judge } from "../figure.ts";
import { newDiskDirectory } from "./disk.ts";
import { makeHome, startHived } from "./hived.ts";
import { addAgents, body, openBenchCore, openCycles, pairsAmong } from "./in-process.ts";
import { closedLoop } from "./load.ts";

/** So many rows at once are filled in: the others wait no longer than for a large broadcast. */
const filledAtOnce = 50_000;
const keptEvents = 50_000;

const NUMBERS = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)";
const MESSAGES = `INSERT INTO messages (sender, recipient, body, sent_at)
  ${NUMBERS} SELECT 'agent-0', 'agent-' || (n % 64), :body, :at FROM number`;
const ENTRIES = `INSERT INTO inbox (message, recipient, state, attempt, turn, queued_at, leased_at, settled_at, not_before)
  SELECT id, recipient, 'handled', 1, printf('turn-%08x', id) || lower(hex(randomblob(12))), :at, :at, :at, 0 FROM messages WHERE id > :after`;
const TURNS = `INSERT INTO turns (id, agent, launch, started_at, ended_at, outcome, evidence)
  SELECT turn, recipient, 'launch', :at, :at, 'ok', '{"outputs":1,"outputTokens":1}' FROM inbox WHERE message > :after`;
const EVENTS = `INSERT INTO events (at, kind, fact)
  ${NUMBERS} SELECT :at, 'Note', json_object('kind', 'Note', 'text', :body) FROM number`;
const LAST = "SELECT coalesce(max(id), 0) AS id FROM messages";

/** Messages that were handled at a time, each by a turn of its own, and as many events as are kept. */
async function addHistory(core: Core, count: number, at: number): Promise<void> {
  for (let done = 0; done < count; done += filledAtOnce) {
    await core.db.write((tx) => {
      const after = tx.get<{ id: number }>(LAST)?.id ?? 0;
      tx.run(MESSAGES, { count: Math.min(filledAtOnce, count - done), body, at });
      tx.run(ENTRIES, { at, after });
      tx.run(TURNS, { at, after });
    });
  }
  await core.db.write((tx) => tx.run(EVENTS, { count: keptEvents, body, at }));
}

/** Long enough ago for no limit to count it, and not long enough to be removed. */
const yesterday = () => Date.now() - 24 * 60 * 60_000;

export async function* history(options: { rounds: number; ms: number; messages: number }): AsyncIterable<Figure> {
  const { rounds, ms, messages } = options;
  const directory = newDiskDirectory();
  const stopping = new AbortController();
  const open = async (name: string, count: number) => {
    const { path, agents } = await makeHome(join(directory.path, name), 64, (core) =>
      addHistory(core, count, yesterday()),
    );
    const core = openBenchCore(path);
    return { path, core, cycle: openCycles(core, agents, stopping.signal) };
  };
  try {
    const empty = await open("empty", 0);
    const old = await open("old", messages);
    const cycles = ({ cycle }: typeof empty) => closedLoop(64, ms, cycle).then(({ perSecond }) => perSecond);
    await cycles(empty);
    await cycles(old);
    const measured = await interleave(rounds, { empty: () => cycles(empty), old: () => cycles(old) });
    const name = `cycle beside ${messages} handled messages / without`;
    yield judge({ name, unit: "/s", ours: measured.old, floor: measured.empty, goal: { atLeast: 0.95 } });
    await empty.core.db.close();
    await old.core.db.close();
    await restart(empty.path); // both were killed before
    await restart(old.path);
    const starts = await interleave(rounds, { empty: () => restart(empty.path), old: () => restart(old.path) });
    yield judge({
      name: `start after kill -9 with ${messages} handled messages / without`,
      unit: "ms",
      ours: starts.old,
      floor: starts.empty,
      goal: { atMost: 1.2 },
    });
  } finally {
    stopping.abort();
    directory.remove();
  }
}

/** Starts the hived of a home and kills it. @returns how long it took until it served, in milliseconds */
async function restart(home: string): Promise<number> {
  const hived = await startHived(home);
  await hived.kill();
  return hived.readyMs;
}

export async function* retention(options: { ms: number; messages: number }): AsyncIterable<Figure> {
  const { ms, messages } = options;
  const directory = newDiskDirectory();
  const core = openBenchCore(directory.path);
  try {
    const next = pairsAmong(await addAgents(core, 128));
    await addHistory(core, messages, Date.now() - keptMs - 1);
    const sending = () => closedLoop(64, ms, () => send(core, { ...next(), body })).then(({ p99Ms }) => p99Ms);
    await sending();
    const without: number[] = [];
    const beside: number[] = [];
    for (let isAll = false; !isAll || beside.length === 0; ) {
      without.push(await sending());
      const stopping = new AbortController();
      const forgetting = forgetUntil(core, stopping.signal);
      beside.push(await sending());
      stopping.abort();
      isAll = await forgetting;
    }
    const name = `p99 of a send, 64 senders, while ${messages} old messages are removed / before`;
    yield judge({ name, unit: "ms", ours: beside, floor: without, goal: { atMost: 2 } });
  } finally {
    await core.db.close();
    directory.remove();
  }
}

/** As the scheduler does it. @returns whether all that is old is gone */
async function forgetUntil(core: Core, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const { again } = await forgetMessages(core);
    if (again > Date.now() + 1_000) return true;
    await nextTick();
  }
  return false;
}
