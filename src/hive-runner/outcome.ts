/** How a driver's turn ended, as one of the named outcomes; pure. */
import type { EpochMs } from "../contract/names.ts";
import type { Outcome } from "../contract/turn.ts";
import type { Profile } from "./profiles/profile.ts";

/** What a driver reports; it never throws. */
export type DriverEnd =
  /** the agent said that its turn is over, and why */
  | { kind: "stopped"; reason: StopReason }
  /** it answered with an error instead; `retryAt` is when the limit passes that it has said it ran into */
  | { kind: "error"; code: number; message: string; errorKind: string | null; retryAt: EpochMs | null }
  /** its process is gone, or speaks no protocol any more */
  | { kind: "gone"; problem: string };

type StopReason = "end_turn" | "max_tokens" | "max_turn_requests" | "refusal" | "cancelled";

/** Why we ended a turn ourselves. */
export type Cut = "stopped" | "cancelled" | "silent" | "too long";

export type Ended = { outcome: Outcome; problem: string | null; retryAt: EpochMs | null };

/** A turn that came to its end although we had cut it off has ended well: that is what counts. */
export function outcomeOf(end: DriverEnd, cut: Cut | null, profile: Profile): Ended {
  if (cut !== null && !(end.kind === "stopped" && end.reason === "end_turn")) return { ...ofCut[cut], retryAt: null };
  switch (end.kind) {
    case "stopped":
      return { ...ofReason[end.reason], retryAt: null };
    case "error": {
      const outcome = ofError(end, profile);
      return { outcome, problem: sentence(end.message), retryAt: outcome === "rate_limited" ? end.retryAt : null };
    }
    case "gone":
      return { outcome: "crashed", problem: sentence(end.problem), retryAt: null };
  }
}

type Said = Pick<Ended, "outcome" | "problem">;

const ofCut: Record<Cut, Said> = {
  stopped: { outcome: "lost", problem: "The agent was stopped during the turn." },
  cancelled: { outcome: "cancelled", problem: "The operator cancelled the turn." },
  silent: { outcome: "stalled", problem: "It gave no sign of life for too long." },
  "too long": { outcome: "timed_out", problem: "The turn took longer than is allowed." },
};

const ofReason: Record<StopReason, Said> = {
  end_turn: { outcome: "ok", problem: null },
  max_tokens: { outcome: "context_full", problem: "The model's limit of tokens was reached." },
  max_turn_requests: { outcome: "budget", problem: "The turn made as many requests to the model as it may." },
  refusal: { outcome: "refused", problem: "The model refused to go on." },
  cancelled: { outcome: "crashed", problem: "It broke its turn off by itself." }, // we did not ask it to
};

/** ACP's own code for "authentication required". */
const signInNeeded = -32_000;

/** Kinds of errors that ACP agents put into the error's data. */
const ofErrorKind: Record<string, Outcome> = {
  authentication_failed: "needs_login",
  billing_error: "billing",
  rate_limit: "rate_limited",
  server_error: "overloaded",
  overloaded: "overloaded",
  model_not_found: "model_unavailable",
};

/** What agents only say in words; the first that fits. */
const ofWords: readonly [RegExp, Outcome][] = [
  [/prompt is too long|context.?(window|length|overflow)/i, "context_full"],
  [/rate.?limit|too many requests|\b429\b/i, "rate_limited"],
  [/overloaded|\b(500|502|503|529)\b/i, "overloaded"],
  [/unauthorized|not logged in|invalid api key|\b401\b/i, "needs_login"],
  [/ECONNREFUSED|ENOTFOUND|ETIMEDOUT|fetch failed|connection (refused|error)/i, "network"],
];

function ofError(end: { code: number; message: string; errorKind: string | null }, profile: Profile): Outcome {
  if (end.code === signInNeeded || end.code === 401) return "needs_login";
  const byKind = end.errorKind === null ? undefined : ofErrorKind[end.errorKind];
  if (byKind) return byKind;
  return [...profile.errors, ...ofWords].find(([words]) => words.test(end.message))?.[1] ?? "crashed";
}

/** A library's error text as a sentence for a person. */
function sentence(text: string): string {
  const line = text.trim().split("\n")[0]?.slice(0, 500) ?? "";
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?]$/.test(line) ? "" : "."}`;
}
