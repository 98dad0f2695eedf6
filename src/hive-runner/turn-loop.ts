/**
 * The loop of one launch:
 *
 *   opening → idle ⇄ lease → turn → report → idle; idle ⇄ asleep (its process ended, its conversation is kept)
 *   between turns, at once: what the operator changes of the conversation
 *   any → over: a bug in it, which touches no other agent; or stopped by hived, abandoned, or its process ended by itself; hived is told what it does not wait for
 *
 * A broken link cuts nothing off: a turn goes on, and its report waits for the next link.
 */
import { join } from "node:path";
import type { ConversationChange } from "../contract/conversation.ts";
import { type Launch, placeNames } from "../contract/launch.ts";
import type { hivedCalls, runnerCalls } from "../contract/link.ts";
import type { LoginStep } from "../contract/login.ts";
import type { AgentName, EpochMs, LaunchId, TurnId } from "../contract/names.ts";
import { Refusal } from "../contract/refusal.ts";
import type { ResponseOf } from "../contract/table.ts";
import type { Told } from "../contract/told.ts";
import type { Outcome } from "../contract/turn.ts";
import type { LiveBatch, LiveEvent, TurnLog } from "../contract/turn-log.ts";
import type { Clock } from "../daemon/clock.ts";
import { describe, isOutsideFault } from "../daemon/fault.ts";
import type { Log } from "../daemon/log.ts";
import { type Agent, AgentLife } from "./agent.ts";
import type { Conversation, Used } from "./drivers/driver.ts";
import type { Hived } from "./hived.ts";
import { writeSecrets } from "./launch.ts";
import { type Live, openLive } from "./live.ts";
import { AgentLogin } from "./login.ts";
import { type DriverEnd, outcomeOf } from "./outcome.ts";
import { writePlugin } from "./plugin.ts";
import { type RunningTurn, runTurn, type TurnReport } from "./turn.ts";
import { newTurnId } from "./turn-id.ts";
import { wakePrompt } from "./wake-prompt.ts";

export type LoopParts = {
  hived: Hived;
  clock: Clock;
  log: Log;
  launchesRoot: string;
  privateRoot: string;
  /** what the agent is told at the start of a conversation, as of now */
  readPrompt(launch: Launch): Promise<Told>;
};

type Lease = ResponseOf<typeof hivedCalls.lease>;
export type Changed = ResponseOf<typeof runnerCalls.changeConversation>;
/** Leased, running, or still to be reported. */
type Turn = {
  id: TurnId;
  /** nothing of the conversation can be changed before its end */
  hasBegun: boolean;
  running: RunningTurn | null;
  live: Live | null;
  /** by the operator */
  cancelled: { requeues: boolean } | null;
};

/** So many messages start a turn; the agent fetches more with `recv`. */
const leaseLimit = 10;

export class TurnLoop {
  readonly launch: LaunchId;
  readonly agent: AgentName;
  /** resolves with the conversation's id, where it has one, when the loop is idle for the first time; rejects when it can't be started */
  readonly opened: Promise<string | null>;
  /** resolves when its process is gone and nothing is left to be told */
  readonly over: Promise<void>;
  readonly #spec: Launch["spec"];
  readonly #parts: LoopParts;
  readonly #life: AgentLife;
  /** no turn after this one */
  readonly #stopping = new AbortController();
  /** whoever asked for its end has been told to wait for a report of it */
  #tellsEnd = false;
  /** nothing is to be told any more */
  readonly #abandoned = new AbortController();
  #turn: Turn | null = null;
  /** how its process ended, when nobody asked for it */
  #fell: string | null = null;
  #woken = Promise.withResolvers<void>();
  /** the conversation that has been told that it is a new one */
  #met: Conversation | null = null;
  /** what is to be done before the next turn */
  readonly #errands: (() => Promise<void>)[] = [];
  readonly #login: AgentLogin;
  /** a turn that it has begun by itself */
  #own: { beganAt: EpochMs; live: Live; outputs: number } | null = null;
  #compaction: RunningTurn | null = null;
  /** turns in a row whose conversation was too long */
  #fullTurns = 0;

