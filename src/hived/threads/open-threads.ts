/** One sweep over everything that still waits for somebody: for the tool, an agent's page and the manager alike. */
import type { AgentName } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import type { Thread, ThreadPage } from "../../contract/thread.ts";
import { findManager } from "../agents/agents.ts";
import { type ApprovalRow, openApprovals } from "../approvals/approvals.ts";
import type { Reader } from "../database/write.ts";
import { addressOf, type ForgeItem, openPulls } from "../forge/forge-items.ts";
import { agentsRepo, operator } from "../forge/plan.ts";
import { openQuestions } from "../questions/questions.ts";

/** The most rows of one page; its totals count all. */
const threadsShown = 100;

export type Viewer = AgentName | "operator";

/** All that is open, read once for as many viewers as there are. */
export type Sweep = {
  approvals: ApprovalRow[];
  questions: Question[];
  pulls: ForgeItem[];
  /** sees the whole hive */
  manager: AgentName | null;
};

/** A pull request on hive/agents is an approval, and never also a pull request. */
export function sweepThreads(reader: Reader): Sweep {
  return {
    approvals: openApprovals(reader),
    questions: openQuestions(reader),
    pulls: openPulls(reader).filter(({ repo }) => repo !== agentsRepo),
    manager: findManager(reader)?.name ?? null,
  };
}

/** What an agent submitted, asked, owes, wrote or must review, oldest first; for the manager everything. */
export const openThreads = (reader: Reader, viewer: Viewer): ThreadPage => pageOf(sweepThreads(reader), viewer);

export function pageOf({ approvals, questions, pulls, manager }: Sweep, viewer: Viewer): ThreadPage {
  const seesAll = viewer === manager;
  const rows = {
    approval: approvals.flatMap((row) => approvalThread(row, viewer, seesAll) ?? []),
    question: questions.flatMap((row) => questionThread(row, viewer, seesAll) ?? []),
    pr: pulls.flatMap((row) => pullThread(row, viewer, seesAll) ?? []),
  };
  const all = [...rows.approval, ...rows.question, ...rows.pr].sort((a, b) => a.openedAt - b.openedAt);
  return {
    threads: all.slice(0, threadsShown),
    totals: { approval: rows.approval.length, question: rows.question.length, pr: rows.pr.length },
  };
}

/** The operator owes each approval a review. */
function approvalThread(row: ApprovalRow, viewer: Viewer, seesAll: boolean): Thread | null {
  const { number, submitter, summary, openedAt, state, url } = row;
  if (!seesAll && viewer !== operator && viewer !== submitter) return null;
  return { kind: "approval", id: number, owner: submitter, summary, openedAt, state, url };
}

function questionThread(row: Question, viewer: Viewer, seesAll: boolean): Thread | null {
  const { id, asker, target, question, openedAt, url } = row;
  const common = { kind: "question", id, summary: firstLine(question), openedAt, url } as const;
  if (target === viewer) return { ...common, role: "target", owner: target, counterparty: asker };
  if (asker !== viewer && !seesAll) return null;
  return { ...common, role: "asker", owner: asker, counterparty: target };
}

function pullThread(row: ForgeItem, viewer: Viewer, seesAll: boolean): Thread | null {
  const { repo, number, title, createdAt, url, author, reviewers } = row;
  const state = reviewers.length > 0 ? "review_requested" : "open";
  const common = { kind: "pr", id: number, repo, summary: title, openedAt: createdAt, state, url } as const;
  if (reviewers.includes(viewer)) return { ...common, role: "reviewer", owner: viewer };
  if (author !== viewer && !seesAll) return null;
  return { ...common, role: "author", owner: addressOf(author) };
}

const summaryCharacters = 200;

function firstLine(text: string): string {
  const line = text.trim().split(/\r?\n/, 1)[0] ?? "";
  return line.length <= summaryCharacters ? line : `${line.slice(0, summaryCharacters - 1)}…`;
}
