/** What the end of a turn means: for the entries that it held, and for the agent. One policy per outcome. */
import type { TurnEnd } from "../../contract/link.ts";
import type { EpochMs } from "../../contract/names.ts";
import type { Evidence, Outcome } from "../../contract/turn.ts";
import type { HeldEntry, Settlement } from "./inbox.ts";
import { maxFailures, rateLimitRestMs, retryDelayMs } from "./limits.ts";
import { atOnce } from "./queues.ts";

/** A turn's end as the runner reports it, or as hived finds it when the runner is lost. */
export type End = Pick<TurnEnd, "outcome" | "problem" | "answeredMarks" | "retryAt" | "usage" | "requeues"> & {
  evidence: Evidence | null;
  session?: string | null;
};

/** handled: done with; cancelled: given up by the operator, who may have them queued again instead; released: queued again; counted: also a failure of the entry. */
type Fate = "handled" | "cancelled" | "released" | "counted";
/** until: not before a time that the turn's end named, or a rest of our own; stuck: until somebody helps. */
type Rest = "none" | "until" | "stuck";

const policy: Record<Outcome, { entries: Fate; agent: Rest; says: string }> = {
  ok: { entries: "handled", agent: "none", says: "" },
  no_evidence: { entries: "counted", agent: "none", says: "The turn ended without a sign that the model had run." },
  cancelled: { entries: "cancelled", agent: "none", says: "The operator cancelled the turn." },
  needs_login: { entries: "released", agent: "stuck", says: "It has to be logged in." },
  billing: { entries: "released", agent: "stuck", says: "Its account has a billing problem." },
  model_unavailable: { entries: "released", agent: "stuck", says: "Its model is not available." },
  budget: { entries: "released", agent: "stuck", says: "Its budget is used up." },
  refused: { entries: "released", agent: "stuck", says: "Its model refused the request." },
  rate_limited: { entries: "released", agent: "until", says: "Its model is rate limited." },
  overloaded: { entries: "counted", agent: "none", says: "The model was overloaded." },
  network: { entries: "counted", agent: "none", says: "The model could not be reached." },
  crashed: { entries: "counted", agent: "none", says: "The agent crashed." },
  stalled: { entries: "counted", agent: "none", says: "The agent went silent." },
  timed_out: { entries: "counted", agent: "none", says: "The turn took too long." },
  context_full: { entries: "counted", agent: "none", says: "The conversation had become too long." },
  lost: { entries: "released", agent: "none", says: "" },
};

/** Where an agent reports its usage, only tokens prove that the model ran: some write out a refusal of the API as text. */
export const isProven = (evidence: Evidence | null): boolean =>
  evidence !== null && (evidence.outputTokens ?? evidence.outputs) > 0;

/** An end that is said to be good is not without evidence. */
export const withEvidence = (end: End): End =>
  end.outcome === "ok" && !isProven(end.evidence) ? { ...end, outcome: "no_evidence" } : end;

/** Why the turn's entries were not handled, as a sentence; null when there is nothing to say. */
export const problemOf = (end: End): string | null => end.problem ?? (policy[end.outcome].says || null);

/**
 * What becomes of an entry that the turn held. One that `recv` handed out is handled only if the model produced something
 * after it, else it is queued again: an answer that came before the question answers nothing.
 */
export function settlementOf(end: End, entry: HeldEntry, now: EpochMs): Settlement {
  const fate = fateOf(end, entry);
  if (fate === "handled" || fate === "cancelled") return { ...same(entry), state: fate, problem: null };
  if (fate === "released") return { ...same(entry), state: "queued", notBefore: atOnce, problem: end.problem };
  const failures = entry.failures + 1;
  const problem = problemOf(end);
  if (failures >= maxFailures) return { ...same(entry), state: "dead", failures, problem };
  const notBefore = Math.max(now + retryDelayMs(failures), end.retryAt ?? 0) as EpochMs;
  return { state: "queued", failures, notBefore, problem };
}

const same = ({ failures, notBefore }: HeldEntry) => ({ failures, notBefore });

function fateOf(end: End, entry: HeldEntry): Fate {
  const { entries } = policy[end.outcome];
  if (entries === "cancelled" && end.requeues) return "released";
  if (entries !== "handled") return entries;
  return entry.mark === null || end.answeredMarks.includes(entry.mark) ? "handled" : "released";
}

/** Whether the turn speaks against its agent: it failed, or needs somebody before it can go on. */
export const hasFailed = (end: End): boolean =>
  policy[end.outcome].entries === "counted" || policy[end.outcome].agent === "stuck";

/** Until when the agent gets no further turn: null for not at all, "stuck" for until somebody helps. */
export function restAfter(end: End, now: EpochMs): EpochMs | "stuck" | null {
  const { agent } = policy[end.outcome];
  if (agent === "none") return null;
  if (agent === "stuck") return "stuck";
  return end.retryAt !== null && end.retryAt > now ? end.retryAt : ((now + rateLimitRestMs) as EpochMs);
}
