/** How a driver's turn ended, as one of the named outcomes; pure. */
import type { EpochMs } from "../contract/names.ts";
import type { Outcome } from "../contract/turn.ts";

/** What a driver reports; it never throws. */
export type DriverEnd =
  /** the agent said that its turn is over, and why */
  | { kind: "stopped"; reason: StopReason }
  /** it said that it failed; `retryAt` is when the limit passes that it has said it ran into */
  | { kind: "failed"; outcome: Outcome; problem: string; retryAt: EpochMs | null }
  /** its process is gone, or speaks no protocol any more */
  | { kind: "gone"; problem: string };

export type StopReason = "end_turn" | "max_tokens" | "max_turn_requests" | "refusal" | "cancelled";

/** Why we ended a turn ourselves. */
export type Cut = "stopped" | "cancelled" | "silent" | "too long";

export type Ended = { outcome: Outcome; problem: string | null; retryAt: EpochMs | null };

/**
 * A turn that came to its end although we had cut it off has ended well: that is what counts.
 * @param hasProduced whether the model has: OpenCode ends a turn as if nothing was that is cancelled while it waits to try
 *   again (1.18.33)
 */
export function outcomeOf(end: DriverEnd, cut: Cut | null, hasProduced: boolean): Ended {
  const hasEndedWell = end.kind === "stopped" && end.reason === "end_turn" && hasProduced;
  if (cut !== null && !hasEndedWell) return { ...ofCut[cut], retryAt: null };
  switch (end.kind) {
    case "stopped":
      return { ...ofReason[end.reason], retryAt: null };
    case "failed":
      return {
        outcome: end.outcome,
        problem: sentence(end.problem),
        retryAt: end.outcome === "rate_limited" ? end.retryAt : null,
      };
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

/** Words in which an agent is known to fail, and what they mean; the first that fits counts. */
export type Words = readonly (readonly [RegExp, Outcome])[];

/** One of the words, or one of the statuses of HTTP where it is meant as one: other numbers are lines, sizes and times. */
const withStatus = (words: string, statuses: string): RegExp =>
  new RegExp(`${words}|(^|\\(|(status|code|error|failed|http(/[\\d.]+)?)\\W{1,3})(${statuses})\\b`, "i");

/** What agents and model APIs say in common. */
const commonWords: Words = [
  [/prompt is too long|context.?(window|length|overflow)/i, "context_full"],
  // Not the budget of tokens to think, which is a parameter that a request may have wrong.
  [
    /budget[\w ]{0,20}(exceeded|exhausted|spent|used up)|(exceed|exhaust|reach|over|out of)[\w ]{0,30}budget\b/i,
    "budget",
  ],
  [withStatus("rate.?limit|too many requests", "429"), "rate_limited"],
  [withStatus("overloaded|internal server error|service unavailable|bad gateway", "500|502|503|529"), "overloaded"],
  [withStatus("unauthorized|not logged in|invalid api key", "401"), "needs_login"],
  [/ECONNREFUSED|ENOTFOUND|ETIMEDOUT|fetch failed|connection (refused|error)/i, "network"],
];

/** What a failure means that an agent has only in words; null: nobody knows. @param own what this agent says, tried first */
export const outcomeInWords = (message: string, own: Words): Outcome | null =>
  [...own, ...commonWords].find(([words]) => words.test(message))?.[1] ?? null;

/** A library's error text as a sentence for a person. */
function sentence(text: string): string {
  const line = text.trim().split("\n")[0]?.slice(0, 500) ?? "";
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?]$/.test(line) ? "" : "."}`;
}
