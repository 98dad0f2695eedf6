/** git between the two forges, in a directory of ours that is removed with the rest of the migration. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Fault } from "../../contract/fault.ts";
import type { Api } from "./api.ts";

const run = promisify(execFile);
const maxBuffer = 64 * 1024 * 1024;

type Ref = { ref: string; commit: string };

export type Mirror = {
  /** branches, tags and heads of pull requests, each with its commit, of an annotated tag the commit that it names */
  refs: Ref[];
  has(commit: string): Promise<boolean>;
  /** Puts a branch of the new forge there, as the admin, wherever it was. */
  putBranch(branch: string, commit: string): Promise<void>;
  /** Makes branches and tags of the new forge exactly those of the old one. */
  pushAll(): Promise<void>;
  /** Pushes as somebody with a password, with options. @throws Fault with what the forge said */
  pushAs(user: string, password: string, refspec: string, options: readonly string[]): Promise<void>;
};

/** Clones all that a repository has. @param directory made by this */
export async function cloneMirror(from: Api, to: Api, repo: string, directory: string): Promise<Mirror> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const config = writeConfig(directory, "admin", [
    [from.url, `token ${from.token}`],
    [to.url, `token ${to.token}`],
  ]);
  const dir = join(directory, "mirror.git");
  const remote = `${to.url}/${repo}.git`;
  const git = (args: readonly string[], file = config) => runGit(directory, file, args);
  const inMirror = (args: readonly string[], file = config) => git(["--git-dir", dir, ...args], file);
  const push = async (refspecs: readonly string[]) => {
    await inMirror(["push", "--quiet", "--force", remote, ...refspecs]);
  };
  const branches = new Map<string, string>();
  await git(["clone", "--quiet", "--mirror", `${from.url}/${repo}.git`, dir]);
  const format = "%(refname) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
  const refs = (await inMirror(["for-each-ref", `--format=${format}`])).split("\n").filter((line) => line !== "");
  return {
    refs: refs.map((line) => ({ ref: line.split(" ")[0] ?? "", commit: line.split(" ")[1] ?? "" })),
    has: (commit) =>
      inMirror(["cat-file", "-e", `${commit}^{commit}`]).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Fault) return false;
          throw error;
        },
      ),
    async putBranch(branch, commit) {
      if (branches.get(branch) === commit) return;
      await push([`${commit}:refs/heads/${branch}`]);
      branches.set(branch, commit);
    },
    pushAll: () => push(["--prune", "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"]),
    async pushAs(user, password, refspec, options) {
      const basic = Buffer.from(`${user}:${password}`).toString("base64");
      const file = writeConfig(directory, user, [[to.url, `Basic ${basic}`]]);
      await inMirror(["push", "--quiet", ...options.flatMap((option) => ["-o", option]), remote, refspec], file);
    },
  };
}

/** In files of ours, for arguments can be read by others; each header goes to its forge alone, and to no redirect. */
function writeConfig(directory: string, name: string, headers: readonly [url: string, header: string][]): string {
  const path = join(directory, `${name}.gitconfig`);
  const sections = headers.map(([url, header]) => `[http "${url}"]\n\textraHeader = Authorization: ${header}\n`);
  writeFileSync(path, `${sections.join("")}[http]\n\tfollowRedirects = false\n`, { mode: 0o600 });
  return path;
}

async function runGit(home: string, config: string, args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
  };
  try {
    return (await run("git", args, { env, maxBuffer })).stdout;
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    const command = args.find((word) => /^(clone|push|cat-file|for-each-ref)$/.test(word));
    throw new Fault(`git ${command} failed: ${said.split("\n").slice(-4).join(" ")}`, { cause: error });
  }
}
