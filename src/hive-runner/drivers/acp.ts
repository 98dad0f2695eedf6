/**
 * Driver `acp`: a coding agent that speaks the Agent Client Protocol, version 1, over its stdin and stdout.
 *
 *   greeted → (signed in) → in conversation; else each turn tries again, and ends as `needs_login` as long as it is not
 */
import {
  type ClientConnection,
  client,
  methods,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
} from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { AcpProfile, DriverSpec } from "../../contract/launch.ts";
import { Refusal } from "../../contract/refusal.ts";
import { describe } from "../../daemon/fault.ts";
import type { AgentProcess } from "../launch.ts";
import type { DriverEnd, StopReason } from "../outcome.ts";
import type { Profile } from "../profiles/profile.ts";
import { profiles } from "../profiles/profiles.ts";
import { blockOf, type WakePrompt } from "../wake-prompt.ts";
import { failureIn, failureOf, isSignedOut } from "./acp-failure.ts";
import { greet, type Hello, openSession } from "./acp-session.ts";
import { chooseMode, chooseModel, modelAmong, settingsIn } from "./acp-settings.ts";
import { AcpSaid } from "./acp-updates.ts";
import { openWire } from "./acp-wire.ts";
import type { Conversation, Driver, Ears, Sign, Used } from "./driver.ts";

type AcpSpec = Extract<DriverSpec, { kind: "acp" }>;

export const acpDriver = (profile: AcpProfile): Driver<AcpSpec> => ({
  argumentsFor: () => [],
  ...(profiles[profile].login && { login: profiles[profile].login }),
  told: profiles[profile].told,
  async open(process, spec, ears) {
    const conversation = new AcpConversation(process, spec, ears);
    await conversation.begin();
    return conversation;
  },
});

class AcpConversation implements Conversation {
  readonly #process: AgentProcess;
  readonly #spec: AcpSpec;
  readonly #ears: Ears;
  readonly #profile: Profile;
  readonly #connection: ClientConnection;
  readonly #said = new AcpSaid();
  #hello: Hello | null = null;
  #session: string | null = null;
  #how: Conversation["how"] = "new";
  #onSign: ((sign: Sign) => void) | null = null;
  /** what it is still to be told at the start of its conversation, as it can be told in no other way */
  #untold: string | null = null;

