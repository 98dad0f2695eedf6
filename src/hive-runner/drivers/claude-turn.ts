/** What the lines of a turn of Claude Code show, and how it ended; pure. */
import { EpochMs } from "../../contract/names.ts";
import type { Outcome } from "../../contract/turn.ts";
import type { LiveEvent } from "../../contract/turn-log.ts";
import { type DriverEnd, outcomeInWords } from "../outcome.ts";
import type { Line, Result, Tokens } from "./claude-lines.ts";
import type { Sign, Used } from "./driver.ts";

/** What is told during a turn and left out at its end. */
export type Told = {
  /** kinds of the failure that the newest message tells of */
  error: string | null;
  apiError: string | null;
  limitedUntil: EpochMs | null;
  /** of the newest request to the model: which one, and how much it has read */
  read: { model: string; tokens: number } | null;
};

export const nothingTold: Told = { error: null, apiError: null, limitedUntil: null, read: null };

export function noteTold(told: Told, line: Line): Told {
  if (line.type === "assistant" && line.parent_tool_use_id === null)
    return { ...told, error: line.error ?? null, apiError: line.api_error ?? null, read: readIn(line) ?? told.read };
  if (line.type !== "rate_limit_event") return told;
  const { status, resetsAt } = line.rate_limit_info;
  if (status !== "rejected" || resetsAt === undefined) return told;
  return { ...told, limitedUntil: EpochMs.parse(Math.ceil(resetsAt * 1000)) };
}

/** A sign of life and nothing more. */
export const nothingSeen: Sign = { event: null, isOutput: false };

/** Text and thoughts come in pieces, as the model writes them; a call of a tool comes whole. Null: it is not known. */
export function signsOf(line: Line | null): Sign[] {
  if (line?.type === "stream_event") return [pieceOf(line)];
  if (line?.type === "assistant") return atLeastOne(line.message.content.flatMap(callIn));
  if (line?.type === "user") return atLeastOne(line.message.content.flatMap(resultIn));
  return [nothingSeen];
}

const atLeastOne = (signs: Sign[]): Sign[] => (signs.length > 0 ? signs : [nothingSeen]);

function pieceOf({ event: { delta }, parent_tool_use_id }: Extract<Line, { type: "stream_event" }>): Sign {
  const { text, thinking } = delta ?? {};
  if (!text && !thinking) return nothingSeen;
  if (parent_tool_use_id !== null) return { event: null, isOutput: true }; // a subagent speaks to the agent, not to us
  return { event: text ? { kind: "text", text } : { kind: "thought", text: thinking ?? "" }, isOutput: true };
}

type Block = Extract<Line, { type: "assistant" }>["message"]["content"][number];

const callIn = ({ type, id = "", name = "", input }: Block): Sign[] =>
  type === "tool_use" ? [{ event: toolEvent(id, `${name}${inputOf(input)}`, "in_progress"), isOutput: true }] : [];

const resultIn = ({ type, tool_use_id = "", is_error }: Block): Sign[] =>
  type === "tool_result"
    ? [{ event: toolEvent(tool_use_id, "", is_error ? "failed" : "completed"), isOutput: false }]
    : [];

const toolEvent = (id: string, title: string, status: string): LiveEvent => ({ kind: "tool", id, title, status });

/** Of a call's input: what names it best, in one line. */
function inputOf(input: unknown): string {
  if (typeof input !== "object" || input === null) return "";
  const [first] = Object.values(input).filter((value) => typeof value === "string" && value !== "");
  return first === undefined ? "" : `: ${String(first).split("\n")[0]?.slice(0, 300)}`;
}

/** @param told by the lines before */
export function endOf(result: Result, told: Told): DriverEnd & Used {
  return { ...howItEnded(result, told), ...used(result, told) };
}

function howItEnded(result: Result, told: Told): DriverEnd {
  const { is_error, subtype, stop_reason, terminal_reason = "" } = result;
  if (terminal_reason.startsWith("aborted_")) return { kind: "stopped", reason: "cancelled" };
  if (subtype === "error_max_turns") return { kind: "stopped", reason: "max_turn_requests" };
  if (stop_reason === "max_tokens" || stop_reason === "refusal") return { kind: "stopped", reason: stop_reason };
  if (is_error || told.error !== null || subtype !== "success") return failureOf(result, told);
  return { kind: "stopped", reason: "end_turn" };
}

/** `error` of a message in the model's place, or why the turn was broken off. */
const ofKind: Record<string, Outcome> = {
  authentication_failed: "needs_login",
  oauth_org_not_allowed: "needs_login",
  verification_required: "needs_login",
  cloud_credential_error: "needs_login",
  account_on_hold: "billing",
  billing_error: "billing",
  rate_limit: "rate_limited",
  overloaded: "overloaded",
  server_error: "overloaded",
  model_not_found: "model_unavailable",
  max_output_tokens: "context_full",
  connection_failed: "network",
  prompt_too_long: "context_full",
  blocking_limit: "context_full",
  rapid_refill_breaker: "context_full",
  budget_exhausted: "budget",
  error_max_budget_usd: "budget",
};

/** What it tells a person at its terminal, who is not there. */
const itsOwnAdvice = / · (Please run \/login|Fix external API key)$/;
const ourAdvice = ": sign it in on its page, or by `hive agent login`";

function failureOf({ subtype, terminal_reason = "", result, errors = [] }: Result, told: Told): DriverEnd {
  const problem = result || errors[0] || "it ended its turn with an error and no reason";
  const [kind] = [told.apiError, terminal_reason, subtype, told.error].filter(
    (each) => each !== null && each in ofKind,
  );
  const outcome = (kind && ofKind[kind]) || outcomeInWords(problem, []) || "crashed";
  return { kind: "failed", outcome, problem: problem.replace(itsOwnAdvice, ourAdvice), retryAt: told.limitedUntil };
}

/** Null for a message that no model has written. */
function readIn({ error, message: { model, usage } }: Extract<Line, { type: "assistant" }>): Told["read"] {
  return error === undefined && model && usage ? { model, tokens: inputTokens(usage) } : null;
}

const used = ({ usage, modelUsage, model_usage_since_last_result: byModel }: Result, { read }: Told): Used => ({
  ...contextOf(read, modelUsage),
  inputTokens: usage ? inputTokens(usage) : null,
  outputTokens: usage?.output_tokens ?? null,
  costUsd: byModel ? Object.values(byModel).reduce((sum, { costUSD }) => sum + costUSD, 0) : null,
});

function contextOf(read: Told["read"], models: Result["modelUsage"]): Pick<Used, "context"> {
  const window = read && models?.[read.model]?.contextWindow;
  return read && window ? { context: { tokens: read.tokens, window } } : {};
}

/** What the model has read, what it knew already included. */
const inputTokens = (tokens: Tokens): number =>
  (tokens.input_tokens ?? 0) + (tokens.cache_creation_input_tokens ?? 0) + (tokens.cache_read_input_tokens ?? 0);
