/** What is known of a turn afterwards, and while it runs. */
import { expect, test } from "vitest";
import type { AgentName, TurnId } from "../../src/contract/names.ts";
import { isOwnTurn } from "../../src/contract/turn.ts";
import { addToLog, emptyLog, type LiveEvent, logCharacters } from "../../src/contract/turn-log.ts";
import { requireAgent } from "../../src/hived/agents/agents.ts";
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { maxFailures, retryDelayMs } from "../../src/hived/broker/limits.ts";
import { cancelEntry, retryEntry } from "../../src/hived/broker/operator.ts";
import { send } from "../../src/hived/broker/send.ts";
import { readTurn, readTurns } from "../../src/hived/broker/turn-record.ts";
import { watchTurn } from "../../src/hived/sockets/watch-turn.ts";
import { newTurn, openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });
const text = (said: string): LiveEvent => ({ kind: "text", text: said });
const batch = (number: number, ...events: LiveEvent[]) => ({ number, at: 5 as never, events });

async function openHive() {
  const broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  const record = (turn: string) => core.db.read((reader) => readTurn(reader, alice.name, turn));
  const agent = () => core.db.read((reader) => requireAgent(reader, alice.name));
  const tell = (body: string) => send(core, { from: "operator", to: "alice", body });
  return { broker, core, alice, runner, record, agent, tell };
}

test("what an agent calls its tools' calls takes no more room than a name", () => {
  const long = "x".repeat(1_000_000);
  const log = addToLog(emptyLog, batch(1, { kind: "tool", id: long, title: "ls", status: long }));
  expect(JSON.stringify(log).length).toBeLessThan(1_000);
});

test("a record says what began the turn, what it used, what it did and what became of each message", async () => {
  const { broker, core, alice, runner, record, tell } = await openHive();
  await using _ = broker;
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  const first = await tell("Index it.");
  const { turn } = await runner.lease(alice);
  const second = await tell("And this.");
  await recv({ agent: alice.name, launch: alice.launch, limit: 10 });
  expect(record(turn)).toMatchObject({
    turn: { trigger: { message: first.id, from: "operator" }, messages: 1, endedAt: null },
    messages: [
      { message: first.id, isTrigger: true, became: "leased", now: { beginning: "Index it." } },
      { message: second.id, isTrigger: false, became: "leased" },
    ],
    log: null,
  });
  core.clock.advance(7_000);
  const usage = { model: "opus", inputTokens: 900, costUsd: 0.25, context: { tokens: 14_000, window: 200_000 } };
  const log = addToLog(emptyLog, batch(1, text("I index it.")));
  await runner.end(alice, turn, { session: "talk", usage, log, answeredMarks: [] });
  const ended = record(turn);
  expect(ended).toMatchObject({
    turn: { outcome: "ok", usage, session: "talk", messages: 2, evidence: { outputTokens: 20 } },
    messages: [
      { became: "handled", now: { delivery: { state: "handled", turn } } },
      { became: "queued", now: { delivery: { state: "queued", turn: null } } },
    ],
    log,
  });
  expect((ended.turn.endedAt ?? 0) - ended.turn.startedAt).toBe(7_000);
  expect((await core.event("TurnEnded")).fact.turn).toEqual(ended.turn);
});

test("a turn whose runner was lost has a record, without a log", async () => {
  const { broker, alice, runner, record, tell } = await openHive();
  await using _ = broker;
  await tell("Index it.");
  const { turn } = await runner.lease(alice);
  await runner.hived.call("launchEnded", {
    ...{ boot: runner.boot, agent: alice.name, launch: alice.launch, problem: "It exited with code 3." },
  });
  expect(record(turn)).toMatchObject({
    turn: { outcome: "lost", usage: { model: null, inputTokens: null, costUsd: null } },
    messages: [{ became: "queued" }],
    log: null,
  });
});

