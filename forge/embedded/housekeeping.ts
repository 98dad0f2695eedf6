/**
 * Packs repositories in which much has been written: one at a time, behind everything else, so that nobody waits for it.
 * Git decides what is packed and what may go (unreachable objects after two weeks); when it is asked is decided here.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ForgeEvent } from "./domain/events.ts";
import { GitFault } from "./git/run.ts";

/** What git itself finds too much (git-config: gc.auto, gc.autoPackLimit). */
const LOOSE_OBJECTS = 6700;
const PACKS = 50;
/** Loose objects lie in as many folders, evenly, so that one of them tells about all (git gc --auto looks at the same). */
const FOLDERS = 256;

export interface Packer {
  /** Absolute path of a bare repository. */
  dirOf: (repoId: number) => string;
  environment: Record<string, string>;
  /** Told when a repository has been packed, or could not be. */
  onEnd: (repoId: number, fault: Error | undefined) => void;
}

export class Housekeeping {
  private readonly packer: Packer;
  private readonly waiting = new Set<number>();
  private running: { repoId: number; stop: AbortController; ended: Promise<void> } | undefined;
  private isStopped = false;

  constructor(packer: Packer) {
    this.packer = packer;
  }

  /** To be called with every event of the forge: what writes to a repository is told by one of them. */
  see(event: ForgeEvent): void {
    if (event.kind === "push" || event.kind === "pull_request") this.ask(event.repoId);
  }

  /** Has a repository looked at when its turn comes. */
  ask(repoId: number): void {
    if (this.isStopped) return;
    this.waiting.add(repoId);
    if (!this.running) this.next();
  }

  /** Resolves when nothing runs in this repository, which is about to be removed, and nothing will. */
  async leave(repoId: number): Promise<void> {
    this.waiting.delete(repoId);
    if (this.running?.repoId !== repoId) return;
    this.running.stop.abort();
    await this.running.ended;
  }

  /** Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.waiting.clear();
    this.running?.stop.abort();
    await this.running?.ended;
  }

  private next(): void {
    const [repoId] = this.waiting;
    if (repoId === undefined) return;
    this.waiting.delete(repoId);
    const stop = new AbortController();
    const ended = this.look(repoId, stop.signal).finally(() => {
      this.running = undefined;
      this.next();
    });
    this.running = { repoId, stop, ended };
  }

  private async look(repoId: number, signal: AbortSignal): Promise<void> {
    await nextTurn(); // whoever asks is in the middle of a transaction
    const dir = this.packer.dirOf(repoId);
    if (signal.aborted || !isFull(dir)) return;
    try {
      await pack(dir, this.packer.environment, signal);
      if (!signal.aborted) this.packer.onEnd(repoId, undefined);
    } catch (error) {
      if (!signal.aborted) this.packer.onEnd(repoId, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Counted here, for a process that finds nothing to do costs more than the look itself. */
function isFull(dir: string): boolean {
  const loose = entriesOf(path.join(dir, "objects", "17")).length;
  const packs = entriesOf(path.join(dir, "objects", "pack")).filter((name) => name.endsWith(".pack")).length;
  return loose > LOOSE_OBJECTS / FOLDERS || packs > PACKS;
}

const entriesOf = (dir: string): string[] =>
  statSync(dir, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(dir) : [];

/** Not `--auto`, which leaves what is unreachable loose, so that it is counted again after the next push. */
const GC = ["gc", "--quiet", "--cruft"];

/** Ends early, and well, when it is aborted: what git leaves then is swept by its next run. @throws GitFault */
function pack(dir: string, env: Record<string, string>, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // a group of its own, for git gc leaves its helpers behind when it is ended alone
  const child = spawn("nice", ["-n", "19", "git", ...GC], {
    cwd: dir,
    env,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const end = () => endGroup(child);
  signal.addEventListener("abort", end, { once: true });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (err.length < 4000) err += chunk.toString("utf8");
  });
  child.on("error", reject);
  // its stderr is open as long as one of its helpers lives
  child.on("close", (code) => {
    signal.removeEventListener("abort", end);
    if (code === 0 || signal.aborted) resolve();
    else reject(new GitFault(GC, { code: code ?? -1, out: Buffer.alloc(0), err }));
  });
  return promise;
}

function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGTERM");
}
