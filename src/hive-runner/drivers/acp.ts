/** Driver `acp`: a coding agent that speaks the Agent Client Protocol, version 1, over its stdin and stdout. */
import { Readable, Writable } from "node:stream";
import {
  type ClientConnection,
  type ClientContext,
  client,
  type McpServer,
  methods,
  type NewSessionRequest,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { DriverSpec } from "../../contract/launch.ts";
import { EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { LiveEvent } from "../../contract/turn-log.ts";
import type { AgentProcess } from "../launch.ts";
import type { DriverEnd } from "../outcome.ts";
import type { Profile } from "../profiles/profile.ts";
import { profiles } from "../profiles/profiles.ts";
import { blockOf, type WakePrompt } from "../wake-prompt.ts";

/** A sign of life: what it shows, if anything, and whether the model produced it. */
export type Sign = { event: LiveEvent | null; isOutput: boolean };

export type Conversation = {
  readonly session: string;
  /** lost: there was one to continue, and the agent does not have it any more */
  readonly how: "new" | "continued" | "lost";
  /** the model that the agent says it uses */
  model(): string | null;
  /** Runs one turn; never rejects. */
  prompt(prompt: WakePrompt, onSign: (sign: Sign) => void): Promise<DriverEnd & Used>;
  /** Asks the agent to end its turn. */
  cancel(): void;
  /** What to prompt it with so that it makes the conversation smaller. @throws Refusal where it can't */
  compactPrompt(): WakePrompt;
  /** Has it use another of its models from the next turn on. @throws Refusal where it has no such model */
  setModel(model: string): Promise<void>;
};

/** What a turn used; each is null where the agent does not report it. Costs in US dollars. */
type Used = { inputTokens: number | null; outputTokens: number | null; costUsd: number | null };

/**
 * Opens the conversation that a driver spec names, or a new one.
 * @throws what the agent answers instead, or how its process ended
 */
export async function openConversation(process: AgentProcess, spec: DriverSpec): Promise<Conversation> {
  let onSign: ((sign: Sign) => void) | null = null; // what comes outside of a turn, such as a replayed history, is no sign
  const profile = profiles[spec.profile];
  let settings: Setting[] = [];
  let commands: string[] | null = null; // null: it has not said which it has
  let limitedUntil: EpochMs | null = null; // as far as it says so in this turn
  let costUsd: number | null = null; // of the whole conversation, as agents report it
  const note = (update: SessionUpdate) => {
    if (update.sessionUpdate === "usage_update" && update.cost?.currency === "USD") costUsd = update.cost.amount;
    if (update.sessionUpdate === "usage_update") limitedUntil = limitIn(update._meta) ?? limitedUntil;
    if (update.sessionUpdate === "config_option_update") settings = settingsIn(update) ?? settings;
    if (update.sessionUpdate === "available_commands_update")
      commands = update.availableCommands.map(({ name }) => `/${name}`);
    onSign?.(signOf(update));
  };
  const connection = client({ name: "hyperhive" })
    .onNotification(methods.client.session.update, ({ params }) => note(params.update))
    .onNotification("*", () => undefined)
    .onRequest(methods.client.session.requestPermission, ({ params }) => permit(params, profile))
    .connect(ndJsonStream(Writable.toWeb(process.stdin), Readable.toWeb(process.stdout) as ReadableStream<Uint8Array>));
  const { session, how, configured } = await openSession(connection.agent, spec).catch(async (error: unknown) => {
    if (!connection.signal.aborted) throw error;
    await process.end();
    throw new Error(await process.exited);
  });
  settings = settingsIn(configured) ?? settings;
  if (how !== "continued") costUsd ??= 0;
  return {
    session,
    how,
    model: () => modelAmong(settings)?.current ?? null,
    compactPrompt() {
      const command = profile.compactCommand;
      if (command === null || commands?.includes(command) === false) throw cannotCompact();
      return { trusted: command, messages: [] };
    },
    async setModel(model) {
      const setting = modelAmong(settings);
      if (!setting) throw noChoice();
      if (!setting.choices.includes(model)) throw unknownModel(model, setting.choices);
      settings =
        settingsIn(await choose(connection.agent, { sessionId: session, configId: setting.id, value: model })) ??
        settings;
    },
    cancel() {
      connection.agent.notify(methods.agent.session.cancel, { sessionId: session }).catch(() => connection.close());
    },
    async prompt(prompt, tell) {
      onSign = tell;
      limitedUntil = null;
      const before = costUsd;
      const ended = await runPrompt(connection, session, { prompt, limit: () => limitedUntil });
      const end = { ...ended, costUsd: risen(before, costUsd) };
      onSign = null;
      if (end.kind !== "gone") return end;
      await process.end(); // it may live on, but there is no way to speak with it
      return { ...end, problem: `its process is gone: ${await process.exited}` };
    },
  };
}

/** `configured` is what the agent says of its settings. */
type Opened = Pick<Conversation, "session" | "how"> & { configured: unknown };

async function openSession(agent: ClientContext, spec: DriverSpec): Promise<Opened> {
  const { agentCapabilities, protocolVersion } = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: {},
    clientInfo: { name: "hyperhive", version: "1" },
  });
  if (protocolVersion !== PROTOCOL_VERSION)
    throw new Error(`it speaks version ${protocolVersion} of the protocol, not ${PROTOCOL_VERSION}`);
  const request: NewSessionRequest = { cwd: spec.cwd, mcpServers: spec.mcpServers.map(toMcpServer) };
  if (spec.session !== null) {
    const sessionId = spec.session;
    const canResume = Boolean(agentCapabilities?.sessionCapabilities?.resume);
    const canLoad = !canResume && agentCapabilities?.loadSession === true;
    const again = { ...request, sessionId };
    const asked = canResume
      ? agent.request(methods.agent.session.resume, again)
      : canLoad && agent.request(methods.agent.session.load, again);
    const there = asked && (await ifThere(asked));
    if (there) return { session: sessionId, how: "continued", configured: there.answer };
  }
  const answer = await agent.request(methods.agent.session.new, request);
  return { session: answer.sessionId, how: spec.session === null ? "new" : "lost", configured: answer };
}

