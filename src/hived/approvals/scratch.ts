/** Commits on top of `main` of hive/agents, made in a repository of our own and proposed by AGit as whoever proposes them. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, ObjectId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { emailOf } from "../forge/addresses.ts";
import { agentsRepo, type bot } from "../forge/plan.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import type { Proposal } from "./validate.ts";

export type ScratchParts = Pick<LifecycleParts, "core" | "forgeUrl" | "tokens"> & {
  /** a directory of ours that no agent can reach */
  scratch: string;
};

const run = promisify(execFile);

/** `main` with another version of a directory or file; `before` and `directory` are git's ids of it, "" where there is none. */
type Made = { parent: string; root: string; before: string; directory: string };

/**
 * git in a scratch repository of this call's own, as an agent may call twice at once; it speaks to the forge as this user.
 * @throws Fault from its verbs when the forge can't be reached, Refusal when it refuses a push
 */
export function openScratch({ scratch, forgeUrl, tokens, core }: ScratchParts, user: AgentName | typeof bot) {
  const { log } = core;
  const token = tokens.read(user);
  if (!token) throw new Fault(`${user} has no token for the forge yet`);
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const directory = mkdtempSync(join(scratch, `${user}-`));
  const config = join(directory, "gitconfig");
  writeFileSync(config, gitConfig(new URL(forgeUrl).origin, token), { mode: 0o600 });
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: scratch,
    GIT_DIR: join(directory, "git"),
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: user,
    GIT_AUTHOR_EMAIL: emailOf(core, user),
    GIT_COMMITTER_NAME: user,
    GIT_COMMITTER_EMAIL: emailOf(core, user),
  };
  const git = async (args: string[], input?: string) => {
    const running = run("git", args, { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 });
    // git may end before it has read all, or anything, of this; its exit code says why, and the broken pipe adds nothing.
    running.child.stdin?.on("error", (error) => log.debug({ err: error }, "git closed its input"));
    running.child.stdin?.end(input ?? "");
    const { stdout, stderr } = await running;
    return { out: stdout.trim(), err: stderr };
  };
  const writeTree = async (base: string, files: Map<string, string | null>): Promise<string> => {
    await git(["read-tree", base]);
    for (const [path, content] of files) {
      if (content === null) {
        await git(["update-index", "--index-info"], `0 ${"0".repeat(base.length)}\t${path}\n`);
        continue;
      }
      const { out: blob } = await git(["hash-object", "-w", "--stdin"], content);
      await git(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]).catch((error: unknown) => {
        throw /both a file and as a directory/.test(stderrOf(error)) ? inTheWay(path) : error;
      });
    }
    return (await git(["write-tree"])).out;
  };
  /** A tree with another one in the place of a directory of it, in which all above it are. */
  const replaceTree = async (of: string, [name, ...rest]: string[], tree: string): Promise<string> => {
    const { out } = await git(["ls-tree", "-z", of]);
    const others = out.split("\0").filter((entry) => entry !== "" && !entry.endsWith(`\t${name}`));
    const put = rest.length === 0 ? tree : await replaceTree(`${of}:${name}`, rest, tree);
    const entries = [...others, `040000 tree ${put}\t${name}`];
    return (await git(["mktree", "-z"], entries.map((entry) => `${entry}\0`).join(""))).out;
  };
  /** What git knows a directory or file by, "" where there is none. */
  const idOf = async (of: string, path: string): Promise<string> =>
    (await git(["ls-tree", "--format=%(objectname)", of, path])).out;
  const remote = `${forgeUrl}/${agentsRepo}.git`;
  /** Reads all of it from one commit of main, which becomes the parent. */
  const changeMain = async (path: string, change: (parent: string) => Promise<string>): Promise<Made> => {
    await git(["init", "--quiet", "--bare"]);
    await overNetwork(() => git(["fetch", "--quiet", "--no-tags", remote, "+refs/heads/main:refs/heads/main"]));
    const { out: parent } = await git(["rev-parse", "refs/heads/main"]);
    const root = await change(parent);
    return { parent, root, before: await idOf(parent, path), directory: await idOf(root, path) };
  };
  return {
    remove: () => rmSync(directory, { recursive: true, force: true }),
    /** @param files content by whole path; null takes one away */
    addToMain: (path: string, files: Map<string, string | null>): Promise<Made> =>
      changeMain(path, (parent) => writeTree(parent, files)),
    /** @param tree of a directory that main has had, at this path or at another */
    putOnMain: (path: string, tree: ObjectId): Promise<Made> =>
      changeMain(path, (parent) => replaceTree(parent, path.split("/"), tree)),
    /** The files of the directory, or the one file, as they would be; `headText` is that of its agent.yaml. */
    async readProposed({ root }: Made, path: string): Promise<Pick<Proposal, "head" | "headText">> {
      const { out } = await git(["ls-tree", "-r", "-z", `--format=${format}`, root, path]);
      const entries = out.split("\0").filter((entry) => entry !== "");
      const head = entries.map((entry) => {
        const [mode = "", sha = "", size = "", ...whole] = entry.split(" ");
        return { mode, sha, bytes: Number(size) || 0, path: whole.join(" ").replace(`${path}/`, "") };
      });
      const yaml = head.find((file) => file.path === "agent.yaml");
      return { head, headText: yaml ? (await git(["cat-file", "blob", yaml.sha])).out : null };
    },
    /** Proposes it by AGit; a newer push with the same topic takes its place. @returns the commit, and what git said */
    async push({ parent, root }: Made, topic: string, message: string): Promise<{ commit: string; said: string }> {
      const { out: commit } = await git(["commit-tree", root, "-p", parent, "-F", "-"], message);
      const options = ["-o", `topic=${topic}`, "-o", "force-push=true"];
      const pushed = await overNetwork(() =>
        git(["push", "--porcelain", ...options, remote, `${commit}:refs/for/main`]),
      );
      return { commit, said: `${pushed.out}\n${pushed.err}` };
    },
  };
}

/** Of what `readProposed` lists: the path last, as it may have blanks; a submodule has no size. */
const format = "%(objectmode) %(objectname) %(objectsize) %(path)";

/** In a file of ours, for arguments and environment can be read by others; sent to this forge alone, and to no redirect. */
const gitConfig = (origin: string, token: string) => `[http "${origin}"]
\textraHeader = Authorization: token ${token}
[http]
\tfollowRedirects = false
`;

const stderrOf = (error: unknown): string => String((error as { stderr?: unknown }).stderr ?? error);

const inTheWay = (path: string) =>
  new Refusal(
    "bad_path",
    `${path} can't be: something on its way is a file, or it is a directory.`,
    "Take the other away with null in a proposal of its own, or choose another path.",
  );

/** A forge that refuses says so on stderr; everything else is to be tried again. */
async function overNetwork<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    const stderr = stderrOf(error);
    const refused = /\[remote rejected\].*|remote: (?:Forgejo: )?.*(?:denied|not allowed|declined).*/i.exec(stderr);
    if (refused)
      throw new Refusal("forge_refused", `The forge refused the push: ${refused[0].trim()}.`, "Ask the operator.");
    throw new Fault(`git could not reach the forge: ${stderr.trim().split("\n").at(-1)}`, { cause: error });
  }
}
