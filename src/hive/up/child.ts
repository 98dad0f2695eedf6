/**
 * One supervised program: started, started again with backoff for as long as it takes, and stopped.
 *
 *   starting → ready → restarting → starting …          any → stopping → stopped
 *
 * A program that is not ready in time, or answers no more, is killed and started again. One that refuses its very first
 * start is not: what it says is for the operator.
 */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Fault } from "../../contract/fault.ts";
import { refusedExitCode, StartLine } from "../../contract/programs.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Process } from "../../contract/routes.ts";
import { systemClock } from "../../daemon/clock.ts";
import { backoffMs, describe, isOutsideFault } from "../../daemon/fault.ts";
import { guarded, signalGroup, spawnOnLifeline } from "../../daemon/guard.ts";
import { lifelineEnvironment, stopped } from "../../daemon/stop.ts";
import { lastWords, openLogFile } from "./log-file.ts";

export type Command = {
  argv: readonly string[];
  cwd?: string;
  env: Record<string, string>;
  /** descriptors of ours that become its 4, 5, … */
  inherited?: readonly number[];
  /** called when it was spawned: our copies of those can be closed */
  release?(): void;
};

export type ChildSpec = {
  name: string;
  /** made anew for each start */
  command(): Command | Promise<Command>;
  /** a program that knows nothing of our lifeline and our start line: it is guarded, and `waitReady` says when it serves */
  isForeign: boolean;
  /** beside the start line of a program of ours, or instead of it: resolves when it serves */
  waitReady?(signal: AbortSignal): Promise<void>;
  /** asked now and then while it is ready; throws when it does not answer */
  check?(signal: AbortSignal): Promise<void>;
  readyWithinMs: number;
  /** a descriptor of ours that each of its lives inherits and holds to its end: the home's lock */
  lock?: number;
  /** time that it gets to stop by itself */
  stopWithinMs: number;
};

const checkEveryMs = 15_000;
const checkWithinMs = 10_000;
const checksToFail = 3;
/** A program that was ready for so long starts its count of failures anew. */
const provenAfterMs = 30_000;

export class Child {
  readonly name: string;
  /** Resolves when it is ready for the first time, or was stopped before; rejects with the refusal of its first start. */
  readonly ready: Promise<void>;
  readonly #spec: ChildSpec;
  readonly #logPath: string;
  readonly #onChange: (row: Process) => void;
  readonly #stopping = new AbortController();
  #settleReady: { resolve(): void; reject(error: Error): void };
  #wasReady = false;
  #life: Promise<void> | undefined;
  #row: Process;

  constructor(spec: ChildSpec, logPath: string, onChange: (row: Process) => void) {
    this.name = spec.name;
    this.#spec = spec;
    this.#logPath = logPath;
    this.#onChange = onChange;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined); // whoever waits is told; nobody has to
    this.ready = promise;
    this.#settleReady = { resolve, reject };
    const since = systemClock.now();
    this.#row = { name: spec.name, pid: null, health: "starting", restarts: 0, since, problem: null, note: null };
  }

  row(): Process {
    return this.#row;
  }

  start(): void {
    this.#life ??= this.#run();
  }

  /** Asks the program to stop, kills it when it takes longer than its time, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#row.health !== "stopped") this.#change({ health: "stopping" });
    await this.#life;
    this.#settleReady.resolve();
    this.#change({ health: "stopped", pid: null });
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const { trouble, readyForMs } = await this.#live();
      if (this.#stopping.signal.aborted) return;
      const problem = describe(trouble);
      if (trouble instanceof Refusal && !this.#wasReady) {
        this.#change({ health: "stopped", pid: null, problem });
        return this.#settleReady.reject(trouble);
      }
      failures = readyForMs > provenAfterMs ? 1 : failures + 1;
      this.#change({ health: "restarting", pid: null, problem, restarts: this.#row.restarts + 1 });
      await systemClock.wait(backoffMs(failures), this.#stopping.signal);
    }
  }

  /** One life of the program, to its end; `trouble` is why it ended, undefined when it was asked to. */
  async #live(): Promise<{ trouble: unknown; readyForMs: number }> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopping.signal]);
    let readyAt = Number.POSITIVE_INFINITY;
    let trouble: unknown;
    let program: Program | undefined;
    try {
      program = await launch(this.#spec, this.#logPath);
      this.#change({ health: "starting", pid: program.pid });
      const serve = async ({ waitReady }: Program) => {
        const note = await waitReady(signal);
        if (signal.aborted) return;
        readyAt = performance.now();
        this.#becomeReady(note ?? null);
        await keepChecking(this.#spec, signal);
      };
      await Promise.race([program.exited.then(throwIt), serve(program)]);
    } catch (error) {
      if (!isOfTheWorld(error)) throw error;
      trouble = error;
    }
    over.abort();
    await program?.end(trouble === undefined ? this.#spec.stopWithinMs : 0);
    return { trouble, readyForMs: performance.now() - readyAt };
  }

  #becomeReady(note: string | null): void {
    this.#wasReady = true;
    this.#change({ health: "ready", problem: null, note });
    this.#settleReady.resolve();
  }

  #change(change: Partial<Process>): void {
    const since = change.health === this.#row.health ? this.#row.since : systemClock.now();
    this.#row = { ...this.#row, ...change, since };
    this.#onChange(this.#row);
  }
}

