/**
 * hived's broker on a real file, with a runner that keeps what a real one keeps, and a way to kill hived at any of its
 * writes: before the commit, or after it but before anybody hears. Beside it the model, which must agree after every step.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { pino } from "pino";
import { expect } from "vitest";
import type { LeasedEntry, TurnEnd } from "../../src/contract/link.ts";
import type { AgentName, BootId, EntryId, EpochMs, LaunchId, TurnId } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import type { Outcome } from "../../src/contract/turn.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { changeAgent, listAgents, requireAgent } from "../../src/hived/agents/agents.ts";
import { beginLaunch, findLaunch } from "../../src/hived/agents/launches.ts";
import { adopt, type Held, loseLaunch } from "../../src/hived/broker/adopt.ts";
import { endTurn } from "../../src/hived/broker/end-turn.ts";
import { lease, openReceiver } from "../../src/hived/broker/lease.ts";
import { cancelEntry, cancelQueued, markRead, retryEntry, unparkAgent } from "../../src/hived/broker/operator.ts";
import { forgetMessages } from "../../src/hived/broker/retention.ts";
import { send } from "../../src/hived/broker/send.ts";
import { newestTurns } from "../../src/hived/broker/turns.ts";
import { openWaiters, type Waiters } from "../../src/hived/broker/waiters.ts";
import { type Core, newLaunchId, type Runner } from "../../src/hived/core.ts";
import { countBoot } from "../../src/hived/database/meta.ts";
import { openDatabase } from "../../src/hived/database/open.ts";
import type { Database, Transaction } from "../../src/hived/database/write.ts";
import { openEventLog } from "../../src/hived/events/event-log.ts";
import { openScheduler } from "../../src/hived/work/scheduler.ts";
import * as work from "../../src/hived/work/work.ts";
import { type FakeClock, openFakeClock } from "../support/fake-clock.ts";
import { newTurn, proven } from "../support/open-broker.ts";
import { addIdleAgent, openCore, someTree } from "../support/open-core.ts";
import type { Model, Name } from "./broker-model.ts";
import * as told from "./broker-model.ts";

/** hived is killed at its `at`th write from now on; then its runner `keeps` its turns, `dies` with it, or is back too `late`. */
export type Crash = { at: number; when: "before" | "after"; runner: "keeps" | "dies" | "late" } | null;

export type Ending = {
  outcome: Outcome;
  isProven: boolean;
  answered: "all" | "first" | "none";
  retryAfterMs: number | null;
  /** of a turn that the operator cancelled */
  requeues: boolean;
};

/** What the runner knows of a turn that it has asked for. */
type Running = {
  id: TurnId;
  /** the entries that it began with */
  started: number[];
  /** what each answered call of `recv` handed out */
  marks: { mark: number; boot: BootId; entries: number[] }[];
};

/** One life of hived. */
type Life = {
  core: Core;
  boot: BootId;
  waiters: Waiters;
  recv: ReturnType<typeof openReceiver>;
  mortal: Mortal;
  end: AbortController;
};

const scratch = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A database file with three idle agents, which every story begins with. */
export async function makeTemplate(): Promise<{ directory: string; remove(): void }> {
  const core = openCore();
  for (const name of told.names) {
    const budgets = { turns_per_hour: told.budgetOf(name) };
    const config = { harness: { driver: "acp", profile: "script" }, recipients: ["*"], budgets };
    await addIdleAgent(core, name, AgentConfig.parse({ ...config, role: name === "boss" ? "manager" : "worker" }));
  }
  await core.close();
  return { directory: core.directory, remove: () => rmSync(core.directory, { recursive: true }) };
}

/** The database as a process that can be killed sees it: from its end on nothing is written, and nobody hears anything. */
class Mortal {
  readonly db: Database;
  readonly died: Promise<void>;
  readonly #real: Database;
  #tellDeath: () => void = () => undefined;
  #left = Number.POSITIVE_INFINITY;
  #when: "before" | "after" = "before";

