/**
 * Driver `claude`: Claude Code by its own stream of JSON lines, one process for many turns.
 *
 *   idle → (a prompt of ours) → a turn → (its result) → idle
 *   idle → (it begins one by itself) → a turn of its own, which is shown as such → (its result) → idle
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { DriverSpec } from "../../contract/launch.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { AgentProcess } from "../launch.ts";
import type { DriverEnd } from "../outcome.ts";
import { blockOf, type WakePrompt } from "../wake-prompt.ts";
import { claudeArguments } from "./claude-arguments.ts";
import {
  answerLine,
  commandLine,
  controlLine,
  Line,
  ModelName,
  type Result,
  refusalLine,
  userLine,
} from "./claude-lines.ts";
import { endOf, noteTold, nothingSeen, nothingTold, signsOf, type Told } from "./claude-turn.ts";
import {
  type Conversation,
  ConversationLost,
  type Driver,
  type Ears,
  type Login,
  type Sign,
  type Used,
} from "./driver.ts";
import { readJsonLines } from "./json-lines.ts";

/** the whole name of the model, where a short one was asked for */
const Chosen = z.object({ model: ModelName });

type ClaudeSpec = Extract<DriverSpec, { kind: "claude" }>;

/** Measured with 2.1.332: on pipes it prints the link, asks for the code, and asks again for what is none. */
export const claudeLogin: Login = {
  linkArguments: ["auth", "login", "--claudeai"],
  variables: ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"],
  /** `claude setup-token` prints a token, the provider's console a key */
  variableOf: (secret) => (secret.startsWith("sk-ant-oat") ? "CLAUDE_CODE_OAUTH_TOKEN" : "ANTHROPIC_API_KEY"),
};

export const claudeDriver: Driver<ClaudeSpec> = {
  argumentsFor: claudeArguments,
  login: claudeLogin,
  told: { way: "by --append-system-prompt-file", listsSkills: true },
  async open(process, spec, ears) {
    const conversation = new ClaudeConversation(process, spec, ears);
    await conversation.begin();
    return conversation;
  },
};

/** Our turn, from its prompt to its end. */
type Running = {
  uuid: string;
  onSign: (sign: Sign) => void;
  told: Told;
  end: (end: DriverEnd & Used) => void;
};

/** Its own command, and the only prompt that is one. */
const compact: WakePrompt = { trusted: "/compact", messages: [] };

/** One that asks and asks, and reads no answer, is not waited for; in bytes. */
const mostUnread = 16 * 1024 * 1024;

class ClaudeConversation implements Conversation {
  readonly how: Conversation["how"];
  readonly #process: AgentProcess;
  readonly #ears: Ears;
  /** what it is asked that it has not answered yet */
  readonly #asked = new Map<string, PromiseWithResolvers<unknown>>();
  /** resolves when nothing more can come from it */
  readonly #silent: Promise<void>;
  #session: string | null;
  #model: string | null;
  #running: Running | null = null;
  /** it is in a turn that nobody prompted */
  #isInOwnTurn = false;
  #ownTold: Told = nothingTold;
  /** of a turn that was not ours, or why it could not begin */
  #lastWords: Result | null = null;

  constructor(process: AgentProcess, spec: ClaudeSpec, ears: Ears) {
    this.how = spec.session === null ? "new" : "continued";
    this.#process = process;
    this.#ears = ears;
    this.#session = spec.session;
    this.#model = spec.model;
    this.#silent = readJsonLines(process.stdout, (value) => this.#take(value));
  }

  /** null until its first turn: before that there is nothing to continue */
  get session(): string | null {
    return this.#session;
  }

  model(): string | null {
    return this.#model;
  }

