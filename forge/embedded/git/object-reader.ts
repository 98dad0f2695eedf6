/**
 * Reads objects by long-lived processes, one per repository in use: a process of its own for each small read costs a fork
 * of this one, several milliseconds in which nothing else is served (measured, 2026-11-28). They end when nobody has asked
 * for some seconds, when too many are alive, and with the forge.
 */
import type { ChildProcess } from "node:child_process";
import { CatFile, type GitObject, type ObjectInfo, type Question } from "./cat-file.ts";

const MOST_ALIVE = 16;
const IDLE_MS = 5000;
/** Of a commit, tag or tree: what a push brings may be as large as it likes. */
const MAX_CONTENT_BYTES = 64 * 1024 * 1024;

/** Variables that say where git finds the objects of a push while they are in quarantine. */
export type Env = Record<string, string>;
type Start = (dir: string, env: Env) => ChildProcess;
interface Alive {
  process: CatFile;
  timer: NodeJS.Timeout;
}

export class ObjectReader {
  private readonly start: Start;
  /** The one that was asked last is the last. */
  private readonly alive = new Map<string, Alive>();
  private readonly running = new Set<Promise<void>>();

  constructor(start: Start) {
    this.start = start;
  }

  /** What a name of git's means; undefined when there is no such object. @throws Error git fails at it */
  info(dir: string, name: string, env: Env = {}): Promise<ObjectInfo | undefined> {
    return this.ask(dir, env, { name });
  }

  /** As `info`, with its content. */
  read(dir: string, name: string, env: Env = {}, maxBytes = MAX_CONTENT_BYTES): Promise<GitObject | undefined> {
    return this.ask(dir, env, { name, maxBytes });
  }

  /** For a repository that is gone, or a quarantine that is over. */
  forget(dir: string, env: Env = {}): void {
    const key = keyOf(dir, env);
    const known = this.alive.get(key);
    if (known) this.drop(key, known.process);
  }

  /** Resolves when none of the processes is left. */
  async close(): Promise<void> {
    for (const [key, { process }] of this.alive) this.drop(key, process);
    await Promise.all(this.running);
  }

  /** A process that has ended for another question's sake, or was killed, is replaced; what kills its own twice is a fault. */
  private async ask(dir: string, env: Env, question: Question): Promise<GitObject | undefined> {
    if (/[\n\0]/.test(question.name)) return undefined;
    try {
      return await this.processFor(dir, env).ask(question);
    } catch {
      const process = this.spawn(dir, env);
      const answer = process.ask(question);
      process.end();
      return answer;
    }
  }

  private processFor(dir: string, env: Env): CatFile {
    const key = keyOf(dir, env);
    const known = this.alive.get(key);
    const process = known?.process ?? this.spawn(dir, env);
    if (known) clearTimeout(known.timer);
    this.alive.delete(key);
    const timer = setTimeout(() => this.drop(key, process), IDLE_MS);
    this.alive.set(key, { process, timer });
    if (!known) void process.ended.then(() => this.drop(key, process));
    for (const [oldest, { process: old }] of this.alive) {
      if (this.alive.size <= MOST_ALIVE) break;
      this.drop(oldest, old);
    }
    return process;
  }

  private drop(key: string, process: CatFile): void {
    const known = this.alive.get(key);
    process.end();
    if (known?.process !== process) return;
    clearTimeout(known.timer);
    this.alive.delete(key);
  }

  private spawn(dir: string, env: Env): CatFile {
    const process = new CatFile(this.start(dir, env));
    this.running.add(process.ended);
    void process.ended.then(() => this.running.delete(process.ended));
    return process;
  }
}

const keyOf = (dir: string, env: Env): string => JSON.stringify([dir, env]);