const toMcpServer = ({ name, command, args, env }: DriverSpec["mcpServers"][number]): McpServer => ({
  name,
  command,
  args,
  env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
});

/** The answer when a conversation could be continued: agents lose theirs in many ways, and say so with any error. */
async function ifThere(asked: Promise<unknown>): Promise<{ answer: unknown } | undefined> {
  try {
    return { answer: await asked };
  } catch (error) {
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}

const Choice = z.object({ value: z.string() });
const Settings = z.object({
  configOptions: z.array(
    z.object({
      id: z.string(),
      category: z.unknown(),
      currentValue: z.unknown(),
      /** choices, or groups of them */
      options: z.array(z.union([Choice, z.object({ options: z.array(Choice) })])).catch([]),
    }),
  ),
});
type Setting = z.infer<typeof Settings>["configOptions"][number];

/** What an agent says of its settings; undefined when it says nothing of them. */
const settingsIn = (said: unknown): Setting[] | undefined => Settings.safeParse(said).data?.configOptions;

/** The choice of the model among an agent's settings, as far as it offers one. */
function modelAmong(
  settings: readonly Setting[],
): { id: string; current: string | null; choices: string[] } | undefined {
  const setting = settings.find(({ category }) => category === "model");
  if (!setting) return undefined;
  const { id, currentValue, options } = setting;
  const choices = options
    .flatMap((option) => ("value" in option ? [option] : option.options))
    .map(({ value }) => value);
  return { id, current: typeof currentValue === "string" ? currentValue.slice(0, 200) : null, choices };
}

/** @throws Refusal with the agent's own words when it does not want to */
async function choose(agent: ClientContext, choice: { sessionId: string; configId: string; value: string }) {
  try {
    return await agent.request(methods.agent.session.setConfigOption, choice);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new Refusal(
      "model_refused",
      `Its coding agent does not take that model: ${error.message}`,
      "Choose another.",
    );
  }
}

const cannotCompact = () =>
  new Refusal(
    "cannot_compact",
    "Its coding agent has no command that makes its conversation smaller.",
    "Begin a new conversation instead.",
  );
const noChoice = () =>
  new Refusal("no_models", "Its coding agent offers no choice of models.", "It goes on with the one that it has.");
const unknownModel = (model: string, choices: readonly string[]) =>
  new Refusal("unknown_model", `Its coding agent has no model "${model}".`, `Choose one of: ${choices.join(", ")}.`);

const tokens = z.number().int().nonnegative();
/** `usage` is not in the stable protocol yet, but agents that know it send it. */
const PromptAnswer = z.object({
  stopReason: z.enum(["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"]),
  usage: z.object({ outputTokens: tokens, inputTokens: tokens.nullish() }).nullish(),
});
/** What agents of Claude tell of a limit, besides the standard: when it passes, in seconds since 1970. */
const Limit = z.object({
  "_claude/rateLimit": z.object({ status: z.literal("rejected"), resetsAt: z.number().int().positive().max(1e11) }),
});
function limitIn(said: unknown): EpochMs | null {
  const limit = Limit.safeParse(said).data?.["_claude/rateLimit"];
  return limit ? EpochMs.parse(limit.resetsAt * 1000) : null;
}

const ErrorData = z.object({ errorKind: z.string() });

/** @param limit until when the agent is refused, as it has told by the end of the prompt */
async function runPrompt(
  connection: ClientConnection,
  session: string,
  { prompt: { trusted, messages }, limit }: { prompt: WakePrompt; limit: () => EpochMs | null },
) {
  const blocks = [trusted, ...messages.map(blockOf)].map((text) => ({ type: "text" as const, text }));
  try {
    const answer = await connection.agent.request<unknown>(methods.agent.session.prompt as string, {
      sessionId: session,
      prompt: blocks,
    });
    const { stopReason, usage } = PromptAnswer.parse(answer);
    const used = { inputTokens: usage?.inputTokens ?? null, outputTokens: usage?.outputTokens ?? null };
    return { kind: "stopped" as const, reason: stopReason, ...used };
  } catch (error) {
    return { ...endOf(error, limit()), inputTokens: null, outputTokens: null };
  }
}

const risen = (from: number | null, to: number | null): number | null =>
  from !== null && to !== null && to > from ? to - from : null;

function endOf(error: unknown, retryAt: EpochMs | null): DriverEnd {
  if (error instanceof z.ZodError)
    return {
      kind: "error",
      code: 0,
      message: "it ended its turn with an answer that is none",
      errorKind: null,
      retryAt,
    };
  if (!(error instanceof RequestError)) return { kind: "gone", problem: String(error) };
  const data = ErrorData.safeParse(error.data);
  return {
    kind: "error",
    code: error.code,
    message: error.message,
    errorKind: data.data?.errorKind ?? null,
    retryAt,
  };
}

/** The choice that lasts the shortest, of the kind that the profile wants. */
function permit({ options }: RequestPermissionRequest, { permissions }: Profile): RequestPermissionResponse {
  const wanted = [`${permissions}_once`, `${permissions}_always`];
  const option = wanted.flatMap((kind) => options.find((each) => each.kind === kind) ?? []).at(0);
  return { outcome: option ? { outcome: "selected", optionId: option.optionId } : { outcome: "cancelled" } };
}

/** Chunks, thoughts and new tool calls come from the model; an update of a tool call comes from the tool. */
function signOf(update: SessionUpdate): Sign {
  switch (update.sessionUpdate) {
    case "agent_message_chunk":
      return { event: { kind: "text", text: textOf(update.content) }, isOutput: true };
    case "agent_thought_chunk":
      return { event: { kind: "thought", text: textOf(update.content) }, isOutput: true };
    case "tool_call":
      return { event: toolEvent(update.toolCallId, update.title, update.status), isOutput: true };
    case "tool_call_update":
      return { event: toolEvent(update.toolCallId, update.title, update.status), isOutput: false };
    default:
      return { event: null, isOutput: false };
  }
}

const textOf = (content: { type: string; text?: unknown }): string =>
  content.type === "text" && typeof content.text === "string" ? content.text : `[${content.type}]`;

const toolEvent = (id: string, title: string | null | undefined, status: string | null | undefined): LiveEvent => ({
  kind: "tool",
  id,
  title: title ?? "",
  status: status ?? "",
});
