/** Real git clients of a test's forge, each with a home of its own and the credentials in its URL. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";

/** A forge, and a directory for clones of its repositories. */
type Place = { url: string; home: string };

export interface Ran {
  code: number;
  /** What it printed, on both outputs. */
  text: string;
}

const WHO = "client";

export class Clone {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Whatever the exit code. */
  run = (...args: string[]): Promise<Ran> => runGit(this.dir, args);

  /** Its output, trimmed. @throws Error when git fails */
  async get(...args: string[]): Promise<string> {
    const { code, text } = await this.run(...args);
    if (code !== 0) throw new Error(`git ${args.join(" ")}: ${text}`);
    return text.trim();
  }

  /** Writes a file and commits it. @returns the commit's id */
  async commit(file: string, content: string | Buffer, message = `write ${file}`): Promise<string> {
    const target = path.join(this.dir, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
    await this.get("add", "-A");
    await this.get("commit", "-qm", message);
    return this.get("rev-parse", "HEAD");
  }

  push = (...args: string[]): Promise<Ran> => this.run("push", "origin", ...args);
  /** Proposes HEAD for main. */
  propose = (topic: string, ...args: string[]): Promise<Ran> =>
    this.push("HEAD:refs/for/main", "-o", `topic=${topic}`, ...args);
}

/** @param secret token or password; undefined: no credentials */
export function gitUrl(forge: Place, repo: string, user?: string, secret?: string): string {
  const url = new URL(`${forge.url}/${repo}.git`);
  if (user !== undefined) Object.assign(url, { username: user, password: secret ?? "" });
  return url.href;
}

export async function cloneAs(forge: Place, repo: string, token: string, ...args: string[]): Promise<Clone> {
  const dir = mkdtempSync(path.join(forge.home, "clone-"));
  const { code, text } = await runGit(dir, ["clone", "-q", ...args, gitUrl(forge, repo, WHO, token), "."]);
  if (code !== 0) throw new Error(text);
  return new Clone(dir);
}

/** An own repository of nothing yet that pushes there. */
export async function emptyClone(forge: Place, repo: string, token: string): Promise<Clone> {
  const clone = new Clone(mkdtempSync(path.join(forge.home, "clone-")));
  await clone.get("init", "-q", "-b", "main");
  await clone.get("remote", "add", "origin", gitUrl(forge, repo, WHO, token));
  return clone;
}

export function runGit(dir: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const child = spawn("git", args, { cwd: dir, env: { ...clientEnvironment(dir), ...env } });
  let text = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stdin.end();
  child.on("error", reject);
  child.on("close", (code) => resolve({ code: code ?? -1, text }));
  return promise;
}

const clientEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: home,
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: WHO,
  GIT_AUTHOR_EMAIL: "client@forge.invalid",
  GIT_COMMITTER_NAME: WHO,
  GIT_COMMITTER_EMAIL: "client@forge.invalid",
});
