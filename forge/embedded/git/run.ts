/**
 * The one place where git is started. Its environment is built from nothing, its configuration is one file of ours, and
 * arguments never pass a shell. At most `limit` of these short commands run at once; the long ones, which serve a push or a
 * fetch, are counted apart (git-http), for their hooks wait for commands of this pool.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ObjectReader } from "./object-reader.ts";
import { Semaphore } from "./semaphore.ts";

interface GitResult {
  code: number;
  out: Buffer;
  err: string;
}
interface GitOptions {
  input?: string | Buffer;
  env?: Record<string, string>;
  /** Stop reading after this many bytes; the rest is thrown away. */
  maxBytes?: number;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_PUSH_BYTES = 1024 ** 3;

/** git ended with an exit code that its caller did not expect: a bug of ours or a broken repository. */
export class GitFault extends Error {
  constructor(args: readonly string[], result: GitResult) {
    super(`git ${args.slice(0, 3).join(" ")} ended with ${result.code}: ${result.err.slice(0, 500)}`);
    this.name = "GitFault";
  }
}

export class Git {
  readonly environment: Record<string, string>;
  /** For what is asked often: answers without a process of its own. */
  readonly objects: ObjectReader;
  private readonly slots: Semaphore;

  /** @param home a folder of ours; configuration and hooks are written there anew at each start */
  constructor(home: string, options: { limit: number; hooks: Record<string, string> }) {
    const hooksDir = path.join(home, "hooks");
    mkdirSync(hooksDir, { recursive: true });
    for (const [name, text] of Object.entries(options.hooks))
      writeFileSync(path.join(hooksDir, name), text, { mode: 0o755 });
    const configFile = path.join(home, "gitconfig");
    writeFileSync(configFile, configuration(hooksDir));
    this.environment = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: home,
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: configFile,
      GIT_TERMINAL_PROMPT: "0",
    };
    this.slots = new Semaphore(options.limit);
    this.objects = new ObjectReader((dir, env) => this.start(dir, ["cat-file", "--batch-command"], env));
  }

  /** Runs to the end whatever the exit code says. */
  async try(dir: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    using _slot = await this.slots.acquire();
    return collect(this.start(dir, args, options.env), options);
  }

  private start(dir: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    return spawn("git", args, { cwd: dir, env: { ...this.environment, ...env } });
  }

  /** @throws GitFault when the exit code is not 0 */
  async bytes(dir: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
    const result = await this.try(dir, args, options);
    if (result.code !== 0) throw new GitFault(args, result);
    return result.out;
  }

  /** As `bytes`, as text without the last line break. */
  async text(dir: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
    return (await this.bytes(dir, args, options)).toString("utf8").replace(/\n$/, "");
  }
}

function collect(child: ChildProcess, options: GitOptions): Promise<GitResult> {
  const { promise, resolve, reject } = Promise.withResolvers<GitResult>();
  const chunks: Buffer[] = [];
  const limit = options.maxBytes ?? MAX_OUTPUT_BYTES;
  let size = 0;
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size));
    size += chunk.length;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    if (err.length < 4000) err += chunk.toString("utf8");
  });
  // git may end before it has read everything; its exit code says why, so the broken pipe adds nothing
  child.stdin?.on("error", (error) => {
    err += `\n${error.message}`;
  });
  child.stdin?.end(options.input ?? "");
  child.on("error", reject);
  child.on("close", (code) => resolve({ code: code ?? -1, out: Buffer.concat(chunks), err }));
  return promise;
}

/** Background maintenance is off: it would outlive the push that started it and hold its hook's descriptors. */
function configuration(hooksDir: string): string {
  return `[safe]
  directory = *
[core]
  hooksPath = ${JSON.stringify(hooksDir)}
  logAllRefUpdates = false
  fsync = committed
  quotePath = false
[gc]
  auto = 0
[maintenance]
  auto = false
[diff]
  renames = true
[transfer]
  fsckObjects = true
[user]
  name = forge
  email = forge@forge.invalid
[receive]
  advertisePushOptions = true
  procReceiveRefs = refs/for
  autogc = false
  maxInputSize = ${MAX_PUSH_BYTES}
[uploadpack]
  allowFilter = true
  allowAnySHA1InWant = true
`;
}