  /** @param after what must have ended before it may start: an agent never runs twice */
  constructor(launch: Launch, parts: LoopParts, after: Promise<unknown>) {
    this.launch = launch.launch;
    this.agent = launch.agent;
    this.#spec = launch.spec;
    const log = parts.log.child({ agent: launch.agent, launch: launch.launch });
    this.#parts = { ...parts, log };
    const writePrompt = async () => {
      const { text, skills } = await parts.readPrompt(launch);
      const directory = join(parts.launchesRoot, launch.launch);
      const content = Buffer.from(text).toString("base64");
      await writeSecrets(directory, [{ path: placeNames.prompt, content, executable: false }]);
      await writePlugin(directory, skills);
      return text;
    };
    const own = {
      onUnasked: (event: LiveEvent, isOutput: boolean) => this.#noteOwn(event, isOutput),
      onOwnTurn: (end: DriverEnd & Used) => this.#reportOwn(end),
      onGone: () => this.#dropOwn(),
    };
    this.#life = new AgentLife(launch, { clock: parts.clock, log, writePrompt, own });
    const secretsDirectory = join(parts.privateRoot, launch.agent, placeNames.secrets);
    this.#login = new AgentLogin(launch.spec, { clock: parts.clock, secretsDirectory });
    void this.#life.fell.then((how) => this.#fall(`The agent's process is gone: ${how}.`));
    this.opened = after.then(() => this.#open(launch));
    this.over = this.#run();
  }

  /** The turn that it leases, runs or has still to report. */
  get turn(): TurnId | null {
    return this.#turn?.id ?? null;
  }

  get isRunning(): boolean {
    return this.#turn !== null && this.#turn.running !== null;
  }

  /** It ends, or has. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /** There may be mail. */
  wake(): void {
    this.#woken.resolve();
  }

  /** @throws Refusal when that turn is not running here */
  async markReceived(turn: TurnId, mark: number): Promise<void> {
    const running = this.#turn?.id === turn ? this.#turn.running : null;
    if (!running) throw turnOver();
    await running.markReceived(mark);
  }

  /** What the agent has done so far in that turn; null when it does not run here. */
  logOf(turn: TurnId): TurnLog | null {
    return this.#turn?.id === turn ? (this.#turn.live?.log() ?? null) : null;
  }

  /** Ends a turn for the operator. @throws Refusal when it is not here */
  cancel(id: TurnId, requeues: boolean): void {
    if (this.#turn?.id !== id) throw turnOver();
    this.#turn.cancelled = { requeues };
    this.#turn.running?.cut("cancelled");
    this.#compaction?.cut("cancelled");
  }

  /** Changes the conversation as soon as no turn runs. @throws Refusal in a turn, and where the agent has no such thing */
  change(change: ConversationChange): Promise<Changed> {
    if (this.#turn?.hasBegun) return Promise.reject(inTurn());
    const { promise, resolve, reject } = Promise.withResolvers<Changed>();
    this.#errands.push(() => this.#carryOut(change).then(resolve, reject));
    this.wake();
    return promise;
  }

  /** @throws Refusal as `AgentLogin` */
  async login(step: LoginStep): Promise<ResponseOf<typeof runnerCalls.login>> {
    if (this.isStopping) throw launchOver();
    const answer = await this.#login.take(step);
    if (answer.isSignedIn) {
      this.#errands.push(() => this.#life.lieDown()); // it read what it signs in with at its start
      this.wake();
    }
    return answer;
  }

  /** Asks it to end after its running turn, which hived is told then. @returns false when there is no turn to wait for */
  stopAfterTurn(): boolean {
    if (this.#turn === null) return false;
    this.#tellsEnd = true;
    this.#stopping.abort();
    this.wake(); // it may only have asked for a lease, and get none
    return true;
  }

  /** Ends it now, cutting its turn off; resolves when its process is gone and the turn reported. */
  async stop(rungMs?: number): Promise<void> {
    this.#stopping.abort();
    this.wake();
    this.#turn?.running?.cut("stopped", rungMs);
    this.#compaction?.cut("stopped", rungMs);
    await this.over;
  }

  /** Ends it at once, with its turn, and tells nobody: hived has given it up, or will have. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    this.#stopping.abort();
    this.wake();
    await this.#life.lieDown();
    await this.over;
  }

  /** In place of those that it was opened with, and so after them. */
  async renewSecrets(secrets: Launch["secrets"]): Promise<void> {
    await this.opened.catch(() => undefined); // whoever asked for the launch hears of it
    if (!this.isAbandoned) await writeSecrets(join(this.#parts.launchesRoot, this.launch), secrets);
  }

  async #open(launch: Launch): Promise<string | null> {
    await writeSecrets(join(this.#parts.launchesRoot, this.launch), launch.secrets);
    return (await this.#life.rise(this.#stopping.signal)).conversation.session;
  }

  async #run(): Promise<void> {
    try {
      await this.opened;
    } catch {
      return; // it rejects for whoever asked for the launch
    }
    try {
      await this.#work();
    } catch (error) {
      this.#break(error);
    }
    await this.#life.lieDown();
    await this.#login.end();
    await this.#doErrands(); // each is refused now
    const { launch, agent } = this;
    const problem = this.#fell;
    if (problem === null && !this.#tellsEnd) return;
    const { signal } = this.#tellsEnd ? this.#abandoned : this.#stopping;
    await this.#say(() => this.#parts.hived.callUntilHeard("launchEnded", { launch, agent, problem }, signal));
  }

  async #work(): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#fell === null) {
      this.#woken = Promise.withResolvers();
      await this.#doErrands();
      const lease = await this.#lease();
      if (lease) await this.#turnOf(lease);
      else if (this.#errands.length === 0) await this.#rest();
    }
  }

  async #doErrands(): Promise<void> {
    for (let errand = this.#errands.shift(); errand; errand = this.#errands.shift()) await errand();
  }

  /** A bug of ours ends this launch alone: hived makes another one, and the other agents hear nothing of it. */
  #break(error: unknown): string {
    const problem = `The runner failed to drive it: ${describe(error)}.`;
    this.#parts.log.error({ err: error }, "a bug in the loop of an agent");
    this.#fall(problem);
    return problem;
  }

  #fall(problem: string): void {
    this.#parts.log.warn({ problem }, "the launch is over, although nobody asked for it");
    this.#fell = problem;
    this.wake();
  }

  /** Nothing to do, until somebody wakes it. After a while its process ends, too, and its conversation is kept. */
  async #rest(): Promise<void> {
    const awake = new AbortController();
    const dozing = this.#parts.clock.wait(this.#spec.limits.idleStopMs, awake.signal).then(async () => {
      if (awake.signal.aborted || this.#life.isAsleep) return;
      this.#parts.log.info("asleep: its process ends until there is work");
      await this.#life.lieDown();
    });
    await this.#woken.promise;
    awake.abort();
    await dozing;
  }

  /** Asks for work under a new turn's id; repeated over a broken link it is the same lease. */
  async #lease(): Promise<Lease | null> {
    const turn = newTurnId(this.#parts.clock.now());
    const { launch, agent } = this;
    const request = { launch, agent, turn, limit: leaseLimit };
    this.#turn = { id: turn, hasBegun: false, running: null, live: null, cancelled: null };
    // Also when it is to stop meanwhile: hived may have leased already, and then wants to hear how that ended.
    const lease = await this.#say(() => this.#parts.hived.callUntilHeard("lease", request, this.#abandoned.signal));
    const canary = lease?.canary;
    if (canary) {
      const { signal } = this.#abandoned;
      await this.#say(() => this.#parts.hived.callUntilHeard("answerCanary", { launch, agent, canary }, signal));
    }
    if (lease && lease.entries.length > 0) return lease;
    this.#turn = null;
    return null;
  }

  async #turnOf(lease: Lease): Promise<void> {
    const turn = this.#turn;
    if (!turn) throw new Error("there is a lease without a turn");
    await this.#doErrands();
    turn.hasBegun = true;
    const report = await this.#runTurn(turn, lease).catch((error: unknown) =>
      this.#neverRan("crashed", this.#break(error)),
    );
    turn.running = null;
    turn.hasBegun = false; // only its report is left
    this.#fullTurns = report.outcome === "context_full" ? this.#fullTurns + 1 : 0;
    const { launch, agent } = this;
    const requeues = report.outcome === "cancelled" && turn.cancelled?.requeues === true;
    const end = { launch, agent, turn: turn.id, ...report, ...(requeues && { requeues }) };
    await this.#say(() => this.#parts.hived.callUntilHeard("endTurn", end, this.#abandoned.signal));
    this.#turn = null;
  }

  async #runTurn(turn: Turn, lease: Lease): Promise<TurnReport> {
    if (this.#stopping.signal.aborted) return this.#neverRan("lost", stoppedBefore);
    let up: Agent;
    try {
      await this.#makeRoom();
      up = await this.#life.rise(this.#stopping.signal);
    } catch (error) {
      if (!(error instanceof Refusal) && !isOutsideFault(error)) throw error;
      if (this.#stopping.signal.aborted) return this.#neverRan("lost", stoppedBefore);
      this.#fall(describe(error));
      return this.#neverRan("crashed", describe(error));
    }
    if (this.#stopping.signal.aborted) return this.#neverRan("lost", stoppedBefore);
    if (turn.cancelled) return this.#neverRan("cancelled", null);
    const { how } = up.conversation;
    const isForgetful = this.#met !== up.conversation && (how === "lost" || (how === "new" && this.#life.hasForgotten));
    this.#met = up.conversation;
    const live = openLive(this.#parts.clock.now, (batch) => this.#show(turn.id, batch));
    turn.live = live;
    turn.running = runTurn({
      agent: up,
      prompt: wakePrompt({ agent: this.agent, turn: turn.id, ...lease, isForgetful }),
      limits: this.#spec.limits,
      clock: this.#parts.clock,
      onEvent: (event) => live.push(event),
      onAlive: live.beat,
    });
    const report = await turn.running.ended;
    live.end();
    return { ...report, log: live.log() };
  }

  /** After a turn whose conversation was too long it is made smaller; after another one in a row a new one begins. */
  async #makeRoom(): Promise<void> {
    if (this.#fullTurns === 0) return;
    try {
      if (this.#fullTurns === 1) return await this.#compact();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#stopping.signal.aborted || this.#turn?.cancelled) return; // it was broken off
      this.#parts.log.warn({ problem: error.message }, "the conversation could not be made smaller: a new one begins");
    }
    await this.#life.forget();
  }

  async #carryOut(change: ConversationChange): Promise<Changed> {
    const { signal } = this.#stopping;
    if (signal.aborted || this.#fell !== null) throw launchOver();
    if (change.kind === "compact") await this.#compact();
    if (change.kind === "model") await this.#life.setModel(change.model, signal);
    if (change.kind === "new") await this.#life.forget();
    const { conversation } = await this.#life.rise(signal);
    return { session: conversation.session, model: conversation.model() };
  }

  /** A prompt of our own, in no turn. @throws Refusal where the agent has no such command, or it went wrong */
  async #compact(): Promise<void> {
    const agent = await this.#life.rise(this.#stopping.signal);
    if (this.#stopping.signal.aborted) throw launchOver();
    this.#compaction = runTurn({
      agent,
      prompt: agent.conversation.compactPrompt(),
      limits: this.#spec.limits,
      clock: this.#parts.clock,
      onEvent: () => undefined,
    });
    const { outcome, problem } = await this.#compaction.ended;
    this.#compaction = null;
    if (outcome !== "ok")
      throw new Refusal(
        "not_compacted",
        `Its conversation was not made smaller. ${problem ?? ""}`.trim(),
        "Try it again, or begin a new conversation.",
      );
  }

  #neverRan(outcome: Outcome, problem: string | null): TurnReport {
    const evidence = { outputs: 0, outputTokens: null };
    return { outcome, problem, evidence, answeredMarks: [], session: this.#life.session, retryAt: null };
  }

  #noteOwn(event: LiveEvent, isOutput: boolean): void {
    const { now } = this.#parts.clock;
    this.#own ??= { beganAt: now(), live: openLive(now, () => undefined), outputs: 0 };
    this.#own.live.push(event);
    if (isOutput) this.#own.outputs += 1;
  }

  /** One that was cut off is no part of the next. */
  #dropOwn(): void {
    this.#own?.live.end();
    this.#own = null;
  }

  /** It answers no message, but it is seen, and has cost something. */
  #reportOwn({ inputTokens, outputTokens, costUsd, ...end }: DriverEnd & Used): void {
    const { beganAt = this.#parts.clock.now(), live, outputs = 0 } = this.#own ?? {};
    this.#dropOwn();
    const { launch, agent } = this;
    const report = {
      ...{ launch, agent, turn: newTurnId(beganAt), beganAt, answeredMarks: [], session: this.#life.session },
      ...outcomeOf(end, null, true),
      evidence: { outputs, outputTokens },
      usage: { model: null, inputTokens, costUsd },
      ...(live && { log: live.log() }),
    };
    void this.#say(() => this.#parts.hived.callUntilHeard("endTurn", report, this.#abandoned.signal));
  }

  /** For whoever watches: nothing is lost with it. */
  #show(turn: TurnId, batch: LiveBatch): void {
    const { launch, agent } = this;
    this.#parts.hived.call("reportLive", { launch, agent, turn, batch }).catch((error: unknown) => {
      if (!(error instanceof Refusal) && !isOutsideFault(error)) throw error;
    });
  }

  /** What hived refuses is over for it: the next lease is asked for anew. */
  async #say<Answer>(call: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#parts.log.warn({ code: error.code, problem: error.message }, "hived refused");
      return undefined;
    }
  }
}

export const turnOver = () =>
  new Refusal("turn_over", "That turn does not run here any more.", "Let the message start the next one.");

export const launchOver = () =>
  new Refusal("launch_over", "Its process is ending, or has ended.", "Try it again when the agent is idle.");
const inTurn = () => new Refusal("in_turn", "It is in a turn just now.", "Wait for the end of the turn, or cancel it.");

const stoppedBefore = "The agent was stopped before the turn began.";
