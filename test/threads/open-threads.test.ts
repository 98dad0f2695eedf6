import { expect, test } from "vitest";
import { AgentName, type EpochMs, type ObjectId } from "../../src/contract/names.ts";
import type { ThreadPage } from "../../src/contract/thread.ts";
import { putApproval } from "../../src/hived/approvals/approvals.ts";
import type { Reader } from "../../src/hived/database/write.ts";
import { eventsAfter } from "../../src/hived/events/event-log.ts";
import { type ForgeItem, putItem } from "../../src/hived/forge/forge-items.ts";
import { addQuestion, closeQuestion, markPosted } from "../../src/hived/questions/questions.ts";
import { openThreads } from "../../src/hived/threads/open-threads.ts";
import { openThreadPublisher } from "../../src/hived/threads/publish.ts";
import { addIdleAgent, newest, openCore, type TestCore } from "../support/open-core.ts";
import { fillThreads } from "./swarm.ts";

const [alice, bob, boss] = ["alice", "bob", "boss"].map((name) => AgentName.parse(name)) as [
  AgentName,
  AgentName,
  AgentName,
];

async function openSwarm(): Promise<TestCore> {
  const core = openCore();
  await addIdleAgent(core, boss, { role: "manager" });
  await addIdleAgent(core, alice);
  await addIdleAgent(core, bob);
  return core;
}

const pull = (change: Partial<ForgeItem>): ForgeItem => ({
  repo: "alice/notes",
  number: 1,
  kind: "pull",
  title: "A change",
  author: alice,
  state: "open",
  url: "http://forge/alice/notes/pulls/1",
  head: "a".repeat(40) as ObjectId,
  base: "main",
  reviewers: [],
  assignees: [],
  createdAt: 3 as EpochMs,
  updatedAt: 3 as EpochMs,
  ...change,
});

const propose = (core: TestCore, number: number, openedAt: number, submitter = alice) =>
  core.db.write((tx) =>
    putApproval(tx, core, {
      number,
      kind: "spawn",
      agent: "carol",
      submitter,
      summary: "Add carol",
      head: "a".repeat(40) as ObjectId,
      state: "waiting",
      problem: null,
      permissions: [],
      url: `http://forge/hive/agents/pulls/${number}`,
      openedAt: openedAt as EpochMs,
      mergeCommit: null,
      circumstances: "main ",
    }),
  );

const putPull = (core: TestCore, change: Partial<ForgeItem>) => core.db.write((tx) => putItem(tx, pull(change)));
const asked = { context: null, options: [], multi: false, deadline: null };
const askOf = (core: TestCore, target: typeof alice | "operator") =>
  core.db.write((tx) => addQuestion(tx, core, { ...asked, asker: alice, target, question: "Which?\nQuick" }, null));
const page = (core: TestCore, viewer: Parameters<typeof openThreads>[1]): ThreadPage =>
  core.db.read((reader) => openThreads(reader, viewer));
const rows = ({ threads }: ThreadPage) => threads.map((thread) => `${thread.kind} ${thread.id}`);

test("an agent sees what it submitted, asked, wrote and must review, oldest first, and nothing of others", async () => {
  await using core = await openSwarm();
  await propose(core, 7, 2);
  await propose(core, 8, 1, bob);
  await askOf(core, "operator");
  await putPull(core, { number: 1, createdAt: 3 as EpochMs });
  await putPull(core, { number: 2, author: bob, reviewers: [alice], createdAt: 1 as EpochMs });
  await putPull(core, { number: 3, author: bob, reviewers: ["operator"] });
  expect(rows(page(core, alice))).toEqual(["pr 2", "approval 7", "pr 1", "question 1"]);
  expect(page(core, alice).totals).toEqual({ approval: 1, question: 1, pr: 2 });
  expect(page(core, alice).threads[0]).toMatchObject({ role: "reviewer", owner: alice, state: "review_requested" });
  expect(page(core, alice).threads[3]).toMatchObject({
    role: "asker",
    counterparty: "operator",
    summary: "Which?",
    url: null,
  });
});

test("a target sees the question that it owes an answer", async () => {
  await using core = await openSwarm();
  await askOf(core, bob);
  expect(page(core, bob).threads).toMatchObject([
    { kind: "question", role: "target", owner: bob, counterparty: alice },
  ]);
});

test("the operator sees each approval, the questions to the operator, and the reviews that are owed", async () => {
  await using core = await openSwarm();
  await propose(core, 7, 1);
  await askOf(core, "operator");
  await askOf(core, bob);
  await putPull(core, { reviewers: ["operator"] });
  await putPull(core, { number: 2 });
  expect(page(core, "operator").totals).toEqual({ approval: 1, question: 1, pr: 1 });
});

