import { z } from "zod";
import { Address, AgentName, EpochMs } from "./names.ts";

/** posting → open → closed; `posting` until the forge has the issue. */
export const QuestionState = z.enum(["posting", "open", "closed"]);
export type QuestionState = z.infer<typeof QuestionState>;

/** How it was closed: `unanswered` by somebody on the forge without a word. */
export const QuestionOutcome = z.enum(["answered", "unanswered", "expired", "cancelled"]);
export type QuestionOutcome = z.infer<typeof QuestionOutcome>;

export const QuestionTarget = z.union([AgentName, z.literal("operator")]);
export type QuestionTarget = z.infer<typeof QuestionTarget>;

/** An issue in hive/questions. */
export const Question = z.object({
  id: z.number().int(),
  /** the number; null while it is being posted */
  number: z.number().int().nullable(),
  asker: AgentName,
  target: QuestionTarget,
  question: z.string(),
  /** what the target should know to answer it */
  context: z.string().nullable().default(null),
  options: z.array(z.string()),
  multi: z.boolean(),
  /** when it is closed if nobody has answered */
  deadline: EpochMs.nullable().default(null),
  state: QuestionState,
  /** null while it waits, and of one that an older hive closed */
  outcome: QuestionOutcome.nullable().default(null),
  answer: z.string().nullable().default(null),
  answeredBy: Address.nullable().default(null),
  url: z.string().nullable(),
  openedAt: EpochMs,
  closedAt: EpochMs.nullable(),
});
export type Question = z.infer<typeof Question>;
