/** A coding agent that is up: its process, and the conversation with it. */
import { setImmediate as nextRound } from "node:timers/promises";
import type { DriverSpec, Launch } from "../contract/launch.ts";
import { Refusal } from "../contract/refusal.ts";
import type { Clock } from "../daemon/clock.ts";
import { describe, isOutsideFault } from "../daemon/fault.ts";
import type { Log } from "../daemon/log.ts";
import { type Conversation, ConversationLost, type Ears } from "./drivers/driver.ts";
import { driverFor } from "./drivers/drivers.ts";
import { type AgentProcess, startProcess } from "./launch.ts";

export type Agent = { process: AgentProcess; conversation: Conversation };

/** A coding agent may load for a while, but one that has said nothing by then never will. */
const openTimeoutMs = 60_000;

/** A start that was killed from outside, or for want of memory, says nothing about the agent; each one, at last, does. */
const mostStarts = 3;

type Opening = Ears & { clock: Clock; onStderr: (line: string) => void; signal: AbortSignal };

/**
 * Starts an agent's process and opens its conversation.
 * @param wanted the conversation to continue, or null for a new one, and the model
 * @throws Refusal `launch_failed` when it ends, errs or is silent instead: another version of it may do better
 */
async function openAgent(
  { spec, agent }: Pick<Launch, "spec" | "agent">,
  wanted: Pick<DriverSpec, "session" | "model">,
  opening: Opening,
): Promise<Agent> {
  const driver = { ...spec.driver, ...wanted };
  for (let starts = 1; ; starts += 1) {
    const argv = [...spec.argv, ...driverFor(driver).argumentsFor(driver)];
    const process = await startProcess({ ...spec, argv }, opening.onStderr);
    try {
      return { process, conversation: await converse(process, driver, opening) };
    } catch (error) {
      const isKilled = process.wasKilled();
      await process.end();
      if (error instanceof ConversationLost && driver.session !== null) {
        driver.session = null;
        continue;
      }
      if (isKilled && starts < mostStarts && !opening.signal.aborted) continue;
      if (error instanceof Refusal || isOutsideFault(error)) throw error;
      throw new Refusal(
        "launch_failed",
        `${agent} could not be started: ${describe(error)}.`,
        "Look at what it wrote into the runner's log.",
      );
    }
  }
}

/** @throws ConversationLost, or Error with how its process ended, or that it was silent or stopped */
export async function converse(process: AgentProcess, driver: DriverSpec, opening: Opening): Promise<Conversation> {
  const { clock, signal } = opening;
  const opened = new AbortController();
  try {
    return await Promise.race([
      driverFor(driver).open(process, driver, opening),
      process.exited.then(async (how) => {
        await nextRound(); // the last that it said may be that it has not got its conversation: that is taken in first
        throw new Error(how);
      }),
      tooLate(clock, AbortSignal.any([opened.signal, signal])),
    ]);
  } finally {
    opened.abort();
  }
}

/** Rejects when the time is over or the signal was aborted; after it was opened nobody hears it. */
async function tooLate(clock: Clock, signal: AbortSignal): Promise<never> {
  await clock.wait(openTimeoutMs, signal);
  throw new Error(signal.aborted ? "it was stopped" : `it said nothing for ${openTimeoutMs / 1000} s`);
}

type LifeParts = {
  clock: Clock;
  log: Log;
  /** puts what the agent is told together anew, where its process finds it */
  writePrompt(): Promise<string>;
  /** told of what it does outside of our turns; left out, that is only logged */
  own?: Pick<Ears, "onUnasked" | "onOwnTurn"> & {
    /** its process is gone, and with it what it had begun */
    onGone(): void;
  };
};

/** An agent's process over the time of a launch: it may sleep between turns, and then continues its conversation. */
export class AgentLife {
  /** resolves when its process has ended although nobody asked for it, with a sentence about how */
  readonly fell: Promise<string>;
  readonly #launch: Pick<Launch, "spec" | "agent">;
  readonly #parts: LifeParts;
  readonly #fall: (how: string) => void;
  #up: Agent | null = null;
  #session: string | null;
  /** the one that the operator has chosen */
  #model: string | null = null;
  #hasForgotten = false;

  constructor(launch: Pick<Launch, "spec" | "agent">, parts: LifeParts) {
    this.#launch = launch;
    this.#parts = parts;
    this.#session = launch.spec.driver.session;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.fell = promise;
    this.#fall = resolve;
  }

  /** the conversation that it has, or is to continue */
  get session(): string | null {
    return this.#up?.conversation.session ?? this.#session;
  }

  /** whether it began a new conversation although it had one */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  get isAsleep(): boolean {
    return this.#up === null;
  }

  /** The agent, started when it sleeps. @throws Refusal as `openAgent` */
  async rise(signal: AbortSignal): Promise<Agent> {
    if (this.#up) return this.#up;
    const { clock, log } = this.#parts;
    const prompt = await this.#parts.writePrompt();
    const onStderr = limited((line) => log.info({ stderr: line }, "the agent says"));
    const onUnasked = limited((text) => log.info({ unasked: text }, "the agent does something outside of a turn"));
    const wanted = { session: this.#session, model: this.#model ?? this.#launch.spec.driver.model };
    const up = await openAgent(this.#launch, wanted, {
      ...{ clock, onStderr, signal, prompt },
      onUnasked: (event, isOutput) => {
        onUnasked(event.kind === "tool" ? event.title : event.text);
        this.#parts.own?.onUnasked(event, isOutput);
      },
      onOwnTurn: (end) => this.#parts.own?.onOwnTurn(end),
    });
    this.#up = up;
    this.#hasForgotten ||= wanted.session !== null && up.conversation.how === "new";
    void up.process.exited.then((how) => {
      this.#parts.own?.onGone();
      if (this.#up === up) this.#fall(how);
    });
    return up;
  }

  /** Chooses its model, for its later processes, too. @throws Refusal where it has no such model */
  async setModel(model: string, signal: AbortSignal): Promise<void> {
    await (await this.rise(signal)).conversation.setModel(model);
    this.#model = model;
  }

  /** Ends its process and its conversation: when it rises again it begins a new one. */
  async forget(): Promise<void> {
    await this.lieDown();
    this.#session = null;
    this.#hasForgotten = true;
  }

  /** Ends its process and keeps the conversation. */
  async lieDown(): Promise<void> {
    const up = this.#up;
    this.#session = this.session;
    this.#up = null;
    await up?.process.end();
  }
}

/** What one life of a process may write into our log, in characters. */
const mostCharacters = 1024 * 1024;

function limited(write: (line: string) => void): (line: string) => void {
  let characters = 0;
  return (line) => {
    if (characters > mostCharacters) return;
    characters += line.length;
    write(characters > mostCharacters ? "(it has written too much: the rest is not logged)" : line);
  };
}
