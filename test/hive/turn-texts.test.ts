/** What people read about turns, canaries and troubles, whole. */
import { expect, test } from "vitest";
import { Canary } from "../../src/contract/canary.ts";
import { WorkTrouble } from "../../src/contract/facts.ts";
import { AgentName, EpochMs } from "../../src/contract/names.ts";
import { Pair } from "../../src/contract/pair.ts";
import { Turn, TurnRecord } from "../../src/contract/turn.ts";
import { canariesText } from "../../src/hive/commands/canary.ts";
import { needsSomebody, troubleLines } from "../../src/hive/commands/troubles.ts";
import { turnsText, turnText } from "../../src/hive/commands/turns.ts";
import { agentFact, entryOf, turnRow } from "../dashboard/rows.ts";

const alice = AgentName.parse("alice");
const at = Date.UTC(2026, 10, 28, 1, 2, 3);
const ended = { startedAt: at, endedAt: at + 61_500, outcome: "ok", messages: 2 };
const turn = Turn.parse(
  turnRow({
    ...ended,
    evidence: { outputs: 12, outputTokens: 340 },
    usage: { model: "opus", inputTokens: 900, costUsd: 0.0123 },
    session: "talk",
  }),
);

test("turns are a table, newest first, with what each used", () => {
  const running = Turn.parse(turnRow({ id: `turn-${"b".repeat(32)}`, startedAt: at + 70_000 }));
  const failed = Turn.parse(
    turnRow({
      id: `turn-${"c".repeat(32)}`,
      ...ended,
      outcome: "timed_out",
      problem: "Too\nlong.\x1b[2J",
      trigger: null,
    }),
  );
  expect(turnsText(alice, { turns: [running, turn, failed], more: true })).toBe(`\
turn          started              took    outcome    messages  tokens           cost     begun by  problem
bbbbbbbbbbbb  2026-11-28 01:03:13          runs       1                                   operator
aaaaaaaaaaaa  2026-11-28 01:02:03  61.5 s  ok         2         900 in, 340 out  $0.0123  operator
cccccccccccc  2026-11-28 01:02:03  61.5 s  timed out  2                                             Too long. [2J

\`hive turns alice TURN\` shows one whole. There are older ones: --limit.
`);
  expect(turnsText(alice, { turns: [], more: false })).toBe("alice has had no turn yet.\n");
});

test("one turn is shown whole: facts, messages with their deliveries, and what it did", () => {
  const held = { message: 1, from: "operator", isTrigger: true, became: "handled" };
  const record = TurnRecord.parse({
    turn,
    messages: [
      { ...held, entry: 4, now: { delivery: entryOf({ id: 4, state: "handled" }), beginning: "Index it." } },
      {
        ...held,
        entry: 5,
        isTrigger: false,
        became: "queued",
        now: { delivery: entryOf({ id: 5, state: "dead" }), beginning: "x\x07y" },
      },
      { ...held, entry: 6, now: null },
    ],
    log: {
      dropped: 3,
      newest: 9,
      entries: [
        { at, event: { kind: "text", text: "I look.\nIt is \x1b[31mred.\n" } },
        { at: at + 1_000, event: { kind: "tool", id: "1", title: "ls -l", status: "completed" } },
      ],
    },
  });
  expect(turnText(record)).toBe(`\
turn      turn-${"a".repeat(32)}
agent     alice
started   2026-11-28 01:02:03
ended     2026-11-28 01:03:04, after 61.5 s
outcome   ok
evidence  12 outputs of the model
tokens    900 in, 340 out
cost      $0.0123
model     opus
session   talk
launch    launch-${"1".repeat(32)}

messages
  entry 4  from operator  began it  handled            Index it.
  entry 5  from operator  fetched   queued   now dead  x y
  entry 6  from operator  began it  handled            (forgotten)

log
  (3 earlier entries are not kept)
  01:02:03  I look.
            It is  [31mred.
  01:02:04  [completed] ls -l
`);
  const running = TurnRecord.parse({ turn: turnRow({ startedAt: at }), messages: [], log: null });
  expect(turnText(running)).toContain("ended    it runs\n");
});

