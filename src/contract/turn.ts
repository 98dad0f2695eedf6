import { z } from "zod";
import { EntryState, InboxEntry } from "./message.ts";
import { Address, AgentName, EntryId, EpochMs, LaunchId, MessageId, TurnId } from "./names.ts";
import { TurnLog } from "./turn-log.ts";

/** How a turn ended. */
export const Outcome = z.enum([
  "ok",
  /** what the runner reports as `ok`, and nothing shows that the model ran */
  "no_evidence",
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

/** How full a conversation is: what it takes of the model's window, in tokens. */
export const Context = z.object({ tokens: z.number().int().nonnegative(), window: z.number().int().positive() });
export type Context = z.infer<typeof Context>;

/** What a turn used; each is null where the agent does not say. Its output tokens are in its evidence. */
export const Usage = z.object({
  model: z.string().max(200).nullable(),
  inputTokens: z.number().int().nonnegative().nullable(),
  /** in US dollars */
  costUsd: z.number().nonnegative().nullable(),
  /** at its end; left out where the agent does not say */
  context: Context.optional(),
});
export type Usage = z.infer<typeof Usage>;

/** A turn's public row. */
export const Turn = z.object({
  id: TurnId,
  agent: AgentName,
  launch: LaunchId,
  /** the oldest of the messages that it began with; null in records from before this was kept */
  trigger: z.object({ message: MessageId, from: Address }).nullable(),
  /** how many messages it began with; once it has ended, how many it held */
  messages: z.number().int(),
  startedAt: EpochMs,
  endedAt: EpochMs.nullable(),
  outcome: Outcome.nullable(),
  evidence: Evidence.nullable(),
  usage: Usage,
  /** the conversation that the next turn continues */
  session: z.string().nullable(),
  problem: z.string().nullable(),
});
export type Turn = z.infer<typeof Turn>;

/** The order of turns: of those that began in the same millisecond, their ids'. */
export const byStart = (a: Turn, b: Turn): number => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1);

/** Whether the coding agent has begun it by itself. */
export const isOwnTurn = ({ trigger, messages, endedAt }: Turn): boolean =>
  trigger === null && messages === 0 && endedAt !== null;

/** A message that a turn holds or held. */
export const TurnMessage = z.object({
  entry: EntryId,
  message: MessageId,
  from: Address,
  /** whether it began the turn; else `recv` fetched it */
  isTrigger: z.boolean(),
  /** what the turn's end made of it; `leased` while the turn runs */
  became: EntryState,
  /** the delivery as it is now, and the beginning of the text; null once they are forgotten */
  now: z.object({ delivery: InboxEntry, beginning: z.string() }).nullable(),
});
export type TurnMessage = z.infer<typeof TurnMessage>;

/** A turn's whole record. `log` is null while it runs, when nothing was shown, and when it is not kept any more. */
export const TurnRecord = z.object({ turn: Turn, messages: z.array(TurnMessage), log: TurnLog.nullable() });
export type TurnRecord = z.infer<typeof TurnRecord>;
