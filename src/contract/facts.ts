/**
 * The events: every fact carries the full public row after the change, so that folding needs no other source. That a turn's
 * agent works, and then is idle again, is told by the turn alone.
 */
import { z } from "zod";
import { Agent } from "./agent.ts";
import { Approval } from "./approval.ts";
import { InboxEntry, Message, Queued } from "./message.ts";
import { AgentName, EpochMs, Sequence } from "./names.ts";
import { Pair } from "./pair.ts";
import { Question } from "./question.ts";
import { ThreadPage } from "./thread.ts";
import { Turn } from "./turn.ts";

/** How the forge answers, as seen from hived. */
export const ForgeHealth = z.object({
  kind: z.enum(["embedded", "managed", "external"]),
  url: z.string(),
  version: z.string().nullable(),
  /** what provisioning or a call is waiting for; null when all is well */
  problem: z.string().nullable(),
  /** why webhooks do not come, and what follows; null when they do, or when nobody has found out */
  hookProblem: z.string().nullable().default(null),
  /** how many items were fetched of those that have changed; null while there are but a few */
  catchingUp: z.object({ done: z.number().int(), of: z.number().int() }).nullable().default(null),
});
export type ForgeHealth = z.infer<typeof ForgeHealth>;

/** Why nothing can be stored just now, as a sentence, and since when. No fact tells of it: that would have to be stored. */
export const StorageTrouble = z.object({ problem: z.string(), since: EpochMs });
export type StorageTrouble = z.infer<typeof StorageTrouble>;

/** A piece of work that was given up, or fails again and again outside of us. */
export const WorkTrouble = z.object({
  id: z.number().int(),
  kind: z.string(),
  key: z.string(),
  attempts: z.number().int(),
  /** pending: it will be tried again at `dueAt`; failed: given up */
  state: z.enum(["pending", "failed"]),
  dueAt: EpochMs,
  lastError: z.string(),
});
export type WorkTrouble = z.infer<typeof WorkTrouble>;

export const Fact = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("AgentChanged"), agent: Agent }),
  /** `queued` is null in events from before it was told, each of whose entries has one of its own */
  z.object({ kind: z.literal("MessageSent"), message: Message, queued: Queued.nullable().default(null) }),
  z.object({ kind: z.literal("EntryChanged"), entry: InboxEntry }),
  z.object({ kind: z.literal("PairChanged"), pair: Pair }),
  z.object({ kind: z.literal("TurnStarted"), turn: Turn }),
  z.object({ kind: z.literal("TurnEnded"), turn: Turn }),
  z.object({ kind: z.literal("ApprovalChanged"), approval: Approval }),
  z.object({ kind: z.literal("QuestionChanged"), question: Question }),
  z.object({ kind: z.literal("ThreadsChanged"), agent: AgentName, page: ThreadPage }),
  z.object({ kind: z.literal("ForgeChanged"), forge: ForgeHealth }),
  z.object({ kind: z.literal("WorkTroubled"), work: WorkTrouble }),
  z.object({ kind: z.literal("WorkRecovered"), id: z.number().int() }),
  /** something done with the operator's authority, or to the hive as a whole; a sentence */
  z.object({ kind: z.literal("Note"), text: z.string() }),
]);
export type Fact = z.infer<typeof Fact>;
export type FactKind = Fact["kind"];

/** A fact in its place in the event log. */
export const Event = z.object({ sequence: Sequence, at: EpochMs, fact: Fact });
export type Event = z.infer<typeof Event>;