test("a canary is a row of its hops, each with its own milliseconds", () => {
  const row = { id: `canary-${"1".repeat(32)}`, sentAt: at, problem: null };
  const hops = { committed: 1.2, pushed: 1.5, begun: 2, answered: 2.4, handled: 4 };
  const text = canariesText([
    { agent: alice, canary: Canary.parse({ ...row, state: "well", hops }) },
    {
      agent: AgentName.parse("bob"),
      canary: Canary.parse({ ...row, state: "failed", hops: { committed: 1, pushed: 1.1 }, problem: "It sleeps." }),
    },
  ]);
  expect(text).toBe(`\
agent  canary  committed  pushed  begun  answered  handled  in all
alice  well    1.2        0.3     0.5    0.4       1.6      4.0
bob    failed  1.0        0.1                                       It sleeps.

Milliseconds; no turn is spent on a canary.
`);
  expect(canariesText([])).toContain("there is no loop to try");
});

const agentOf = (row: Record<string, unknown>) => {
  const fact = agentFact(row);
  if (fact.kind !== "AgentChanged") throw new Error("that is no agent");
  return fact.agent;
};

test("what goes wrong is a line each, with where to look", () => {
  const canary = { id: `canary-${"1".repeat(32)}`, sentAt: at, state: "failed", hops: {}, problem: "No runner." };
  const agents = [
    agentOf({}),
    agentOf({ name: "bob", state: "parked", since: at, retryAt: at + 60_000, deadLetters: 1, failedTurns: 3 }),
    agentOf({ name: "carol", state: "parked", since: at, canary, lostWakes: 2, lostWakeAt: at }),
    agentOf({ name: "dave", difference: "Version 2, which main wants, is not what runs." }),
  ];
  const restingPairs = [Pair.parse({ one: "alice", other: "bob", restsUntil: at })];
  const work = { id: 1, kind: "converge", key: "bob", attempts: 2, dueAt: at, lastError: "No\nforge." };
  const troubles = [WorkTrouble.parse({ ...work, state: "pending" })];
  expect(troubleLines({ agents, restingPairs, troubles })).toEqual([
    "bob: parked since 2026-11-28 01:02:03, until 2026-11-28 01:03:03",
    "bob: 1 dead letter; `hive messages bob` shows them",
    "bob: 3 failed turns in a row; `hive turns bob` shows them",
    "carol: parked since 2026-11-28 01:02:03, until somebody helps",
    "carol: the canary of 2026-11-28 01:02:03 failed. No runner.",
    "carol: 2 lost wakes, the last at 2026-11-28 01:02:03",
    "dave: Version 2, which main wants, is not what runs. `hive agent revert dave` puts main back",
    "alice and bob: they wrote to each other too often and rest until 2026-11-28 01:02:03; the dashboard lifts it",
    "work converge bob: fails after 2 attempts: No forge.",
  ]);
});

test.each([
  ["an agent that is idle, or parked until a time", { state: "parked", retryAt: 1 }, false],
  ["an agent with a lost wake, which was made good", { lostWakes: 1, lostWakeAt: 1 }, false],
  ["an agent that failed", { state: "failed" }, true],
  ["an agent that is parked until somebody helps", { state: "parked" }, true],
  ["a dead letter", { deadLetters: 1 }, true],
  ["an agent of which main wants what can't be started", { difference: "It could not." }, true],
  [
    "a canary that failed",
    { canary: { id: `canary-${"1".repeat(32)}`, sentAt: 1, state: "failed", hops: {}, problem: null } },
    true,
  ],
])("%s: somebody has to do something: %3$s", (_, row, isNeeded) => {
  expect(needsSomebody({ agents: [agentOf({}), agentOf(row)], troubles: [] })).toBe(isNeeded);
});

test("work that was given up needs somebody, work that is tried again does not", () => {
  const work = { id: 1, kind: "converge", key: "bob", attempts: 2, dueAt: EpochMs.parse(1), lastError: "No." };
  for (const state of ["pending", "failed"] as const)
    expect(needsSomebody({ agents: [], troubles: [{ ...work, state }] })).toBe(state === "failed");
});
