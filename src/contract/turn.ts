import { z } from "zod";
import { AgentName, EpochMs, LaunchId, TurnId } from "./names.ts";

/** How a turn ended; `ok` still needs evidence before its entries count as handled. */
export const Outcome = z.enum([
  "ok",
  "cancelled",
  "needs_login",
  "billing",
  "model_unavailable",
  "budget",
  "rate_limited",
  "overloaded",
  "network",
  "crashed",
  "stalled",
  "timed_out",
  "context_full",
  "refused",
  /** the runner was lost or the agent was stopped under it: never counted as a failure */
  "lost",
]);
export type Outcome = z.infer<typeof Outcome>;

/** What shows that the model really ran; "the turn ended" does not (some agents report success when the API refused). */
export const Evidence = z.object({
  /** message chunks, thoughts and tool calls that the agent produced */
  outputs: z.number().int().nonnegative(),
  /** null where the agent reports no usage */
  outputTokens: z.number().int().nonnegative().nullable(),
});
export type Evidence = z.infer<typeof Evidence>;

/** A turn's public row. */
export const Turn = z.object({
  id: TurnId,
  agent: AgentName,
  launch: LaunchId,
  startedAt: EpochMs,
  endedAt: EpochMs.nullable(),
  outcome: Outcome.nullable(),
  evidence: Evidence.nullable(),
  problem: z.string().nullable(),
});
export type Turn = z.infer<typeof Turn>;
