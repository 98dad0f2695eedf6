/**
 * What Claude Code writes, as far as it matters here, and what is written to it. The protocol has no description but the types
 * of its Agent SDK; checked with Claude Code 2.1.332. Fields that are not named here are dropped, and so go no further:
 * among them are the account, the environment, and headers of MCP servers.
 */
import { z } from "zod";

const count = z.number().nonnegative();
const tokens = z.number().int().nonnegative();
/** as much of it as a record holds */
export const ModelName = z.string().transform((name) => name.slice(0, 200));
/** A field without which the line still means something. */
const optional = <Field extends z.ZodType>(field: Field) => field.optional().catch(undefined);

/** of one request to the model, or of a turn without its subagents */
const Tokens = z.object({
  input_tokens: optional(tokens),
  cache_creation_input_tokens: optional(tokens),
  cache_read_input_tokens: optional(tokens),
  output_tokens: optional(tokens),
});
export type Tokens = z.infer<typeof Tokens>;

const Block = z.object({
  type: z.string(),
  id: optional(z.string()),
  name: optional(z.string()),
  input: z.unknown().optional(),
  tool_use_id: optional(z.string()),
  is_error: optional(z.boolean()),
});
/** what is no list is one text */
const message = z.object({ model: optional(z.string()), content: z.array(Block).catch([]), usage: optional(Tokens) });

/** null but for what a subagent says or does */
const parent_tool_use_id = z.string().nullable().catch(null);

const Init = z.object({
  type: z.literal("system"),
  subtype: z.literal("init"),
  session_id: z.string().min(1).max(200),
  model: optional(ModelName),
});

const StreamEvent = z.object({
  type: z.literal("stream_event"),
  parent_tool_use_id,
  event: z.object({
    type: z.string(),
    delta: optional(z.object({ text: optional(z.string()), thinking: optional(z.string()) })),
  }),
});

/** `error` is the kind of a failure, `api_error` a finer one, of a message that Claude Code has written in the model's place. */
const Assistant = z.object({
  type: z.literal("assistant"),
  parent_tool_use_id,
  error: optional(z.string()),
  api_error: optional(z.string()),
  message,
});

/** a user's message, or the results of tools */
const User = z.object({ type: z.literal("user"), parent_tool_use_id, message });

/** of a subscription; `resetsAt` in seconds since 1970 */
const RateLimit = z.object({
  type: z.literal("rate_limit_event"),
  rate_limit_info: z.object({ status: z.string(), resetsAt: optional(z.number().positive().max(1e11)) }),
});

/** The end of a turn. `subtype: "success"` says only that it came to one: the API may have refused every request. */
const Result = z.object({
  type: z.literal("result"),
  subtype: z.string().catch(""),
  is_error: z.boolean().catch(false),
  stop_reason: z.string().nullable().catch(null),
  terminal_reason: optional(z.string()),
  /** of the prompts that it answers; absent for what failed before its turn, and in old versions */
  user_message_uuids: optional(z.array(z.string())),
  /** of a turn that nobody prompted */
  origin: optional(z.object({ kind: z.string() })),
  /** the last text, or what went wrong */
  result: optional(z.string()),
  errors: optional(z.array(z.string())),
  usage: optional(Tokens),
  /** by model; the second with what subagents and a compaction have cost */
  modelUsage: optional(z.record(z.string(), z.object({ contextWindow: optional(z.number().int().positive()) }))),
  model_usage_since_last_result: optional(z.record(z.string(), z.object({ costUSD: count }))),
});
export type Result = z.infer<typeof Result>;

const ControlResponse = z.object({
  type: z.literal("control_response"),
  response: z.object({
    subtype: z.string(),
    request_id: z.string(),
    error: optional(z.string()),
    response: z.unknown().optional(),
  }),
});

/** It asks us for something; `can_use_tool` is a request for permission. */
const ControlRequest = z.object({
  type: z.literal("control_request"),
  request_id: z.string(),
  request: z.object({
    subtype: z.string(),
    tool_name: optional(z.string()),
    input: optional(z.record(z.string(), z.unknown())),
  }),
});

/** Whatever fits none of these is a sign of life and nothing more. */
export const Line = z.union([StreamEvent, Assistant, User, Result, Init, RateLimit, ControlResponse, ControlRequest]);
export type Line = z.infer<typeof Line>;

/**
 * A prompt. `client_composed` keeps a text that begins with `/clear` or holds `@/path` from being carried out (measured:
 * without it the one wipes the conversation, the other puts that file into it).
 */
export const userLine = (uuid: string, texts: readonly string[]) => ({
  ...commandLine(uuid, texts),
  client_composed: true,
});

/** A prompt that is one of Claude Code's own commands. */
export const commandLine = (uuid: string, texts: readonly string[]) => ({
  type: "user",
  uuid,
  message: { role: "user", content: texts.map((text) => ({ type: "text", text })) },
  parent_tool_use_id: null,
});

export const controlLine = (id: string, request: object) => ({ type: "control_request", request_id: id, request });
export const answerLine = (id: string, response: object) => ({
  type: "control_response",
  response: { subtype: "success", request_id: id, response },
});
export const refusalLine = (id: string, error: string) => ({
  type: "control_response",
  response: { subtype: "error", request_id: id, error },
});
