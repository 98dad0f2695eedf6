/** Rows as hived sends them, each with what a test does not care about filled in. */
import { Agent } from "../../src/contract/agent.ts";
import { Approval } from "../../src/contract/approval.ts";
import type { Event, Fact } from "../../src/contract/facts.ts";
import { InboxEntry, Message } from "../../src/contract/message.ts";
import { EpochMs, Sequence } from "../../src/contract/names.ts";
import { Question } from "../../src/contract/question.ts";
import { Turn } from "../../src/contract/turn.ts";

type Row = Record<string, unknown>;

/** The facts as events, numbered from the one after `after`. */
export const eventsOf = (facts: readonly Fact[], after = 0): Event[] =>
  facts.map((fact, index) => ({ sequence: Sequence.parse(after + index + 1), at: EpochMs.parse(1), fact }));

export const agentFact = (row: Row): Fact => ({
  kind: "AgentChanged",
  agent: Agent.parse({
    name: "alice",
    role: "worker",
    wish: "running",
    state: "idle",
    since: 1,
    problem: null,
    retryAt: null,
    runningTree: null,
    wantedTree: null,
    deployment: null,
    runtime: null,
    launch: null,
    turn: null,
    deadLetters: 0,
    failedTurns: 0,
    difference: null,
    lostWakes: 0,
    lostWakeAt: null,
    canary: null,
    ...row,
  }),
});

export const approvalFact = (row: Row): Fact => {
  const state = row["state"] ?? "waiting";
  return {
    kind: "ApprovalChanged",
    approval: Approval.parse({
      number: 7,
      kind: "spawn",
      agent: "alice",
      submitter: "manager",
      summary: "Propose alice",
      head: "a".repeat(40),
      state,
      problem: null,
      permissions: ["reaches the whole network"],
      url: "http://127.0.0.1:3000/hive/agents/pulls/7",
      openedAt: 1,
      updatedAt: 2,
      course: [
        { state: "opened", at: 1 },
        { state, at: 2 },
      ],
      ...row,
    }),
  };
};

export const questionFact = (row: Row): Fact => ({
  kind: "QuestionChanged",
  question: Question.parse({
    id: 4,
    number: 4,
    asker: "alice",
    target: "operator",
    question: "Which spelling?",
    options: [],
    multi: false,
    state: "open",
    url: "http://127.0.0.1:3000/hive/questions/issues/4",
    openedAt: 1,
    closedAt: null,
    ...row,
  }),
});

export const messageFact = (row: Row): Fact => ({
  kind: "MessageSent",
  message: Message.parse({ id: 1, from: "alice", to: "manager", body: "hello", inReplyTo: null, sentAt: 1, ...row }),
  queued: null,
});

export const entryOf = (row: Row): InboxEntry =>
  InboxEntry.parse({
    id: 1,
    message: 1,
    recipient: "manager",
    state: "queued",
    attempt: 0,
    failures: 0,
    turn: null,
    queuedAt: 1,
    leasedAt: null,
    settledAt: null,
    notBefore: 1,
    problem: null,
    ...row,
  });

export const entryFact = (row: Row): Fact => ({ kind: "EntryChanged", entry: entryOf(row) });

/** A turn that runs. */
export const turnRow = (row: Row): Row => ({
  id: `turn-${"a".repeat(32)}`,
  agent: "alice",
  launch: `launch-${"1".repeat(32)}`,
  trigger: { message: 1, from: "operator" },
  messages: 1,
  startedAt: 1,
  endedAt: null,
  outcome: null,
  evidence: null,
  usage: { model: null, inputTokens: null, costUsd: null },
  session: null,
  problem: null,
  ...row,
});

export const turnFact = (row: Row): Fact => {
  const turn = Turn.parse(turnRow(row));
  return { kind: turn.endedAt === null ? "TurnStarted" : "TurnEnded", turn };
};
