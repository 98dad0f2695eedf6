/** What an ACP agent answers instead of the good end of a turn, as one of the named outcomes. */
import { RequestError } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { EpochMs } from "../../contract/names.ts";
import type { Outcome } from "../../contract/turn.ts";
import { type DriverEnd, outcomeInWords, type Words } from "../outcome.ts";

/** ACP's own code for "authentication required"; Gemini answers a bad key with the code of HTTP. */
const signInNeeded: readonly number[] = [-32_000, 401];

export const isSignedOut = (error: unknown): boolean =>
  error instanceof RequestError && signInNeeded.includes(error.code);

/** Kinds of errors that ACP agents put into the error's data. */
const ofErrorKind: Record<string, Outcome> = {
  authentication_failed: "needs_login",
  billing_error: "billing",
  rate_limit: "rate_limited",
  server_error: "overloaded",
  overloaded: "overloaded",
  model_not_found: "model_unavailable",
};

const ErrorData = z.object({ errorKind: z.string() });

/** @param retryAt when the limit passes that the agent has told of in this turn */
export function failureOf(error: unknown, words: Words, retryAt: EpochMs | null): DriverEnd {
  if (error instanceof z.ZodError)
    return { kind: "failed", outcome: "crashed", problem: "it ended its turn with an answer that is none", retryAt };
  if (!(error instanceof RequestError)) return { kind: "gone", problem: String(error) };
  return { kind: "failed", outcome: outcomeOfError(error, words), problem: error.message, retryAt };
}

export function outcomeOfError(error: RequestError, words: Words): Outcome {
  if (isSignedOut(error)) return "needs_login";
  const byKind = ofErrorKind[ErrorData.safeParse(error.data).data?.errorKind ?? ""];
  return byKind ?? outcomeInWords(error.message, words) ?? "crashed";
}

/** JetBrains' extension, which Codex' and Claude's adapters have (2.6.0, 0.101.0): how a turn failed that has ended. */
const SessionFailure = z.object({
  jetbrains: z.object({
    air: z.object({
      sessionFailure: z.object({
        category: z.string(),
        severity: z.string(),
        title: z.string(),
        actions: z.array(z.string()).catch([]),
      }),
    }),
  }),
});

/** The failure that the end of a turn tells of; null when it tells of none. */
export function failureIn(said: unknown, words: Words, retryAt: EpochMs | null): DriverEnd | null {
  const failure = SessionFailure.safeParse(said).data?.jetbrains.air.sessionFailure;
  if (failure?.severity !== "error") return null;
  const outcome = outcomeInWords(failure.title, words) ?? ofCategory(failure.category, failure.actions);
  return { kind: "failed", outcome, problem: failure.title, retryAt };
}

/** What would help tells the limits apart: time, a conversation that is shorter, or somebody who pays. */
function ofCategory(category: string, actions: readonly string[]): Outcome {
  switch (category) {
    case "access":
      return "needs_login";
    case "connection":
      return "network";
    case "service":
      return "overloaded";
    case "request":
      return "refused";
    case "limit":
      return actions.includes("retry") ? "rate_limited" : actions.includes("new_session") ? "context_full" : "billing";
    default:
      return "crashed";
  }
}

/** What agents of Claude tell of a limit, besides the standard: when it passes, in seconds since 1970. */
const Limit = z.object({
  "_claude/rateLimit": z.object({ status: z.literal("rejected"), resetsAt: z.number().int().positive().max(1e11) }),
});

/** When a limit passes that an update tells of; null when it tells of none. */
export function limitIn(said: unknown): EpochMs | null {
  const limit = Limit.safeParse(said).data?.["_claude/rateLimit"];
  return limit ? EpochMs.parse(limit.resetsAt * 1000) : null;
}