test("the manager sees the whole hive, each row once, with whose it is", async () => {
  await using core = await openSwarm();
  await propose(core, 7, 1);
  await askOf(core, bob);
  await putPull(core, { number: 1 });
  await putPull(core, { number: 2, author: bob, reviewers: [boss] });
  expect(page(core, boss).threads.map(({ kind, owner }) => `${kind} ${owner}`)).toEqual([
    "approval alice",
    "pr alice",
    "pr boss",
    "question alice",
  ]);
});

test("a pull request on hive/agents is an approval, and never also a pull request", async () => {
  await using core = await openSwarm();
  await propose(core, 7, 1);
  await putPull(core, { repo: "hive/agents", number: 7 });
  expect(rows(page(core, alice))).toEqual(["approval 7"]);
});

test("what is closed or merged, and what is an issue, is no open thread", async () => {
  await using core = await openSwarm();
  await putPull(core, { number: 1, state: "merged" });
  await putPull(core, { number: 2, state: "closed" });
  await putPull(core, { number: 3, kind: "issue", head: null, base: null });
  const { id } = await askOf(core, "operator");
  await core.db.write((tx) => {
    markPosted(tx, core, id, { number: 1, url: "http://forge/hive/questions/issues/1" });
    closeQuestion(tx, core, id, { outcome: "unanswered", closedIn: "forge" });
  });
  expect(rows(page(core, alice))).toEqual([]);
});

test("a page holds the oldest hundred, and counts all", async () => {
  await using core = await openSwarm();
  for (let number = 1; number <= 120; number += 1) await putPull(core, { number, createdAt: number as EpochMs });
  const { threads, totals } = page(core, alice);
  expect(threads).toHaveLength(100);
  expect(threads[0]?.id).toBe(1);
  expect(totals.pr).toBe(120);
});

test("the next page goes on where the one before ended", async () => {
  await using core = await openSwarm();
  for (let number = 1; number <= 120; number += 1) await putPull(core, { number, createdAt: number as EpochMs });
  const { threads, totals } = core.db.read((reader) => openThreads(reader, boss, 100));
  expect(threads.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 101));
  expect(totals.pr).toBe(120);
});

test.each([alice, boss, "operator"] as const)("a page of %s is read from what is open alone", async (viewer) => {
  await using core = await openSwarm();
  await fillThreads(core, { closed: 100, open: 10 });
  const plan = core.db.read((reader) => {
    const steps: string[] = [];
    const told: Reader = {
      ...reader,
      all(sql, parameters = {}) {
        const rows = reader.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
        steps.push(...rows.map(({ detail }) => detail));
        return reader.all(sql, parameters);
      },
      get: (sql, parameters) => told.all<never>(sql, parameters)[0],
    };
    openThreads(told, viewer);
    return steps;
  });
  const reads = plan.filter((step) => /(SCAN|SEARCH) (approvals|questions|forge_items)/.test(step));
  expect(reads.length).toBeGreaterThan(5);
  for (const step of reads)
    expect(step).toMatch(/USING (COVERING )?INDEX (approvals|questions|pulls)_(open|in_review)/);
  expect(plan.filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
});

test("each page that changed is told, and no other", async () => {
  await using core = await openSwarm();
  const stopping = new AbortController();
  const publisher = openThreadPublisher(core);
  publisher.watch(stopping.signal);
  await core.event("ThreadsChanged", ({ fact }) => fact.agent === bob); // all are told at the start
  await askOf(core, bob);
  const { fact } = await core.event("ThreadsChanged", ({ fact }) => fact.page.totals.question === 1);
  expect(fact.page).toEqual(page(core, fact.agent));
  await core.db.write((tx) => {
    putItem(tx, pull({}));
    publisher.changed(tx);
  });
  await core.event("ThreadsChanged", ({ fact }) => fact.agent === alice && fact.page.totals.pr === 1);
  await core.event("ThreadsChanged", ({ fact }) => fact.agent === boss && fact.page.totals.pr === 1);
  const told = core.db.read((reader) =>
    reader
      .all<{ fact: string }>("SELECT fact FROM events WHERE kind = 'ThreadsChanged'")
      .map((row) => JSON.parse(row.fact)),
  );
  expect(told.filter(({ agent }) => agent === bob)).toHaveLength(2);
  stopping.abort();
});

test("a start tells the pages that changed while nobody told, and none that was told before", async () => {
  await using core = await openSwarm();
  const stopping = new AbortController();
  openThreadPublisher(core).watch(stopping.signal);
  await core.event("ThreadsChanged", ({ fact }) => fact.agent === bob);
  stopping.abort();
  const before = newest(core);
  await putPull(core, { author: bob });
  openThreadPublisher(core).watch(new AbortController().signal);
  await core.event("ThreadsChanged", ({ fact, sequence }) => fact.agent === boss && sequence > before);
  const told = core.db.read((reader) => eventsAfter(reader, before, 100)).map(({ fact }) => fact);
  expect(told.map((fact) => fact.kind === "ThreadsChanged" && fact.agent)).toEqual([bob, boss]);
});
