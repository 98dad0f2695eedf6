import { expect, test } from "vitest";
import type { Fact } from "../../src/contract/facts.ts";
import { emptyState, fold } from "../../src/contract/fold.ts";
import { Turn } from "../../src/contract/turn.ts";
import { attentionOf } from "../../src/dashboard/attention.ts";
import { openStore } from "../../src/dashboard/store.ts";
import { agentFact, approvalFact, entryFact, eventsOf, messageFact, questionFact, turnRow } from "./rows.ts";

const story: Fact[] = [
  agentFact({ name: "manager", role: "manager", state: "working" }),
  approvalFact({ state: "opened" }),
  approvalFact({ state: "waiting" }),
  messageFact({}),
  entryFact({}),
  { kind: "WorkTroubled", work: work("pending") },
  entryFact({ state: "leased", attempt: 1 }),
  approvalFact({ state: "deployed" }),
  agentFact({}),
  questionFact({}),
  { kind: "WorkRecovered", id: 3 },
  { kind: "Note", text: "The operator signed in." },
  entryFact({ state: "handled", attempt: 1 }),
];

function work(state: "pending" | "failed") {
  const { kind, key, attempts, dueAt } = { kind: "refresh", key: "a/b#1", attempts: 2, dueAt: 9 as never };
  return { id: 3, kind, key, attempts, state, dueAt, lastError: "the forge is silent" };
}

test("a snapshot and the events after it make the snapshot that comes after them, wherever the story is cut", () => {
  const events = eventsOf(story);
  const whole = events.reduce(fold, emptyState);
  for (let cut = 0; cut <= events.length; cut += 1) {
    const store = openStore();
    store.load(events.slice(0, cut).reduce(fold, emptyState));
    for (const event of events.slice(cut)) store.receive(event);
    expect(store.view().hive).toEqual(whole);
  }
});

test("an event that the state already stands for changes nothing, and nobody is told", () => {
  const events = eventsOf(story);
  const store = openStore();
  store.load(events.reduce(fold, emptyState));
  const before = store.view();
  let told = 0;
  store.watch(() => {
    told += 1;
  });
  for (const event of events) store.receive(event);
  expect(store.view()).toBe(before);
  expect(told).toBe(0);
});

test("who signs out sees nothing of the hive any more", () => {
  const store = openStore();
  store.load(eventsOf(story).reduce(fold, emptyState));
  store.show({ turns: { turns: [], more: false }, record: { turn: Turn.parse(turnRow({})), messages: [], log: null } });
  store.connect({ kind: "signed-out", refusal: null });
  const nothing = { hive: null, storage: null, news: "", turns: null, versions: null, record: null, problem: null };
  expect(store.view()).toEqual({
    ...nothing,
    connection: { kind: "signed-out", refusal: null },
    place: expect.anything(),
  });
});

/** What was said aloud after each of the facts. */
function newsOf(...facts: Fact[]): string[] {
  const store = openStore();
  store.load(emptyState);
  return eventsOf(facts).map((event) => {
    store.receive(event);
    return store.view().news;
  });
}

test("an approval is said aloud when it begins to wait for the operator, and when it has ended", () => {
  const said = newsOf(
    approvalFact({ state: "opened" }),
    approvalFact({ state: "waiting" }),
    approvalFact({ state: "waiting", permissions: [] }),
    approvalFact({ state: "preparing" }),
    approvalFact({ state: "deployed" }),
  );
  const waits = "An approval waits for you: Propose alice";
  expect(said).toEqual(["", waits, waits, waits, "Propose alice: deployed"]);
});

test("a question to the operator is said aloud, one between agents is not", () => {
  expect(newsOf(questionFact({ target: "manager" }))).toEqual([""]);
  expect(newsOf(questionFact({ state: "posting" }), questionFact({}))).toEqual(["", "alice asks you: Which spelling?"]);
});

test("an agent that is parked until a time goes on by itself, so only one that waits for somebody is told", () => {
  const problem = "It rests.";
  const until = agentFact({ state: "parked", problem, retryAt: 2_000_000_000_000 });
  expect(newsOf(agentFact({}), until, agentFact({ state: "parked", problem: "It has to be logged in." }))).toEqual([
    "",
    "",
    "alice is parked: It has to be logged in.",
  ]);
});

test("an agent that fails, work that is given up and a forge that fails are said aloud", () => {
  expect(newsOf(agentFact({ state: "failed", problem: "It does not start." }))).toEqual([
    "alice is failed: It does not start.",
  ]);
  expect(
    newsOf({ kind: "WorkTroubled", work: work("pending") }, { kind: "WorkTroubled", work: work("failed") }),
  ).toEqual(["", "Work was given up: the forge is silent"]);
  const forge = {
    kind: "embedded" as const,
    url: "http://127.0.0.1:3000",
    version: null,
    hookProblem: null,
    catchingUp: null,
  };
  const broken: Fact = { kind: "ForgeChanged", forge: { ...forge, problem: "It is silent." } };
  expect(newsOf(broken, { kind: "ForgeChanged", forge: { ...forge, problem: null } })).toEqual([
    "The forge: It is silent.",
    "The forge is well again.",
  ]);
});

test("what waits for the operator: reviews, own proposals that need a push, and open questions, longest first", () => {
  const hive = eventsOf([
    approvalFact({ number: 1, state: "waiting", openedAt: 50 }),
    approvalFact({ number: 2, state: "waiting", openedAt: 20 }),
    approvalFact({ number: 3, state: "invalid" }),
    approvalFact({ number: 4, state: "invalid", submitter: "operator", openedAt: 30 }),
    approvalFact({ number: 5, state: "merging" }),
    questionFact({ id: 1 }),
    questionFact({ id: 2, state: "closed", closedAt: 5 }),
    questionFact({ id: 3, target: "manager" }),
  ]).reduce(fold, emptyState);
  const { approvals, questions } = attentionOf(hive);
  expect(approvals.map(({ number }) => number)).toEqual([2, 4, 1]);
  expect(questions.map(({ id }) => id)).toEqual([1]);
});

test("a version that could not be started is said aloud, once, whatever its agent does meanwhile", () => {
  const difference = "Version 2, which main wants, is not what runs.";
  const facts = [agentFact({}), agentFact({ difference }), agentFact({ difference, state: "working" }), agentFact({})];
  expect(newsOf(...facts)).toEqual(["", `alice: ${difference}`, `alice: ${difference}`, `alice: ${difference}`]);
});

test("a loop that does not answer, and one that had to be woken again, are said aloud, once", () => {
  const canary = { id: `canary-${"1".repeat(32)}`, sentAt: 1, state: "failed", hops: {}, problem: "It sleeps." };
  expect(newsOf(agentFact({}), agentFact({ canary }), agentFact({ canary, lostWakes: 1, lostWakeAt: 1 }))).toEqual([
    "",
    "The loop of alice does not answer. It sleeps.",
    "alice did not wake up, and was helped.",
  ]);
});
