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
import type { EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { LiveEvent } from "../../contract/turn-log.ts";
import type { AgentProcess } from "../launch.ts";
import type { StopReason, Words } from "../outcome.ts";
import type { Profile } from "../profiles/profile.ts";
import { profiles } from "../profiles/profiles.ts";
import { blockOf, type WakePrompt } from "../wake-prompt.ts";
import { failureOf, limitIn } from "./acp-failure.ts";
import { chooseModel, modelAmong, type Setting, settingsIn } from "./acp-settings.ts";
import type { Conversation, Driver, Ears, Sign } from "./driver.ts";

type AcpSpec = Extract<DriverSpec, { kind: "acp" }>;

export const acpDriver: Driver<AcpSpec> = { argumentsFor: () => [], open };

async function open(process: AgentProcess, spec: AcpSpec, { onUnasked, prompt: told }: Ears): Promise<Conversation> {
  let onSign: ((sign: Sign) => void) | null = null;
  let isOpen = false; // a history that is replayed before is nothing that happens now
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
    const sign = signOf(update);
    if (onSign) onSign(sign);
    else if (isOpen && sign.event) onUnasked(sign.event);
  };
  const connection = client({ name: "hyperhive" })
    .onNotification(methods.client.session.update, ({ params }) => note(params.update))
    .onNotification("*", () => undefined)
    .onRequest(methods.client.session.requestPermission, ({ params }) => permit(params, profile))
    .connect(ndJsonStream(Writable.toWeb(process.stdin), Readable.toWeb(process.stdout) as ReadableStream<Uint8Array>));
  const { session, how, configured, isTold } = await openSession(connection.agent, spec, told).catch(
    async (error: unknown) => {
      if (!connection.signal.aborted) throw error;
      await process.end();
      throw new Error(await process.exited);
    },
  );
  settings = settingsIn(configured) ?? settings;
  if (how !== "continued") costUsd ??= 0;
  const setModel = async (model: string) => {
    settings = (await chooseModel(connection.agent, session, settings, model)) ?? settings;
  };
  if (spec.model !== null && spec.model !== modelAmong(settings)?.current) await setModel(spec.model);
  isOpen = true;
  // Who can be told in no other way is told with the first messages; a command of its own has to stand alone.
  let untold = isTold || profile.readsPromptFile || how === "continued" ? null : told;
  const tellWith = (prompt: WakePrompt): WakePrompt => {
    if (untold === null || prompt.messages.length === 0) return prompt;
    const trusted = `${untold}\n${prompt.trusted}`;
    untold = null;
    return { ...prompt, trusted };
  };
  return {
    session,
    how,
    model: () => modelAmong(settings)?.current ?? null,
    compactPrompt() {
      const command = profile.compactCommand;
      if (command === null || commands?.includes(command) === false) throw cannotCompact();
      return { trusted: command, messages: [] };
    },
    setModel,
    cancel() {
      connection.agent.notify(methods.agent.session.cancel, { sessionId: session }).catch(() => connection.close());
    },
    async prompt(prompt, tell) {
      onSign = tell;
      limitedUntil = null;
      const before = costUsd;
      const ended = await runPrompt(connection, session, {
        prompt: tellWith(prompt),
        words: profile.errors,
        limit: () => limitedUntil,
      });
      const end = { ...ended, costUsd: risen(before, costUsd) };
      onSign = null;
      if (end.kind !== "gone") return end;
      await process.end(); // it may live on, but there is no way to speak with it
      return { ...end, problem: `its process is gone: ${await process.exited}` };
    },
  };
}

/** `configured` is what the agent says of its settings. */
type Opened = {
  session: string;
  how: Conversation["how"];
  configured: unknown;
  /** it has taken in what it is told */
  isTold: boolean;
};

/** Not in the stable protocol yet, but Codex' and Claude's adapters know it (2.6.0, 0.101.0). */
const CanBeTold = z.object({ sessionCapabilities: z.object({ systemPrompt: z.object({}) }) });

async function openSession(agent: ClientContext, spec: DriverSpec, told: string): Promise<Opened> {
  const { agentCapabilities, protocolVersion } = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: {},
    clientInfo: { name: "hyperhive", version: "1" },
  });
  if (protocolVersion !== PROTOCOL_VERSION)
    throw new Error(`it speaks version ${protocolVersion} of the protocol, not ${PROTOCOL_VERSION}`);
  const isTold = CanBeTold.safeParse(agentCapabilities).success;
  const request: NewSessionRequest = {
    cwd: spec.cwd,
    mcpServers: spec.mcpServers.map(toMcpServer),
    ...(isTold && { systemPrompt: { mode: "append", content: [{ type: "text", text: told }] } }),
  };
  if (spec.session !== null) {
    const sessionId = spec.session;
    const canResume = Boolean(agentCapabilities?.sessionCapabilities?.resume);
    const canLoad = !canResume && agentCapabilities?.loadSession === true;
    const again = { ...request, sessionId };
    const asked = canResume
      ? agent.request(methods.agent.session.resume, again)
      : canLoad && agent.request(methods.agent.session.load, again);
    const there = asked && (await ifThere(asked));
    if (there) return { session: sessionId, how: "continued", configured: there.answer, isTold };
  }
  const answer = await agent.request(methods.agent.session.new, request);
  return { session: answer.sessionId, how: spec.session === null ? "new" : "lost", configured: answer, isTold };
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

const cannotCompact = () =>
  new Refusal(
    "cannot_compact",
    "Its coding agent has no command that makes its conversation smaller.",
    "Begin a new conversation instead.",
  );
const tokens = z.number().int().nonnegative();
/** `usage` is not in the stable protocol yet, but agents that know it send it. */
const PromptAnswer = z.object({
  stopReason: z.enum(["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"] satisfies StopReason[]),
  usage: z.object({ outputTokens: tokens, inputTokens: tokens.nullish() }).nullish(),
});
/** @param limit until when the agent is refused, as it has told by the end of the prompt */
async function runPrompt(
  connection: ClientConnection,
  session: string,
  { prompt: { trusted, messages }, words, limit }: { prompt: WakePrompt; words: Words; limit: () => EpochMs | null },
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
    return { ...failureOf(error, words, limit()), inputTokens: null, outputTokens: null };
  }
}

const risen = (from: number | null, to: number | null): number | null =>
  from !== null && to !== null && to > from ? to - from : null;

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