function throwIt(error: Error): never {
  throw error;
}

/** A refusal, a fault, or an error of the system such as a port that is taken; anything else is a bug. */
const isOfTheWorld = (error: unknown) =>
  error instanceof Refusal || isOutsideFault(error) || (error as NodeJS.ErrnoException).code !== undefined;

/** A running program. */
type Program = {
  pid: number | null;
  /** resolves, with the reason, when it has ended */
  exited: Promise<Error>;
  /** resolves, with what it said of itself, when it serves; rejects when it refused or its time is over */
  waitReady(signal: AbortSignal): Promise<string | undefined>;
  /** asks it to stop, kills it after that time, and resolves when it is gone */
  end(withinMs: number): Promise<void>;
};

async function launch(spec: ChildSpec, logPath: string): Promise<Program> {
  const command = await spec.command();
  const log = openLogFile(logPath);
  const { child, cut } = spawnOnLifeline(spec.isForeign ? guarded(command.argv) : command.argv, {
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    env: spec.isForeign ? command.env : { ...command.env, ...lifelineEnvironment },
    stdio: ["ignore", spec.isForeign ? log.descriptor : "pipe", log.descriptor],
    inherited: [...(command.inherited ?? []), ...(spec.lock === undefined ? [] : [spec.lock])],
  });
  command.release?.();
  log.close();
  const startLine = child.stdout ? readStartLine(child.stdout) : Promise.resolve(undefined);
  const exited = reasonOfEnd(child, startLine, () => lastWords(logPath, log.offset));
  return {
    pid: child.pid ?? null,
    exited,
    waitReady: (signal) => waitReady(spec, startLine, signal),
    async end(withinMs) {
      cut();
      const isOver = new AbortController();
      const killing = systemClock.wait(withinMs, isOver.signal).then(() => {
        if (!isOver.signal.aborted) kill(child, spec);
      });
      await exited;
      isOver.abort();
      await killing;
    },
  };
}

/** What a foreign program leaves behind is for its guard, which would die with the group. */
function kill(child: ChildProcess, spec: ChildSpec): void {
  if (spec.isForeign) child.kill("SIGKILL");
  else if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
}

async function waitReady(
  spec: ChildSpec,
  startLine: Promise<StartLine | undefined>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const late = systemClock.wait(spec.readyWithinMs, signal).then(() => {
    if (!signal.aborted) throw new Fault(`was not ready within ${spec.readyWithinMs / 1000} s`);
    return undefined;
  });
  const note = await Promise.race([late, spec.isForeign ? undefined : startLine.then(noteOf)]);
  if (spec.waitReady) await Promise.race([late, spec.waitReady(signal)]);
  return note;
}

/** A program that ended its output without a word has ended, or is about to: its exit says more. */
function noteOf(line: StartLine | undefined): string | undefined | Promise<never> {
  if (line === undefined) return new Promise<never>(() => undefined);
  if ("refusal" in line) throw Refusal.fromBody(line.refusal);
  return line.note;
}

/** The start line of a program of ours; undefined when its output ends without one. */
function readStartLine(stdout: Readable): Promise<StartLine | undefined> {
  const lines = createInterface({ input: stdout });
  return new Promise((resolve, reject) => {
    lines.once("line", (line) => {
      try {
        resolve(StartLine.parse(JSON.parse(line)));
      } catch (error) {
        reject(new Fault(`said something else than that it is ready: ${line.slice(0, 200)}`, { cause: error }));
      }
      lines.close();
      stdout.resume();
    });
    lines.once("close", () => resolve(undefined));
  });
}

async function reasonOfEnd(
  child: ChildProcess,
  startLine: Promise<StartLine | undefined>,
  words: () => string,
): Promise<Error> {
  const [code, signal] = await exitOf(child);
  const line = code === refusedExitCode ? await startLine.catch(() => undefined) : undefined;
  if (line && "refusal" in line) return Refusal.fromBody(line.refusal);
  const said = signal === "SIGKILL" ? "" : words(); // who is killed from outside had no time for words
  return new Fault(`${signal ? `was killed by ${signal}` : `ended with code ${code}`}${said && `: ${said}`}`);
}

/** Resolves also when the program could not be started at all. */
function exitOf(child: ChildProcess): Promise<[code: number | string | null, signal: string | null]> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve([code, signal]));
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve([error.code ?? error.message, null]);
    });
  });
}

/** Returns when the signal is aborted; throws a fault when the program does not answer any more. */
async function keepChecking({ check }: ChildSpec, signal: AbortSignal): Promise<void> {
  if (!check) return stopped(signal);
  let failures = 0;
  for (await systemClock.wait(checkEveryMs, signal); !signal.aborted; await systemClock.wait(checkEveryMs, signal)) {
    try {
      await check(AbortSignal.any([signal, AbortSignal.timeout(checkWithinMs)]));
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (failures >= checksToFail) throw new Fault(`did not answer any more: ${describe(error)}`);
    }
  }
}