  /** @throws ConversationLost where it has not got the one that it should continue */
  async begin(): Promise<void> {
    try {
      await this.#ask({ subtype: "initialize" });
    } catch (error) {
      if (this.#lastWords?.errors?.some((words) => words.startsWith("No conversation found")))
        throw new ConversationLost();
      throw error;
    }
  }

  async prompt(prompt: WakePrompt, onSign: (sign: Sign) => void): Promise<DriverEnd & Used> {
    const uuid = randomUUID();
    const { promise, resolve } = Promise.withResolvers<DriverEnd & Used>();
    this.#running = { uuid, onSign, told: nothingTold, end: resolve };
    const texts = [prompt.trusted, ...prompt.messages.map(blockOf)];
    this.#write(prompt === compact ? commandLine(uuid, texts) : userLine(uuid, texts));
    const end = await Promise.race([promise, this.#silent.then(() => null)]);
    this.#running = null;
    if (end) return end;
    return { kind: "gone", problem: await this.#gone(), ...nothingUsed };
  }

  /** Its output has ended: it may live on, but there is no way to speak with it. @returns how it ended */
  async #gone(): Promise<string> {
    await this.#process.end();
    return `its process is gone: ${await this.#process.exited}`;
  }

  /** A prompt that it has not begun to work on is taken back. */
  cancel(): void {
    this.#write(controlLine(randomUUID(), { subtype: "interrupt", cancel_queued: true }));
  }

  compactPrompt(): WakePrompt {
    return compact;
  }

  async setModel(model: string): Promise<void> {
    const answer = Chosen.safeParse(await this.#ask({ subtype: "set_model", model }));
    this.#model = answer.data?.model ?? model;
  }

  /** @throws Refusal with its own words when it does not want to; Error when it ends instead */
  async #ask(request: object): Promise<unknown> {
    const id = randomUUID();
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    this.#write(controlLine(id, request));
    const ended = this.#silent.then(async () => Promise.reject(new Error(await this.#gone())));
    return Promise.race([answer.promise, ended]);
  }

  #write(line: object): void {
    const { stdin } = this.#process;
    stdin.write(`${JSON.stringify(line)}\n`);
    if (stdin.writableLength > mostUnread) void this.#process.end();
  }

  #take(value: unknown): void {
    const line = Line.safeParse(value).data ?? null;
    if (line?.type === "control_response") this.#hear(line.response);
    else if (line?.type === "control_request") this.#answer(line.request_id, line.request);
    else if (this.#running === null || this.#isInOwnTurn) this.#takeUnasked(line);
    else this.#takeOurs(line, this.#running);
    if (line?.type !== "system" || line.subtype !== "init") return;
    this.#session = line.session_id;
    this.#model = line.model ?? this.#model;
  }

  #takeOurs(line: Line | null, running: Running): void {
    for (const sign of signsOf(line)) running.onSign(sign);
    if (line === null) return;
    running.told = noteTold(running.told, line);
    if (line.type === "result") this.#takeResult(line, running);
  }

  #takeResult(result: Result, running: Running): void {
    const isOurs = result.user_message_uuids?.includes(running.uuid) ?? result.origin === undefined;
    if (!isOurs) {
      running.told = nothingTold;
      return;
    }
    this.#running = null; // what it says from now on is no part of this turn
    running.end(endOf(result, running.told));
  }

  /** Some of it belongs to no turn. */
  #takeUnasked(line: Line | null): void {
    this.#running?.onSign(nothingSeen); // it is alive, and will come to our prompt
    if (line) this.#ownTold = noteTold(this.#ownTold, line);
    if (line?.type === "result") {
      if (this.#isInOwnTurn) this.#ears.onOwnTurn(endOf(line, this.#ownTold));
      this.#ownTold = nothingTold;
      this.#isInOwnTurn = false;
      this.#lastWords = line;
      return;
    }
    for (const { event, isOutput } of signsOf(line)) {
      if (isOutput) this.#isInOwnTurn = true;
      if (event) this.#ears.onUnasked(event, isOutput);
    }
  }

  #hear({ subtype, request_id, error, response }: Extract<Line, { type: "control_response" }>["response"]): void {
    const asked = this.#asked.get(request_id);
    this.#asked.delete(request_id);
    if (subtype === "success") asked?.resolve(response);
    else
      asked?.reject(
        new Refusal("agent_refused", `Claude Code refuses: ${error ?? "it gives no reason"}.`, "Try another."),
      );
  }

  /** Its sandbox and the forge are what limits an agent, and nobody is there to be asked: so what comes up is allowed. */
  #answer(id: string, { subtype, input }: Extract<Line, { type: "control_request" }>["request"]): void {
    if (subtype === "can_use_tool") this.#write(answerLine(id, { behavior: "allow", updatedInput: input ?? {} }));
    else this.#write(refusalLine(id, "This client has no such thing."));
  }
}

const nothingUsed: Used = { inputTokens: null, outputTokens: null, costUsd: null };