  constructor(real: Database) {
    this.#real = real;
    this.died = new Promise((resolve) => {
      this.#tellDeath = resolve;
    });
    this.db = { ...real, write: (closure) => this.#write(closure) };
  }

  arm({ at, when }: NonNullable<Crash>): void {
    this.#left = at;
    this.#when = when;
  }

  #write<Result>(closure: (tx: Transaction) => Result): Promise<Result> {
    const unheard = new Promise<Result>(() => undefined);
    if (this.#left <= 0) return unheard;
    this.#left -= 1;
    if (this.#left > 0) return this.#real.write(closure);
    if (this.#when === "after") void this.#real.write(closure).catch(() => undefined);
    this.#tellDeath();
    return unheard;
  }
}

const nothing = (): void => undefined;

export class World {
  model: Model = { messages: [], entries: [], agents: [], turns: [], lastMessage: 0, lastEntry: 0 };
  readonly #clock: FakeClock = openFakeClock();
  readonly #directory = mkdtempSync(join(scratch, "hive-"));
  readonly #running = new Map<Name, Running>();
  readonly #launches = new Map<Name, LaunchId>();
  readonly #lastReports = new Map<Name, (life: Life) => Promise<void>>();
  /** whom hived has woken since they last found nothing to do */
  readonly #woken = new Set<string>();
  /** entries that agents have seen, and those that were settled, however long ago */
  readonly #seen = new Set<number>();
  readonly #handled = new Set<number>();
  readonly #settled = new Set<number>();
  readonly #retried = new Set<number>();
  readonly #newestSeen = new Map<string, number>();
  #life!: Life;
  #letters = 0;
  #mark = 0;

  async open(template: string): Promise<void> {
    copyFileSync(join(template, "hive.db"), join(this.#directory, "hive.db"));
    await this.#begin();
    for (const name of told.names) {
      const { launch } = this.#life.core.db.read((reader) => requireAgent(reader, name));
      if (launch === null) throw new Error(`${name} is not up`);
      this.#launches.set(name, launch);
      this.model.agents.push({ name, launch, state: "idle", retryAt: null, turn: null });
    }
    await this.#hold();
  }

  async close(): Promise<void> {
    await this.#end();
    rmSync(this.#directory, { recursive: true });
  }

  get now(): EpochMs {
    return this.#clock.now();
  }

  pass(ms: number): void {
    this.#clock.advance(ms);
  }

  /** Sends a letter; one that was not answered is sent again, as the bridge does. */
  async send(from: Name | "operator", to: string, crash: Crash): Promise<void> {
    this.#letters += 1;
    const letter = { from: from as AgentName | "operator", to, body: "hello", clientId: `letter-${this.#letters}` };
    const predict = (model: Model) => told.sendTo(model, from, to);
    await this.#surely(crash, predict, ({ core }) => send(core, letter));
  }

  /** The runner asks for work; it holds the turn that it has asked for before it knows the answer. */
  async lease(name: Name, limit: number, crash: Crash): Promise<void> {
    const launch = this.#launches.get(name);
    if (!launch || this.#running.has(name)) return;
    const running: Running = { id: newTurn(), started: [], marks: [] };
    this.#running.set(name, running);
    let handed: LeasedEntry[] = [];
    const act = async ({ core, boot }: Life) => {
      const request = { boot, agent: name as AgentName, launch, turn: running.id, limit };
      handed = (await lease(core, request)).entries;
    };
    const predict = (model: Model) => told.startTurn(model, name, { id: running.id, now: this.now, limit });
    await this.#surely(crash, predict, act, () => this.#running.get(name) === running);
    if (this.#running.get(name) !== running) return; // it died, or has been given up
    running.started = this.#held(running.id);
    expect(handed.map(({ entry }) => entry)).toEqual(running.started);
    this.#see(name, handed);
    if (handed.length > 0) return;
    this.#running.delete(name);
    this.#woken.delete(name);
  }

  /** The agent fetches more; what it never got an answer to, it has not seen. */
  async recv(name: Name, limit: number, crash: Crash): Promise<void> {
    const running = this.#running.get(name);
    const launch = this.#launches.get(name);
    if (!running || !launch) return;
    let received: LeasedEntry[] = [];
    const { boot } = this.#life;
    const act = async (life: Life) => {
      received = (await life.recv({ agent: name as AgentName, launch, limit })).entries;
    };
    await this.#do(crash, (model) => told.take(told.dueFor(model, name, this.now, limit), running.id), act);
    const entries = received.map(({ entry }) => entry as number);
    if (entries.length === 0) return;
    this.#see(name, received);
    running.marks.push({ mark: this.#mark, boot, entries });
  }

  /** The runner reports a turn, and again until hived has answered. */
  async end(name: Name, ending: Ending, crash: Crash): Promise<void> {
    const running = this.#running.get(name);
    const launch = this.#launches.get(name);
    if (!running || !launch) return;
    const { outcome, isProven, answered, requeues } = ending;
    const marks = answered === "all" ? running.marks : answered === "first" ? running.marks.slice(0, 1) : [];
    const retryAt = ending.retryAfterMs === null ? null : ((this.now + ending.retryAfterMs) as EpochMs);
    const end: Omit<TurnEnd, "boot"> = {
      ...{
        agent: name as AgentName,
        launch,
        turn: running.id,
        outcome,
        problem: null,
        session: null,
        retryAt,
        requeues,
      },
      evidence: isProven ? proven : { outputs: 0, outputTokens: null },
      answeredMarks: marks.map(({ mark }) => mark),
    };
    const act = ({ core, boot }: Life) => endTurn(core, { ...end, boot });
    const predict = (model: Model) => {
      const certain = marks.filter(({ boot }) => boot === this.#life.boot).flatMap(({ entries }) => entries);
      const isAnswered = (entry: number) => running.started.includes(entry) || certain.includes(entry);
      told.endTurn(model, running.id, { outcome, isProven, retryAt, requeues, now: this.now, isAnswered });
    };
    this.#lastReports.set(name, act);
    await this.#surely(crash, predict, act, () => this.#running.get(name) === running);
    this.#running.delete(name);
  }

  /** A report that comes twice, or too late, changes nothing. */
  async reportAgain(name: Name): Promise<void> {
    const report = this.#lastReports.get(name);
    if (report) await this.#do(null, nothing, report);
  }

  /** A turn is ended by nobody but its own launch. */
  async reportForeign(name: Name): Promise<void> {
    const running = this.#running.get(name);
    if (!running) return;
    const foreign = { agent: name as AgentName, launch: newLaunchId(), turn: running.id, outcome: "ok" as const };
    const end = { ...foreign, evidence: proven, problem: null, answeredMarks: [], session: null, retryAt: null };
    const act = ({ core, boot }: Life) => refused(endTurn(core, { ...end, boot }));
    await this.#do(null, nothing, act);
  }

  /** The process of an agent is gone. */
  async loseLaunch(name: Name, crash: Crash): Promise<void> {
    const id = this.#launches.get(name);
    if (!id) return;
    this.#launches.delete(name);
    this.#running.delete(name);
    const act = ({ core }: Life) =>
      core.db.write((tx) => {
        const launch = findLaunch(tx, id);
        if (launch && launch.ended_at === null) loseLaunch(tx, core, launch, "It exited.", nothing);
      });
    await this.#surely(crash, (model) => told.loseLaunch(model, name, this.now), act);
  }

  /** A rebuild begins: the agent gets no turn after the one that runs. */
  async beginRebuild(name: Name): Promise<void> {
    const { launch } = told.agentOf(this.model, name);
    if (launch === null) return;
    const predict = (model: Model) => Object.assign(told.agentOf(model, name), { state: "converging" });
    await this.#do(null, predict, ({ core }) =>
      core.db.write((tx) => changeAgent(tx, core, name as AgentName, { state: "converging" })),
    );
  }

  /** Its process is started, as converge does it. */
  async launch(name: Name): Promise<void> {
    if (told.agentOf(this.model, name).launch !== null) return;
    const launch = newLaunchId();
    const predict = (model: Model) => Object.assign(told.agentOf(model, name), { launch, state: "idle" });
    const agent = name as AgentName;
    await this.#do(null, predict, ({ core }) =>
      core.db.write((tx) => {
        beginLaunch(tx, core, { id: launch, agent, tree: someTree });
        changeAgent(tx, core, agent, { launch, state: "idle", problem: null });
      }),
    );
    this.#launches.set(name, launch);
  }

  /** Work `wake` of an agent, if it is due. */
  async tick(name: Name, crash: Crash): Promise<void> {
    const act = async ({ core, waiters }: Life) => {
      const due = core.db.read((reader) => work.dueWork(reader, { kind: "wake", now: this.now, limit: 100 }));
      const row = due.find(({ key }) => key === name);
      if (!row) return;
      await core.db.write((tx) => work.beginAttempt(tx, row.id));
      const later = await waiters.wake.run(name, new AbortController().signal);
      await core.db.write((tx) =>
        later ? work.postpone(tx, row.id, later.again) : work.finishAttempt(tx, row.id, this.now),
      );
    };
    await this.#surely(crash, (model) => told.tick(model, name, this.now), act);
  }

  async cancel(index: number, crash: Crash): Promise<void> {
    const entry = this.#pick(index);
    if (!entry) return;
    const may = entry.recipient !== "operator" && ["queued", "dead", "cancelled"].includes(entry.state);
    const predict = (model: Model) => {
      if (may && entry.state !== "cancelled") change(model, entry.id, { state: "cancelled", settledAt: this.now });
    };
    const act = ({ core }: Life) => asAllowed(may, cancelEntry(core, entry.id as EntryId));
    await this.#do(crash, predict, act);
  }

  async retry(index: number, crash: Crash): Promise<void> {
    const entry = this.#pick(index);
    if (!entry) return;
    const may = entry.recipient !== "operator" && !["handled", "read"].includes(entry.state);
    const isBack = may && (entry.state === "dead" || entry.state === "cancelled");
    if (isBack) this.#retried.add(entry.id);
    const predict = (model: Model) => {
      if (isBack) change(model, entry.id, { state: "queued", failures: 0, notBefore: 0, turn: null, settledAt: null });
    };
    await this.#do(crash, predict, ({ core }) => asAllowed(may, retryEntry(core, entry.id as EntryId)));
  }

  async cancelQueued(name: Name, crash: Crash): Promise<void> {
    const predict = (model: Model) => {
      for (const { id } of told.queuedFor(model, name)) change(model, id, { state: "cancelled", settledAt: this.now });
    };
    await this.#do(crash, predict, ({ core }) => cancelQueued(core, name as AgentName));
  }

  async read(index: number, crash: Crash): Promise<void> {
    const entry = this.#pick(index);
    if (!entry) return;
    const isUnread = entry.recipient === "operator" && entry.state === "queued";
    const predict = (model: Model) => {
      if (isUnread) change(model, entry.id, { state: "read", settledAt: this.now });
    };
    await this.#surely(crash, predict, ({ core }) => markRead(core, [entry.id as EntryId]));
  }

  async unpark(name: Name): Promise<void> {
    const predict = (model: Model) => {
      const agent = told.agentOf(model, name);
      if (agent.state === "parked") Object.assign(agent, { state: "idle", retryAt: null });
    };
    await this.#do(null, predict, ({ core }) => unparkAgent(core, name as AgentName));
  }

  async forget(crash: Crash): Promise<void> {
    const predict = (model: Model) => told.forget(model, this.now);
    await this.#surely(crash, predict, ({ core }) => forgetMessages(core, told.keptMessages));
  }

  /** hived is killed while it does nothing. */
  restart(runner: NonNullable<Crash>["runner"]): Promise<boolean> {
    return this.#do({ at: 1, when: "before", runner }, nothing, ({ core }) => core.db.write(nothing));
  }

  /** The link breaks; the runner is back in time, with all that it holds. */
  async breakLink(): Promise<void> {
    await this.#hold();
    this.#compare();
  }

  /**
   * What everybody would do from now on, if nothing went wrong any more: whoever is woken works, until nothing waits.
   * Nobody looks for mail without having been woken.
   */
  async settle(): Promise<void> {
    for (let round = 0; round < 500; round += 1) {
      for (const name of told.names) await this.#goOn(name);
      if (!told.names.some((name) => told.queuedFor(this.model, name).length > 0)) break;
      if (this.#running.size > 0 || this.#woken.size > 0) continue;
      const next = this.#life.core.db.read((reader) => work.nextDue(reader, this.now));
      const isDue = this.#life.core.db.read((reader) => work.dueKinds(reader, this.now)).includes("wake");
      if (isDue) continue;
      if (next === null) throw new Error("mail waits, nobody was woken, and nothing is due");
      this.pass(next - this.now);
    }
    const open = this.model.entries.filter(({ recipient, state }) => recipient !== "operator" && isOpen(state));
    expect(open, "what still waits in the end").toEqual([]);
    const known = new Set(this.model.entries.map(({ id }) => id));
    const ids = Array.from({ length: this.model.lastEntry }, (_, index) => index + 1);
    expect(
      ids.filter((id) => !known.has(id) && !this.#settled.has(id)),
      "lost",
    ).toEqual([]);
  }

  async #goOn(name: Name): Promise<void> {
    if (told.agentOf(this.model, name).state === "converging") {
      await this.loseLaunch(name, null);
      await this.launch(name);
    }
    const { state, retryAt } = told.agentOf(this.model, name);
    if (state === "parked" && retryAt === null) await this.unpark(name);
    await this.tick(name, null);
    if (this.#woken.has(name)) await this.lease(name, 10, null);
    await this.end(name, { outcome: "ok", isProven: true, answered: "all", retryAfterMs: null, requeues: false }, null);
  }

  /** As `#do`, but whoever asked asks again after a crash: if it had been done, that changes nothing. */
  async #surely(
    crash: Crash,
    predict: (model: Model) => unknown,
    act: (life: Life) => Promise<unknown>,
    isStillWanted: () => boolean = () => true,
  ): Promise<void> {
    const isDone = await this.#do(crash, predict, act);
    if (crash && isStillWanted()) await this.#do(null, isDone ? nothing : predict, act);
  }

  /**
   * Takes a step in hived and in the model. After a crash hived is found as it was before the step, or as after it.
   * @returns whether the step was taken
   */
  async #do(crash: Crash, predict: (model: Model) => unknown, act: (life: Life) => Promise<unknown>): Promise<boolean> {
    const after = structuredClone(this.model);
    predict(after);
    if (!crash) {
      await act(this.#life);
      await nextRound(); // the wakes of that commit
      this.model = after;
      this.#compare();
      return true;
    }
    const { mortal } = this.#life;
    mortal.arm(crash);
    await Promise.race([act(this.#life), mortal.died]);
    await this.#end();
    await this.#begin();
    const isTaken = !isDeepStrictEqual(this.#view(), viewOf(this.model));
    if (isTaken) this.model = after;
    this.#compare();
    await this.#comeBack(crash.runner);
    return isTaken;
  }

  /** What hived's runner does once hived is there again. */
  async #comeBack(runner: NonNullable<Crash>["runner"]): Promise<void> {
    if (runner !== "keeps") {
      for (const name of told.names) told.loseLaunch(this.model, name, this.now);
      await this.#adopt([]);
      if (runner === "late") await this.#adopt(this.#holding());
      this.#running.clear();
      this.#launches.clear();
      this.#woken.clear();
    } else await this.#hold();
    this.#compare();
  }

  /** What the runner does not hold is lost, as when a process ended while hived was away. */
  async #hold(): Promise<void> {
    for (const name of told.names) if (!this.#launches.has(name)) told.loseLaunch(this.model, name, this.now);
    await this.#adopt(this.#holding());
    this.#life.waiters.wakeAll();
  }

  #holding(): Held[] {
    return [...this.#launches].map(([name, launch]) => {
      return { launch, agent: name as AgentName, turn: this.#running.get(name)?.id ?? null };
    });
  }

  #adopt(held: Held[]): Promise<unknown> {
    const { core } = this.#life;
    return core.db.write((tx) => adopt(tx, core, { held, problem: "It is gone.", onLost: nothing }));
  }

  async #begin(): Promise<void> {
    const mortal = new Mortal(openDatabase(join(this.#directory, "hive.db")));
    const { db } = mortal;
    const events = openEventLog();
    const log = pino({ level: "silent" });
    const clock = this.#clock;
    const core: Core = { db, events, clock, log, scheduler: openScheduler({ db, events, clock, log }) };
    const end = new AbortController();
    const boot = await countBoot(db);
    const call = async (name: string, request: unknown) => {
      if (name === "wake") for (const agent of (request as { agents: string[] }).agents) this.#woken.add(agent);
      if (name === "markReceived") this.#mark = (request as { mark: number }).mark;
      return {};
    };
    const runner = { call } as unknown as Pick<Runner, "call">;
    const recv = openReceiver(core, runner, boot, end.signal);
    this.#life = { core, boot, mortal, end, recv, waiters: openWaiters(core, runner, end.signal) };
  }

  async #end(): Promise<void> {
    this.#life.end.abort();
    await this.#life.core.db.close();
  }

  #held(turn: TurnId): number[] {
    return this.model.entries.filter((entry) => entry.turn === turn && entry.state === "leased").map(({ id }) => id);
  }

  #pick(index: number): told.ModelEntry | undefined {
    return this.model.entries[index % this.model.entries.length];
  }

  /** What is promised about every delivery, whatever the model says. */
  #see(name: string, entries: readonly LeasedEntry[]): void {
    for (const { entry, redelivered } of entries) {
      expect(this.#handled, "a handled message is never delivered again").not.toContain(entry);
      if (this.#seen.has(entry)) expect(redelivered, "seen before, and not told so").toBe(true);
      else if (!this.#retried.has(entry)) {
        expect(entry, "in order").toBeGreaterThan(this.#newestSeen.get(name) ?? 0);
        this.#newestSeen.set(name, entry);
      }
      this.#seen.add(entry);
    }
  }

  #compare(): void {
    const found = this.#view();
    expect(found).toEqual(viewOf(this.model));
    for (const { id, state } of found.entries) {
      if (state === "handled") this.#handled.add(id);
      if (!isOpen(state)) this.#settled.add(id);
    }
    expect(
      this.#life.core.db.read((reader) => reader.all(UNPROVEN)),
      "handled without proof",
    ).toEqual([]);
  }

  #view(): ReturnType<typeof viewOf> {
    return this.#life.core.db.read((reader) => ({
      messages: reader.all("SELECT id, sender AS 'from', recipient AS 'to' FROM messages ORDER BY id"),
      entries: reader.all(ENTRIES),
      agents: listAgents(reader).map(({ name, launch, state, retry_at: retryAt, turn }) => ({
        ...{ name, launch, state, retryAt, turn },
      })),
      turns: newestTurns(reader, 1e9)
        .map(({ id, agent, launch, startedAt, outcome }) => ({ id, agent, launch, startedAt, outcome }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    }));
  }
}

const ENTRIES = `SELECT id, message, recipient, state, attempt, failures, not_before AS notBefore, turn,
  settled_at AS settledAt FROM inbox ORDER BY id`;
const UNPROVEN = `SELECT inbox.id FROM inbox LEFT JOIN turns ON turns.id = inbox.turn AND turns.agent = inbox.recipient
    AND turns.outcome = 'ok' AND json_extract(turns.evidence, '$.outputTokens') > 0
  WHERE inbox.state = 'handled' AND turns.id IS NULL`;

const viewOf = ({ messages, entries, agents, turns }: Model) => ({
  messages,
  entries,
  agents: agents.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  turns: turns.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
});

const isOpen = (state: told.ModelEntry["state"]) => state === "queued" || state === "leased";

function change(model: Model, id: number, to: Partial<told.ModelEntry>): void {
  const entry = model.entries.find((row) => row.id === id);
  if (entry) Object.assign(entry, to);
}

/** Without `expect().rejects`, which vitest waits for at a test's end: a killed hived never answers. */
async function refused(asked: Promise<unknown>): Promise<void> {
  const error = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
}
const asAllowed = (may: boolean, asked: Promise<unknown>) => (may ? asked : refused(asked));