test("turns are listed newest first, a page at a time", async () => {
  const { broker, core, alice, runner, tell } = await openHive();
  await using _ = broker;
  const ids: TurnId[] = [];
  for (let number = 0; number < 5; number += 1) {
    await tell("again");
    const { turn } = await runner.lease(alice);
    await runner.end(alice, turn);
    ids.unshift(turn);
    if (number % 2 === 0) core.clock.advance(1); // some begin in the same millisecond
  }
  const page = (before: TurnId | null) =>
    core.db.read((reader) => readTurns(reader, { agent: alice.name, before, limit: 2 }));
  const pages = [page(null), page(page(null).turns.at(-1)?.id ?? null)];
  const last = page(pages[1]?.turns.at(-1)?.id ?? null);
  const listed = [...pages, last].flatMap(({ turns }) => turns);
  expect(listed.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect(listed.map(({ startedAt }) => startedAt)).toEqual(
    listed
      .map(({ startedAt }) => startedAt)
      .toSorted()
      .toReversed(),
  );
  expect([...pages, last].map(({ more }) => more)).toEqual([true, true, false]);
});

test("a turn is found by the beginning of its id, if that is of one turn of that agent", async () => {
  const { broker, core, alice, runner, record, tell } = await openHive();
  await using _ = broker;
  const bob = await addIdleAgent(core, "bob");
  for (const id of ["aaaa1", "aaaa2"]) {
    await tell("again");
    const turn = `turn-${id.padEnd(32, "0")}` as TurnId;
    await runner.lease(alice, turn);
    await runner.end(alice, turn);
  }
  expect(record("aaaa1").turn.id).toBe(`turn-${"aaaa1".padEnd(32, "0")}`);
  expect(record(`turn-${"aaaa2".padEnd(32, "0")}`).turn.id).toMatch(/^turn-aaaa2/);
  expect(() => record("aaaa")).toThrow(refusal("several_turns"));
  for (const wrong of ["aaa", "bbbb", "%", "aaaa1'"]) expect(() => record(wrong)).toThrow(refusal("unknown_turn"));
  expect(() => core.db.read((reader) => readTurn(reader, bob.name, "aaaa1"))).toThrow(refusal("unknown_turn"));
  expect(() => core.db.read((reader) => readTurn(reader, "carol" as AgentName, "aaaa1"))).toThrow(
    refusal("unknown_agent"),
  );
});

test("a log is bounded: the oldest go first, it says how many, and text that goes on is one entry", () => {
  let log = addToLog(emptyLog, batch(1, text("one "), text("two")));
  log = addToLog(log, batch(2, text(" three"), { kind: "tool", id: "1", title: "ls", status: "pending" }));
  expect(log).toMatchObject({
    dropped: 0,
    newest: 2,
    entries: [{ event: text("one two three") }, { event: { title: "ls" } }],
  });
  for (let number = 3; number < 60; number += 1) log = addToLog(log, batch(number, text("x".repeat(1_900))));
  const size = log.entries.reduce((sum, { event }) => sum + (event.kind === "tool" ? 0 : event.text.length), 0);
  expect(size).toBeLessThanOrEqual(logCharacters);
  expect(size).toBeGreaterThan(logCharacters / 2);
  expect(log.entries.length + log.dropped).toBe(59);
  log = addToLog(log, batch(60, text(`${"y".repeat(10 * logCharacters)}the end`)));
  expect(log.entries.at(-1)?.event).toMatchObject({ text: expect.stringMatching(/the end$/) });
  expect(JSON.stringify(log).length).toBeLessThan(1.2 * logCharacters);
});

test("who watches a running turn gets all of it so far, then what comes, and all again where something is missing", async () => {
  const { broker, core, alice, runner, tell } = await openHive();
  await using _ = broker;
  await tell("Index it.");
  const { turn } = await runner.lease(alice);
  const identity = { boot: runner.boot, agent: alice.name, launch: alice.launch, turn };
  const report = (...events: Parameters<typeof batch>) =>
    runner.hived.call("reportLive", { ...identity, batch: batch(...events) });
  const early = addToLog(emptyLog, batch(1, text("I begin.")));
  runner.logs.set(turn, early);
  let isAllowed = true;
  const watching = watchTurn(
    { core, live: broker.link.live, runner: broker.link.runner },
    { turn, signal: broker.stopping, isAllowed: () => isAllowed },
  )[Symbol.asyncIterator]();
  const next = async () => (await watching.next()).value?.map(({ data }: { data: unknown }) => data);
  await report(1, text("I begin."));
  expect(await next()).toEqual([{ kind: "log", log: early }]);
  await report(2, text(" I go on."));
  expect(await next()).toEqual([{ kind: "batch", batch: batch(2, text(" I go on.")) }]);
  const whole = addToLog(early, batch(4, text(" Was something lost?")));
  runner.logs.set(turn, whole);
  await report(4, text(" Was something lost?"));
  expect(await next()).toEqual([{ kind: "log", log: whole }]);
  const waiting = watching.next();
  isAllowed = false; // signed out
  await report(5, text(" Secret."));
  expect(await waiting).toMatchObject({ done: true });
});

test("an agent's row counts its failed turns in a row and its dead letters, until they are dealt with", async () => {
  const { broker, core, alice, runner, agent, tell } = await openHive();
  await using _ = broker;
  await tell("poison");
  await tell("more poison");
  for (let failure = 1; failure <= maxFailures; failure += 1) {
    const { turn } = await runner.lease(alice);
    await runner.end(alice, turn, { outcome: "crashed" });
    expect(agent().failed_turns).toBe(failure);
    core.clock.advance(retryDelayMs(failure));
  }
  expect(agent()).toMatchObject({ dead_letters: 2, failed_turns: maxFailures });
  await core.event("AgentChanged", ({ fact }) => fact.agent.deadLetters === 2);
  await retryEntry(core, 1 as never);
  expect(agent().dead_letters).toBe(1);
  await cancelEntry(core, 2 as never);
  await cancelEntry(core, 2 as never);
  expect(agent().dead_letters).toBe(0);
  const { turn } = await runner.lease(alice);
  await runner.end(alice, turn, { outcome: "lost", problem: null });
  expect(agent().failed_turns).toBe(maxFailures);
  const again = await runner.lease(alice, newTurn());
  await runner.end(alice, again.turn);
  expect(agent().failed_turns).toBe(0);
});

test("a turn that an agent has begun by itself is a record like any other, and settles no message", async () => {
  const { broker, core, alice, runner, record, agent, tell } = await openHive();
  await using _ = broker;
  await tell("hello");
  const { turn: ours } = await runner.lease(alice);
  const own = newTurn();
  const log = addToLog(emptyLog, batch(1, text("It has ended.")));
  const beganAt = core.clock.now();
  core.clock.advance(1_000);
  await runner.end(alice, own, { beganAt, log });
  expect(record(own)).toMatchObject({
    turn: { trigger: null, messages: 0, startedAt: beganAt, endedAt: beganAt + 1_000, outcome: "ok" },
    ...{ messages: [], log },
  });
  expect(isOwnTurn(record(own).turn)).toBe(true);
  expect(agent()).toMatchObject({ state: "working", turn: ours });
  await runner.end(alice, own, { beganAt });
  await runner.end(alice, ours);
  expect(record(ours).messages).toMatchObject([{ became: "handled" }]);
  expect(isOwnTurn(record(ours).turn)).toBe(false);
});
