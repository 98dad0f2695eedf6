/** What people and agents do on a forge, for tests: by its API and by git, past our own client. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);

export type Person = {
  /** @throws Error with the answer, when it is none of success; null for an empty one */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** the status of a call that may fail */
  status(method: string, path: string, body?: unknown): Promise<number>;
  /**
   * Proposes files on top of main by AGit (null: without it), or a newer version under the same topic.
   * @param parents of its commit, which then is on top of the first of them
   * @returns its number
   */
  propose(
    repo: string,
    topic: string,
    files: Record<string, string | null>,
    parents?: readonly string[],
    message?: string,
  ): Promise<{ number: number; head: string }>;
};

/** @param authorization the header's value */
export function person(url: string, authorization: string): Person {
  const ask = (method: string, path: string, body?: unknown) =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    async call(method, path, body) {
      const answer = await ask(method, path, body);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null;
    },
    async status(method, path, body) {
      const answer = await ask(method, path, body);
      await answer.text();
      return answer.status;
    },
    propose: (repo, topic, files, parents = [], message = `Propose ${topic}`) =>
      propose(url, authorization, { repo, topic, files, parents, message }),
  };
}

/** A private repository of somebody's own with a first commit on main, into which others may write. */
export async function makeRepo(owner: Person, path: string, writers: readonly string[] = []): Promise<void> {
  const name = path.split("/")[1];
  await owner.call("POST", "/user/repos", { name, private: true, auto_init: true, default_branch: "main" });
  for (const writer of writers)
    await owner.call("PUT", `/repos/${path}/collaborators/${writer}`, { permission: "write" });
}

export const withToken = (url: string, token: string): Person => person(url, `token ${token}`);
export const withPassword = (url: string, name: string, password: string): Person =>
  person(url, `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`);

type Proposal = {
  repo: string;
  topic: string;
  files: Record<string, string | null>;
  parents: readonly string[];
  message: string;
};

async function propose(
  url: string,
  authorization: string,
  { repo, topic, files, parents, message }: Proposal,
): Promise<{ number: number; head: string }> {
  const directory = mkdtempSync(join(tmpdir(), "hive-clone-"));
  const identity = ["-c", "user.name=test", "-c", "user.email=test@hive.invalid"];
  const git = async (...args: string[]) => {
    const all = ["-c", `http.extraHeader=Authorization: ${authorization}`, ...identity, ...args];
    const { stdout, stderr } = await run("git", all, {
      cwd: directory,
      env: { PATH: process.env["PATH"] ?? "", HOME: directory, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" },
    });
    return `${stdout}\n${stderr}`;
  };
  try {
    await git("clone", "-q", `${url}/${repo}.git`, "work");
    const [onto] = parents;
    if (onto !== undefined) await git("-C", "work", "checkout", "-q", "--detach", onto);
    for (const [path, content] of Object.entries(files)) {
      const file = join(directory, "work", path);
      mkdirSync(dirname(file), { recursive: true });
      if (content === null) rmSync(file);
      else writeFileSync(file, content);
    }
    await git("-C", "work", "add", "-A");
    await git("-C", "work", "commit", "-qm", message);
    if (parents.length > 1) {
      const tree = (await git("-C", "work", "write-tree")).trim();
      const of = parents.flatMap((parent) => ["-p", parent]);
      const merge = (await git("-C", "work", "commit-tree", tree, ...of, "-m", message)).trim();
      await git("-C", "work", "checkout", "-q", "--detach", merge);
    }
    const head = (await git("-C", "work", "rev-parse", "HEAD")).trim();
    const options = ["-o", `topic=${topic}`, "-o", "force-push=true"];
    const said = await git("-C", "work", "push", ...options, "origin", "HEAD:refs/for/main");
    const number = Number(/\/pulls\/(\d+)/.exec(said)?.[1]);
    return { number: z.number().int().parse(number), head };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
