/** How an approval's way ends, or goes on outside of it; each is one write with its message. */
import { notify } from "../broker/send.ts";
import type { Transaction } from "../database/write.ts";
import type { Pull } from "../forge/client.ts";
import { agentsRepo, bot, operator } from "../forge/plan.ts";
import { ringItem } from "../forge/refresh.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import { setStatusOnce } from "./announce.ts";
import { type ApprovalRow, findApproval, moveApproval } from "./approvals.ts";

/** Merged, by us or by the operator: from here on `main` is what counts. */
export async function recordMerge(parts: LifecycleParts, pull: Pull): Promise<void> {
  const { core } = parts;
  await core.db.write((tx) => {
    const row = findApproval(tx, pull.number);
    const isOfAgent = row?.kind === "spawn" || row?.kind === "config";
    moveApproval(tx, core, pull.number, {
      state: isOfAgent ? "converging" : "deployed",
      problem: null,
      mergeCommit: pull.mergeCommit,
    });
    core.scheduler.enqueue(tx, "follow-main", "");
    ringItem(tx, core, agentsRepo, pull.number); // what the bot did rings no bell
  });
}

export async function deny(parts: LifecycleParts, row: ApprovalRow): Promise<void> {
  if (row.state === "denied") return;
  const comments = await parts.forge.as("hive-bot").listComments(agentsRepo, row.number);
  const last = comments.filter(({ user }) => user !== bot).at(-1);
  const reason = last?.body.trim() || "no reason was given";
  await parts.core.db.write((tx) => {
    moveApproval(tx, parts.core, row.number, { state: "denied", problem: reason });
    tell(tx, parts, row, `it was closed without being merged: ${reason}`);
  });
}

/** Only what is against `main` is acted on; merged elsewhere it starts nothing either. */
export const refuseBase = (parts: LifecycleParts, row: ApprovalRow, { base, state }: Pull): Promise<void> =>
  state === "merged"
    ? refuse(parts, row, `it was merged into ${base}, and only main counts. Propose it for main.`, "denied")
    : refuse(parts, row, `it is against ${base}, and only main counts. Close it, and propose it for main.`);

/** Nothing more is done with this head; the submitter hears why. */
export async function refuse(
  parts: LifecycleParts,
  row: ApprovalRow,
  problem: string,
  state: "refused" | "denied" = "refused",
): Promise<void> {
  await parts.core.db.write((tx) => {
    if (findApproval(tx, row.number)?.state === state) return;
    moveApproval(tx, parts.core, row.number, { state, problem });
    tell(tx, parts, row, `it was not carried out: ${problem}`);
  });
}

/** Merged, but `main` has no such agent (any more): nothing will come of it. */
export async function failApproval(
  parts: Pick<LifecycleParts, "core" | "forge">,
  number: number,
  problem: string,
): Promise<void> {
  const { core, forge } = parts;
  const row = core.db.read((reader) => findApproval(reader, number));
  if (row?.state !== "converging") return;
  const status = { state: "failure" as const, description: problem };
  await setStatusOnce(forge.as("hive-bot"), row.head, "hive/deploy", status);
  await core.db.write((tx) => {
    if (findApproval(tx, number)?.state !== "converging") return;
    tell(tx, parts, moveApproval(tx, core, number, { state: "failed", problem }), `it was merged, but ${problem}`);
  });
}

/** Tells the submitter, if that is an agent of ours. */
export function tell(tx: Transaction, parts: Pick<LifecycleParts, "core">, approval: ApprovalRow, text: string): void {
  if (approval.submitter === operator || approval.submitter === "system") return;
  const body = `Your proposal #${approval.number} (${approval.summary}): ${text}\n${approval.url}`;
  notify(tx, parts.core, { to: approval.submitter, body });
}
