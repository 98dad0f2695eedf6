/** What an ACP agent answers instead of the end of a turn, as one of the named outcomes. */
import { RequestError } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { EpochMs } from "../../contract/names.ts";
import type { Outcome } from "../../contract/turn.ts";
import { type DriverEnd, outcomeInWords, type Words } from "../outcome.ts";

/** ACP's own code for "authentication required"; Gemini answers a bad key with the code of HTTP. */
const signInNeeded = [-32_000, 401];

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

export function outcomeOfError({ code, message, data }: RequestError, words: Words): Outcome {
  if (signInNeeded.includes(code)) return "needs_login";
  const byKind = ofErrorKind[ErrorData.safeParse(data).data?.errorKind ?? ""];
  return byKind ?? outcomeInWords(message, words);
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
