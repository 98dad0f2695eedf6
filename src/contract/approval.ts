import { z } from "zod";
import { Address, EpochMs, ObjectId } from "./names.ts";

/** Derived from the changed paths; `other` is what the coordinator will not act on. */
export const ApprovalKind = z.enum(["spawn", "config", "destroy", "inputs", "decision", "other"]);
export type ApprovalKind = z.infer<typeof ApprovalKind>;

/**
 *   opened → waiting | invalid, once its head was judged; a new head, or opening it anew, begins again at opened, and so does
 *            another base, and a title that says by now that it is work in progress, or says so no more
 *   waiting ⇄ changes_requested, by the operator's reviews
 *   waiting → preparing → merging → converging → deployed | failed (then what ran before goes on running)
 *   merging → waiting, when head or approval are others by then
 *   preparing, merging → refused: it failed or is outdated, see `problem`; so is what is against another branch than main
 *   any before converging → denied: closed, or merged elsewhere; withdrawn: closed by whoever proposed it
 *                         → converging: merged by the operator; deployed at once where it is about no agent
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
  "withdrawn",
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
  /** the agent that it is about; null for inputs, decisions and what can't be acted on */
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
