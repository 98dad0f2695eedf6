import { z } from "zod";
import { Address, EpochMs, ObjectId } from "./names.ts";

/** Derived from the changed paths; `other` is what the coordinator will not act on. */
export const ApprovalKind = z.enum(["spawn", "config", "destroy", "inputs", "decision", "other"]);
export type ApprovalKind = z.infer<typeof ApprovalKind>;

/**
 * opened → invalid ⇄ waiting (a push is validated anew) → preparing → merging → converging → deployed;
 * waiting → changes_requested → (push) waiting; preparing → refused (failed or outdated, see `problem`) → (push) waiting;
 * converging → failed, while what ran before goes on running; any before merging → denied (closed unmerged).
 */
export const ApprovalState = z.enum([
  "opened",
  "invalid",
  "waiting",
  "changes_requested",
  "preparing",
  "merging",
  "converging",
  "deployed",
  "failed",
  "refused",
  "denied",
]);
export type ApprovalState = z.infer<typeof ApprovalState>;

/** States in which an approval is an open thread: somebody still has to do something. */
export const openApprovalStates: ReadonlySet<ApprovalState> = new Set<ApprovalState>([
  "opened",
  "invalid",
  "waiting",
  "changes_requested",
  "preparing",
  "merging",
  "converging",
  "refused",
]);

/** A pull request on hive/agents, as an approval. `number` is the pull request's. */
export const Approval = z.object({
  number: z.number().int(),
  kind: ApprovalKind,
  /** the agent that it is about; null for inputs, decisions and what does not parse */
  agent: z.string().nullable(),
  /** forge user who opened it: an agent, the operator, or `system` for our own bot */
  submitter: Address,
  summary: z.string(),
  head: ObjectId,
  state: ApprovalState,
  problem: z.string().nullable(),
  /** what would be allowed, one plain sentence each */
  permissions: z.array(z.string()),
  url: z.string(),
  openedAt: EpochMs,
  updatedAt: EpochMs,
  /** when a state was entered, in order: the approval's course */
  course: z.array(z.object({ state: ApprovalState, at: EpochMs })),
});
export type Approval = z.infer<typeof Approval>;
