/** The table of approvals: one row for each pull request on hive/agents. */
import type { Approval, ApprovalKind, ApprovalState } from "../../contract/approval.ts";
import { openApprovalStates } from "../../contract/approval.ts";
import type { Address, EpochMs, ObjectId } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";

export type ApprovalRow = Omit<Approval, "openedAt" | "updatedAt"> & {
  openedAt: EpochMs;
  updatedAt: EpochMs;
  /** what merged it; null before that */
  mergeCommit: ObjectId | null;
  /** what it was judged by besides its head */
  circumstances: string;
};

type Stored = {
  number: number;
  kind: ApprovalKind;
  agent: string | null;
  submitter: Address;
  summary: string;
  head: ObjectId;
  state: ApprovalState;
  problem: string | null;
  permissions: string;
  url: string;
  opened_at: EpochMs;
  updated_at: EpochMs;
  course: string;
  merge_commit: ObjectId | null;
  circumstances: string;
};

const openStates = [...openApprovalStates].map((state) => `'${state}'`).join(", ");
const FIND = "SELECT * FROM approvals WHERE number = :number";
const OPEN = `SELECT * FROM approvals WHERE state IN (${openStates}) ORDER BY opened_at, number`;
const NEWEST = "SELECT * FROM (SELECT * FROM approvals ORDER BY number DESC LIMIT :limit) ORDER BY number";
const CONVERGING = "SELECT * FROM approvals WHERE state = 'converging' ORDER BY number";
const PUT = `INSERT INTO approvals (number, kind, agent, submitter, summary, head, state, problem, permissions, url, opened_at,
    updated_at, course, merge_commit, circumstances)
  VALUES (:number, :kind, :agent, :submitter, :summary, :head, :state, :problem, :permissions, :url, :opened_at,
    :updated_at, :course, :merge_commit, :circumstances)
  ON CONFLICT (number) DO UPDATE SET kind = :kind, agent = :agent, summary = :summary, head = :head, state = :state,
    problem = :problem, permissions = :permissions, url = :url, updated_at = :updated_at, course = :course,
    merge_commit = :merge_commit, circumstances = :circumstances`;

const fromStored = (row: Stored): ApprovalRow => ({
  number: row.number,
  kind: row.kind,
  agent: row.agent,
  submitter: row.submitter,
  summary: row.summary,
  head: row.head,
  state: row.state,
  problem: row.problem,
  permissions: JSON.parse(row.permissions),
  url: row.url,
  openedAt: row.opened_at,
  updatedAt: row.updated_at,
  course: JSON.parse(row.course),
  mergeCommit: row.merge_commit,
  circumstances: row.circumstances,
});

const toApproval = ({ mergeCommit: _commit, circumstances: _circumstances, ...approval }: ApprovalRow): Approval =>
  approval;

export function findApproval(reader: Reader, number: number): ApprovalRow | undefined {
  const row = reader.get<Stored>(FIND, { number });
  return row && fromStored(row);
}

/** Those that still wait for somebody, oldest first. */
export const openApprovals = (reader: Reader): ApprovalRow[] => reader.all<Stored>(OPEN).map(fromStored);

/** What is open, oldest first; or the one of that number, if there is one. */
export function readApprovals(reader: Reader, number: number | null): Approval[] {
  if (number === null) return openApprovals(reader).map(toApproval);
  const row = findApproval(reader, number);
  return row ? [toApproval(row)] : [];
}

/** Merged, and on the way to their agent. */
export const convergingApprovals = (reader: Reader): ApprovalRow[] => reader.all<Stored>(CONVERGING).map(fromStored);

/** The newest ones, oldest first. */
export const newestApprovals = (reader: Reader, limit: number): Approval[] =>
  reader.all<Stored>(NEWEST, { limit }).map(fromStored).map(toApproval);

/** Writes a row with its event; a new state is added to its course. Nothing is written when nothing differs. */
export function putApproval(
  tx: Transaction,
  core: Core,
  wanted: Omit<ApprovalRow, "course" | "updatedAt">,
): ApprovalRow {
  const before = findApproval(tx, wanted.number);
  const at = core.clock.now();
  const isNewState = before?.state !== wanted.state;
  const course = isNewState ? [...(before?.course ?? []), { state: wanted.state, at }] : before.course;
  const row: ApprovalRow = { ...wanted, course, updatedAt: before?.updatedAt ?? at };
  if (before && JSON.stringify(toStored(before)) === JSON.stringify(toStored(row))) return before;
  const changed = { ...row, updatedAt: at };
  tx.run(PUT, toStored(changed));
  core.events.append(tx, { kind: "ApprovalChanged", approval: toApproval(changed) }, at);
  return changed;
}

/** Moves an approval on, with its event. */
export function moveApproval(
  tx: Transaction,
  core: Core,
  number: number,
  change: Partial<Pick<ApprovalRow, "state" | "problem" | "mergeCommit" | "summary">>,
): ApprovalRow {
  const row = findApproval(tx, number);
  if (!row) throw new Error(`approval ${number} has no row`);
  return putApproval(tx, core, { ...row, ...change });
}

const toStored = (row: ApprovalRow): Stored => ({
  number: row.number,
  kind: row.kind,
  agent: row.agent,
  submitter: row.submitter,
  summary: row.summary,
  head: row.head,
  state: row.state,
  problem: row.problem,
  permissions: JSON.stringify(row.permissions),
  url: row.url,
  opened_at: row.openedAt,
  updated_at: row.updatedAt,
  course: JSON.stringify(row.course),
  merge_commit: row.mergeCommit,
  circumstances: row.circumstances,
});
