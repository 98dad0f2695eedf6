/**
 * One `git cat-file --batch-command` that answers for as long as somebody asks: in the order of the questions, which may be
 * asked without waiting for answers. It sees what is written meanwhile: refs are read anew for each name, and git looks
 * for new packs before it calls an object missing.
 */
import type { ChildProcess } from "node:child_process";

export interface ObjectInfo {
  sha: string;
  type: string;
  /** Bytes. */
  size: number;
}
export interface GitObject extends ObjectInfo {
  /** Its content, cut at the limit of whoever asked. */
  bytes: Buffer;
}
/** What is asked: an id, a ref or any other name of git's without a line break. */
export interface Question {
  name: string;
  /** Content is kept up to this many bytes; undefined: only what it is. */
  maxBytes?: number;
}
interface Pending extends Question {
  resolve: (object: GitObject | undefined) => void;
  reject: (error: Error) => void;
}
/** An answer whose content is coming. */
interface Body extends ObjectInfo {
  kept: Buffer[];
  /** With the line break at its end. */
  missingBytes: number;
  roomBytes: number;
}

const LINE_BREAK = 10;

export class CatFile {
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private readonly pending: Pending[] = [];
  /** Why it has ended. */
  private reason: string | undefined;
  private line = "";
  private body: Body | undefined;

  /** @param child with pipes to its stdin, stdout and stderr */
  constructor(child: ChildProcess) {
    this.child = child;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-500);
    });
    child.stdout?.on("data", (chunk: Buffer) => this.take(chunk));
    child.stdin?.on("error", () => undefined); // it has ended, and says why by its exit
    const end = (reason: string) => {
      this.reason ??= reason;
      for (const { name, reject } of this.pending.splice(0)) reject(new Error(`${name}: ${reason}`));
      resolve();
    };
    child.on("error", (error) => end(error.message));
    child.on("close", (code, signal) => end(`git cat-file ended with ${code ?? signal}: ${said}`));
  }

  /** @returns undefined when there is no such object. @throws Error the process has ended before it answered */
  ask(question: Question): Promise<GitObject | undefined> {
    return new Promise((resolve, reject) => {
      if (this.reason !== undefined) return reject(new Error(this.reason));
      this.pending.push({ ...question, resolve, reject });
      this.child.stdin?.write(`${question.maxBytes === undefined ? "info" : "contents"} ${question.name}\n`);
    });
  }

  /** It answers what it was asked, and ends. */
  end(): void {
    this.child.stdin?.end();
  }

  private take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.body ? this.takeContent(this.body, rest) : this.takeLine(rest);
  }

  /** `id type size`, or the name and why there is no answer. */
  private takeLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf("\n");
    if (end < 0) {
      this.line += bytes.toString("latin1");
      return Buffer.alloc(0);
    }
    const [, sha, type, size] =
      /^([0-9a-f]{40}) ([a-z]+) (\d+)$/.exec(this.line + bytes.toString("latin1", 0, end)) ?? [];
    this.line = "";
    const info = sha && type ? { sha, type, size: Number(size) } : undefined;
    const roomBytes = this.pending[0]?.maxBytes;
    if (info && roomBytes !== undefined) this.body = { ...info, kept: [], missingBytes: info.size + 1, roomBytes };
    else this.pending.shift()?.resolve(info && { ...info, bytes: Buffer.alloc(0) });
    return bytes.subarray(end + 1);
  }

  private takeContent(body: Body, bytes: Buffer): Buffer {
    const part = bytes.subarray(0, body.missingBytes);
    body.missingBytes -= part.length;
    const kept = part.subarray(0, body.roomBytes);
    if (kept.length > 0) body.kept.push(kept);
    body.roomBytes -= kept.length;
    if (body.missingBytes > 0) return Buffer.alloc(0);
    this.body = undefined;
    if (part.at(-1) !== LINE_BREAK) return this.giveUp();
    const { sha, type, size } = body;
    this.pending.shift()?.resolve({ sha, type, size, bytes: Buffer.concat(body.kept).subarray(0, size) });
    return bytes.subarray(part.length);
  }

  /** Of a broken blob git gives less than it has promised: nothing that follows can be told apart any more. */
  private giveUp(): Buffer {
    this.child.stdout?.destroy();
    this.child.kill("SIGKILL");
    return Buffer.alloc(0);
  }
}