  constructor(process: AgentProcess, spec: AcpSpec, ears: Ears) {
    this.#process = process;
    this.#spec = spec;
    this.#ears = ears;
    this.#profile = profiles[spec.profile];
    const stream = openWire(process, (method, params) => {
      if (method === methods.client.session.update) this.#hear(params);
    });
    this.#connection = client({ name: "hyperhive" })
      .onRequest(methods.client.session.requestPermission, ({ params }) => permit(params, this.#profile))
      .connect(stream);
  }

  get session(): string | null {
    return this.#session ?? this.#spec.session;
  }

  get how(): Conversation["how"] {
    return this.#how;
  }

  /** Opens the conversation, unless the agent is not signed in. */
  async begin(): Promise<void> {
    try {
      this.#hello = await greet(this.#connection.agent);
      await this.#openSession(this.#hello);
    } catch (error) {
      if (isSignedOut(error)) return;
      throw this.#connection.signal.aborted ? new Error(await this.#goneBecause(error)) : error;
    }
  }

  model(): string | null {
    return modelAmong(this.#said.settings);
  }

  cancel(): void {
    if (this.#session === null) return;
    const { agent } = this.#connection;
    agent.notify(methods.agent.session.cancel, { sessionId: this.#session }).catch(() => this.#connection.close());
  }

  compactPrompt(): WakePrompt {
    const command = this.#profile.compactCommand;
    if (command === null || this.#said.commands?.includes(command) === false) throw cannotCompact();
    return { trusted: command, messages: [] };
  }

  async setModel(model: string): Promise<void> {
    if (this.#session === null) throw signedOut(this.#hello);
    await this.#choose(this.#session, model);
  }

  async prompt(prompt: WakePrompt, onSign: (sign: Sign) => void): Promise<DriverEnd & Used> {
    this.#onSign = onSign;
    this.#said.limitedUntil = null;
    const before = this.#said.costUsd;
    const end = await this.#run(prompt);
    this.#onSign = null;
    return { ...end, costUsd: risen(before, this.#said.costUsd) };
  }

  async #run(prompt: WakePrompt): Promise<DriverEnd & Tokens> {
    const words = this.#profile.errors;
    try {
      const session = this.#session ?? (await this.#openSession(this.#hello ?? (await greet(this.#connection.agent))));
      const answer = await this.#connection.agent.request<unknown>(methods.agent.session.prompt as string, {
        sessionId: session,
        prompt: this.#blocksOf(prompt),
      });
      const { stopReason, _meta, ...used } = PromptAnswer.parse(answer);
      const failure = failureIn(_meta, words, this.#said.limitedUntil);
      return { ...(failure ?? { kind: "stopped", reason: stopReason }), ...this.#tokensOf(used, _meta) };
    } catch (error) {
      if (isSignedOut(error)) return { ...needsLogin(error, this.#hello), ...noTokens };
      const end = failureOf(error, words, this.#said.limitedUntil);
      return { ...(end.kind === "gone" ? { ...end, problem: await this.#goneBecause(error) } : end), ...noTokens };
    }
  }

  /** @returns its id */
  async #openSession(hello: Hello): Promise<string> {
    const { agent } = this.#connection;
    const told = this.#ears.prompt;
    const opened = await openSession(agent, { spec: this.#spec, hello, profile: this.#profile, told });
    this.#said.settings = settingsIn(opened.configured) ?? this.#said.settings;
    if (opened.how !== "continued") this.#said.costUsd ??= 0;
    await this.#choose(opened.session, this.#spec.model === this.model() ? null : this.#spec.model);
    const isTold = hello.takesInstructions || this.#profile.told.isByFile || opened.how === "continued";
    this.#untold = isTold ? null : told;
    this.#how = opened.how;
    this.#session = opened.session;
    return opened.session;
  }

  async #choose(session: string, model: string | null): Promise<void> {
    const chosen = () => ({ agent: this.#connection.agent, session, settings: this.#said.settings });
    if (model !== null) this.#said.settings = await chooseModel(chosen(), model);
    this.#said.settings = await chooseMode(chosen(), this.#profile.mode);
  }

  #hear(params: unknown): void {
    const sign = this.#said.hear(params);
    // A history that is replayed while the conversation is opened is nothing that happens now.
    if (this.#session === null) return;
    if (this.#onSign) this.#onSign(sign);
    else if (sign.event) this.#ears.onUnasked(sign.event, sign.isOutput);
  }

  #blocksOf({ trusted, messages }: WakePrompt) {
    // A command of its own has to stand alone.
    const beginning = this.#untold !== null && messages.length > 0 ? `${this.#untold}\n` : "";
    if (messages.length > 0) this.#untold = null;
    return [`${beginning}${trusted}`, ...messages.map(blockOf)].map((text) => ({ type: "text" as const, text }));
  }

  #tokensOf({ usage }: Pick<PromptAnswer, "usage">, meta: unknown): Tokens {
    const quota = Quota.safeParse(meta).data?.quota.token_count;
    if (quota) return { inputTokens: quota.input_tokens, outputTokens: quota.output_tokens };
    if (usage) return { inputTokens: usage.inputTokens ?? null, outputTokens: usage.outputTokens };
    return { inputTokens: null, outputTokens: this.#profile.countsTokens ? 0 : null };
  }

  /** Ends the process: it may live on, but there is no way to speak with it. @returns why */
  async #goneBecause(error: unknown): Promise<string> {
    await this.#process.end();
    const how = await this.#process.exited;
    return isConnectionClosed(error) ? `its process is gone: ${how}` : `${describe(error)}; ${how}`;
  }
}

type Tokens = Pick<Used, "inputTokens" | "outputTokens">;
const noTokens: Tokens = { inputTokens: null, outputTokens: null };

const tokens = z.number().int().nonnegative();
const PromptAnswer = z.object({
  stopReason: z.enum(["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"] satisfies StopReason[]),
  /** not in the stable protocol yet, but agents that know it send it; what can't be is not known */
  usage: z
    .object({ outputTokens: tokens, inputTokens: tokens.nullish().catch(null) })
    .nullish()
    .catch(null),
  _meta: z.unknown().optional(),
});
type PromptAnswer = z.infer<typeof PromptAnswer>;

/** Gemini's own (0.61.0). */
const Quota = z.object({ quota: z.object({ token_count: z.object({ input_tokens: tokens, output_tokens: tokens }) }) });

const risen = (from: number | null, to: number | null): number | null =>
  from !== null && to !== null && to > from ? to - from : null;

const isConnectionClosed = (error: unknown) => !(error instanceof Error) || error.message === "ACP connection closed";

const waysIn = (hello: Hello | null): string =>
  hello && hello.signIns.length > 0 ? `It offers to be signed in by: ${hello.signIns.join(", ")}.` : "";

const needsLogin = (error: unknown, hello: Hello | null): DriverEnd => ({
  kind: "failed",
  outcome: "needs_login",
  problem: `${describe(error).replace(/\.*$/, ".")} ${waysIn(hello)}`,
  retryAt: null,
});

const signedOut = (hello: Hello | null) =>
  new Refusal("signed_out", "Its coding agent is not signed in.", waysIn(hello) || "Sign it in first.");
const cannotCompact = () =>
  new Refusal(
    "cannot_compact",
    "Its coding agent has no command that makes its conversation smaller.",
    "Begin a new conversation instead.",
  );

/** The choice that lasts the shortest, of the kind that the profile wants. */
function permit({ options }: RequestPermissionRequest, { permissions }: Profile): RequestPermissionResponse {
  const wanted = [`${permissions}_once`, `${permissions}_always`];
  const option = wanted.flatMap((kind) => options.find((each) => each.kind === kind) ?? []).at(0);
  return { outcome: option ? { outcome: "selected", optionId: option.optionId } : { outcome: "cancelled" } };
}
