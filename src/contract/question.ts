import { z } from "zod";
import { AgentName, EpochMs } from "./names.ts";

/** posting → open → closed; `posting` until the forge has the issue. */
export const QuestionState = z.enum(["posting", "open", "closed"]);
export type QuestionState = z.infer<typeof QuestionState>;

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
  options: z.array(z.string()),
  multi: z.boolean(),
  state: QuestionState,
  url: z.string().nullable(),
  openedAt: EpochMs,
  closedAt: EpochMs.nullable(),
});
export type Question = z.infer<typeof Question>;
