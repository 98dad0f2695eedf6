/** What every driver is to the rest of the runner; the suite in test/drivers holds each of them to it. */
import type { DriverSpec } from "../../contract/launch.ts";
import type { Context } from "../../contract/turn.ts";
import type { LiveEvent } from "../../contract/turn-log.ts";
import type { AgentProcess } from "../launch.ts";
import type { DriverEnd } from "../outcome.ts";
import type { WakePrompt } from "../wake-prompt.ts";

/** A way to speak with coding agents, for the specs of one kind. */
export type Driver<Spec extends DriverSpec = DriverSpec> = {
  /** what the program is started with besides its argv, for what can't be said later, such as which conversation to continue */
  argumentsFor(spec: Spec): string[];
  /**
   * Opens the conversation that the spec names, or a new one, with the spec's model where it names one.
   * @throws ConversationLost where the process can't go on after it was asked for one that the agent has not got;
   *   Refusal that says what to do; or anything else: what the agent answers instead, or how its process ended
   */
  open(process: AgentProcess, spec: Spec, ears: Ears): Promise<Conversation>;
  /** how it is signed in from outside; left out where it can't be */
  login?: Login;
  /**
   * `way`: how the coding agent gets what it is told, in words for the operator; follows on "Given "
   * `listsSkills`: it lists the skills of the spec's `plugin` by itself
   */
  told: { way: string; listsSkills: boolean };
};

export type Login = {
  /**
   * of its program, which then prints a link, reads the code that is shown there, and ends with 0 when that was right;
   * null: it has no such thing
   */
  linkArguments: readonly string[] | null;
  /** variables in one of which it looks for a secret, and the one for this secret */
  variables: readonly string[];
  variableOf(secret: string): string;
};

/** The agent has not got the conversation that its process was started with: another process begins a new one. */
export class ConversationLost extends Error {}

export type Ears = {
  /** told of what the agent does outside of a turn of ours, such as one that it has begun by itself, and whether the model produced it */
  onUnasked(event: LiveEvent, isOutput: boolean): void;
  /** told how a turn ended that the agent had begun by itself */
  onOwnTurn(end: DriverEnd & Used): void;
  /** what the agent is to be told at the start of its conversation: the content of the spec's `promptFile` */
  prompt: string;
};

export type Conversation = {
  /** the one that it has, or is to continue once it is signed in: each turn tries again; null: none yet */
  readonly session: string | null;
  /** lost: there was one to continue, and the agent does not have it any more */
  readonly how: "new" | "continued" | "lost";
  /** the model that the agent says it uses */
  model(): string | null;
  /** Runs one turn; never rejects. Signs come until it resolves, and none later. */
  prompt(prompt: WakePrompt, onSign: (sign: Sign) => void): Promise<DriverEnd & Used>;
  /** Asks the agent to end its turn. */
  cancel(): void;
  /** What to prompt it with so that it makes the conversation smaller. @throws Refusal where it can't */
  compactPrompt(): WakePrompt;
  /** Has it use another of its models from the next turn on. @throws Refusal where it has no such model */
  setModel(model: string): Promise<void>;
};

/** A sign of life: what it shows, if anything, and whether the model produced it. */
export type Sign = { event: LiveEvent | null; isOutput: boolean };

/** What a turn used; each is null where the agent does not report it. Costs in US dollars. */
export type Used = {
  inputTokens: number | null;
  outputTokens: number | null;
  costUsd: number | null;
  /** left out where the agent does not say how full its conversation is */
  context?: Context;
};
