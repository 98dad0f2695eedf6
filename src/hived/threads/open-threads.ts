/**
 * Everything that still waits for somebody: for the tool, an agent's page, the command line and the manager alike. One
 * statement over the tables of approvals, questions and the forge's items, so that a page costs what is on it: each part is
 * read from an index of what is open, in the order of age, and all are merged until the page is full.
 */
import { openApprovalStates } from "../../contract/approval.ts";
import type { Address, AgentName, EpochMs } from "../../contract/names.ts";
import type { Thread, ThreadPage } from "../../contract/thread.ts";
import { findManager } from "../agents/agents.ts";
import type { Reader } from "../database/write.ts";
import { addressOf } from "../forge/forge-items.ts";
import { agentsRepo } from "../forge/plan.ts";

/** The most rows of one page; its totals count all. */
const threadsShown = 100;

export type Viewer = AgentName | "operator";

export type Row = {
  kind: Thread["kind"];
  id: number;
  owner: string;
  summary: string;
  at: EpochMs;
  url: string | null;
  state: string | null;
  repo: string | null;
  role: string | null;
  other: Address | null;
};

// As the indexes say it, word for word: else SQLite does not use them.
const isOpenApproval = `state IN (${[...openApprovalStates].map((state) => `'${state}'`).join(", ")})`;
const isOpenQuestion = "state <> 'closed'";
/** One on hive/agents is an approval, and never also a pull request. */
const isOpenPull = `state = 'open' AND kind = 'pull' AND repo <> '${agentsRepo}'`;
const isReviewer = `reviewers <> '[]' AND instr(reviewers, '"' || :viewer || '"') > 0`;
const isNoReviewer = `instr(reviewers, '"' || :viewer || '"') = 0`;

/** What of each table somebody sees, and in which role. */
type Part = { from: "approvals" | "questions" | "forge_items"; role?: string; where: string };

const approvals = (whose: string): Part => ({ from: "approvals", where: `${isOpenApproval}${whose}` });
const asker = (whose: string): Part => ({ from: "questions", role: "asker", where: `${isOpenQuestion} AND ${whose}` });
const author = (whose: string): Part => ({ from: "forge_items", role: "author", where: `${isOpenPull} AND ${whose}` });
const target: Part = { from: "questions", role: "target", where: `${isOpenQuestion} AND target = :viewer` };
const reviewer: Part = { from: "forge_items", role: "reviewer", where: `${isOpenPull} AND ${isReviewer}` };

const views = {
  agent: [
    approvals(" AND submitter = :viewer"),
    asker("asker = :viewer"),
    target,
    author(`author = :viewer AND ${isNoReviewer}`),
    reviewer,
  ],
  /** sees the whole hive, each thing once */
  manager: [approvals(""), asker("target <> :viewer"), target, author(isNoReviewer), reviewer],
  /** owes each approval a review */
  operator: [approvals(""), target, author(`author = :viewer AND ${isNoReviewer}`), reviewer],
};

function columns({ from, role }: Part): string {
  switch (from) {
    case "approvals":
      return "'approval' AS kind, number AS id, submitter AS owner, summary, opened_at AS at, url, state, NULL AS repo, NULL AS role, NULL AS other";
    case "questions": {
      const [owner, other] = role === "asker" ? ["asker", "target"] : ["target", "asker"];
      return `'question' AS kind, id, ${owner} AS owner, substr(question, 1, 400) AS summary, opened_at AS at, url, state, NULL AS repo, '${role}' AS role, ${other} AS other`;
    }
    case "forge_items": {
      const owner = role === "author" ? "author" : ":viewer";
      const state = "CASE reviewers WHEN '[]' THEN 'open' ELSE 'review_requested' END";
      return `'pr' AS kind, number AS id, ${owner} AS owner, title AS summary, created_at AS at, url, ${state} AS state, repo, '${role}' AS role, NULL AS other`;
    }
  }
}

const rowsOf = (parts: readonly Part[]): string =>
  parts.map((part) => `SELECT ${columns(part)} FROM ${part.from} WHERE ${part.where}`).join(" UNION ALL ");

/** The rows of what an agent itself has to do with, as SQL: `kind`, `id`, `repo`, `at` and more of what `:viewer` sees. */
export const ownRows = rowsOf(views.agent);

const pageOf = (parts: readonly Part[]): string => `${rowsOf(parts)}
  ORDER BY at LIMIT ${threadsShown} OFFSET :offset`;

const totalsOf = (parts: readonly Part[]): string => {
  const count = (from: Part["from"]) =>
    parts
      .filter((part) => part.from === from)
      .map(({ where }) => `(SELECT count(*) FROM ${from} WHERE ${where})`)
      .join(" + ");
  return `SELECT ${count("approvals")} AS approval, ${count("questions")} AS question, ${count("forge_items")} AS pr,
    :viewer AS viewer`;
};

const statements = {
  agent: { page: pageOf(views.agent), totals: totalsOf(views.agent) },
  manager: { page: pageOf(views.manager), totals: totalsOf(views.manager) },
  operator: { page: pageOf(views.operator), totals: totalsOf(views.operator) },
};

/**
 * What an agent submitted, asked, owes, wrote or must review, oldest first; for the manager everything.
 * @param offset how many of the oldest to leave out
 */
export function openThreads(reader: Reader, viewer: Viewer, offset = 0): ThreadPage {
  const view = viewer === "operator" ? "operator" : viewer === findManager(reader)?.name ? "manager" : "agent";
  const { page, totals } = statements[view];
  const { approval, question, pr } = reader.get<ThreadPage["totals"]>(totals, { viewer }) as ThreadPage["totals"];
  return {
    threads: reader.all<Row>(page, { viewer, offset }).map(toThread),
    totals: { approval, question, pr },
  };
}

export function toThread({ kind, id, owner, summary, at: openedAt, url, state, repo, role, other }: Row): Thread {
  const common = { id, summary: firstLine(summary), openedAt };
  if (kind === "approval") return { kind, ...common, owner, state, url } as Thread;
  if (kind === "question") return { kind, ...common, owner, role, counterparty: other, url } as Thread;
  return { kind, ...common, owner: addressOf(owner), repo, role, state, url } as Thread;
}

const summaryCharacters = 200;

function firstLine(text: string): string {
  const [line = ""] = text.trim().split(/\r?\n/, 1);
  return line.length <= summaryCharacters ? line : `${line.slice(0, summaryCharacters - 1)}…`;
}
