/**
 * The tool that proposes an agent: pushes a commit by AGit as the proposer, from a scratch repository that is ours alone.
 * The forge makes or updates the pull request; from there on it is followed like any other.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { parseAgentYaml } from "../agents/agent-yaml.ts";
import { emailOf } from "../forge/addresses.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { openApprovals } from "./approvals.ts";

type Parts = Pick<LifecycleParts, "core" | "forge" | "forgeUrl" | "tokens"> & {
  /** a directory of ours that no agent can reach */
  scratch: string;
};
type Arguments = ToolArguments<"propose_agent">;

const run = promisify(execFile);

/**
 * Proposes an agent, or a new version of one's own open proposal of it; answers with a sentence for the proposer.
 * Repeating it with the same content changes nothing.
 * @throws Refusal for a name or content that could not be approved; Fault when the forge can't be reached.
 */
export async function proposeAgent(parts: Parts, proposer: AgentName, wanted: Arguments): Promise<string> {
  const name = checkName(wanted.name);
  const parsed = parseAgentYaml(wanted.agent_yaml);
  if ("problems" in parsed)
    throw new Refusal("bad_agent_yaml", `agent_yaml: ${parsed.problems.join("; ")}.`, "Correct it and call again.");
  const git = openScratch(parts, proposer);
  try {
    return await proposeFrom(git, parts, { proposer, name, wanted });
  } finally {
    git.remove();
  }
}

type Wanted = { proposer: AgentName; name: AgentName; wanted: Arguments };

async function proposeFrom(git: Scratch, parts: Parts, { proposer, name, wanted }: Wanted): Promise<string> {
  const made = await git.addToMain(agentDirectory(name), filesOf(name, wanted));
  if (made.before === made.directory) return `The agent ${name} is on main already, with exactly this content.`;
  if (made.before) throw new Refusal("name_taken", `There is an agent ${name} already.`, "Choose another name.");
  const other = parts.core.db.read(openApprovals).find((row) => row.agent === name && row.submitter !== proposer);
  if (other)
    throw new Refusal(
      "name_taken",
      `${other.submitter} has proposed an agent ${name}: ${other.url}`,
      "Choose another name.",
    );
  const same = await findSame(parts, proposer, name, made.directory);
  if (same) return `This very proposal is open as #${same.number}: ${same.url}`;
  const output = await git.push(made, `agent-${name}`, `Add the agent ${name}\n\n${wanted.reason}\n`);
  const url = /https?:\/\/\S+\/pulls\/\d+/.exec(output)?.[0];
  return `Proposed${url ? `: ${url}` : ""}. The operator reviews it; you are told the outcome by a message.`;
}

/** Asked of the forge itself: a push whose answer got lost with a restart of ours may be in no row yet. */
async function findSame(parts: Parts, proposer: AgentName, name: AgentName, directory: string) {
  const bot = parts.forge.as("hive-bot");
  const pulls = await bot.listPulls(agentsRepo, { state: "open" });
  for (const pull of pulls.filter(({ author, base }) => author === proposer && base === "main"))
    if ((await bot.readDirectoryTree(agentsRepo, pull.head, agentDirectory(name))) === directory) return pull;
  return undefined;
}

function checkName(name: string): AgentName {
  const parsed = AgentName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new Refusal(
    "bad_name",
    `"${name.slice(0, 40)}": ${z.prettifyError(parsed.error).replace(/^✖ /, "")}.`,
    "Call again with another name.",
  );
}

function filesOf(name: AgentName, { agent_yaml, prompt, files }: Arguments): Map<string, string> {
  const all = new Map([...Object.entries(files), ["agent.yaml", agent_yaml] as const, ["AGENTS.md", prompt] as const]);
  for (const path of all.keys()) {
    const isPlain = path.split("/").every((part) => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(part));
    if (!isPlain)
      throw new Refusal("bad_path", `"${path.slice(0, 80)}" can't be a file of an agent.`, "Use plain relative paths.");
  }
  return new Map([...all].map(([path, content]) => [`${agentDirectory(name)}/${path}`, content]));
}

/** `main` with the files added to it; `before` and `directory` are the git trees of their directory, without and with them. */
type Made = { parent: string; root: string; before: string; directory: string };

type Scratch = ReturnType<typeof openScratch>;

/** git in a scratch repository of this call's own, as an agent may call twice at once; it speaks to the forge as that agent. */
function openScratch({ scratch, forgeUrl, tokens, core }: Parts, agent: AgentName) {
  const { log } = core;
  const token = tokens.read(agent);
  if (!token) throw new Fault(`${agent} has no token for the forge yet`);
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const directory = mkdtempSync(join(scratch, `${agent}-`));
  const config = join(directory, "gitconfig");
  writeFileSync(config, gitConfig(new URL(forgeUrl).origin, token), { mode: 0o600 });
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: scratch,
    GIT_DIR: join(directory, "git"),
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: agent,
    GIT_AUTHOR_EMAIL: emailOf(core, agent),
    GIT_COMMITTER_NAME: agent,
    GIT_COMMITTER_EMAIL: emailOf(core, agent),
  };
  const git = async (args: string[], input?: string) => {
    const running = run("git", args, { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 });
    // git may end before it has read all, or anything, of this; its exit code says why, and the broken pipe adds nothing.
    running.child.stdin?.on("error", (error) => log.debug({ err: error }, "git closed its input"));
    running.child.stdin?.end(input ?? "");
    const { stdout, stderr } = await running;
    return { out: stdout.trim(), err: stderr };
  };
  const writeTree = async (base: string, files: Map<string, string>): Promise<string> => {
    await git(["read-tree", base]);
    for (const [path, content] of files) {
      const { out: blob } = await git(["hash-object", "-w", "--stdin"], content);
      await git(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]);
    }
    return (await git(["write-tree"])).out;
  };
  /** The git tree of a directory, "" where there is none. */
  const treeOf = async (of: string, path: string): Promise<string> =>
    (await git(["ls-tree", "-d", "--format=%(objectname)", of, path])).out;
  const remote = `${forgeUrl}/${agentsRepo}.git`;
  return {
    remove: () => rmSync(directory, { recursive: true, force: true }),
    /** Reads all of it from one commit of main, which becomes the parent. */
    async addToMain(path: string, files: Map<string, string>): Promise<Made> {
      await git(["init", "--quiet", "--bare"]);
      await overNetwork(() => git(["fetch", "--quiet", "--no-tags", remote, "+refs/heads/main:refs/heads/main"]));
      const { out: parent } = await git(["rev-parse", "refs/heads/main"]);
      const root = await writeTree(parent, files);
      return { parent, root, before: await treeOf(parent, path), directory: await treeOf(root, path) };
    },
    async push({ parent, root }: Made, topic: string, message: string): Promise<string> {
      const { out: commit } = await git(["commit-tree", root, "-p", parent, "-F", "-"], message);
      const options = ["-o", `topic=${topic}`, "-o", "force-push=true"];
      const pushed = await overNetwork(() =>
        git(["push", "--porcelain", ...options, remote, `${commit}:refs/for/main`]),
      );
      return `${pushed.out}\n${pushed.err}`;
    },
  };
}

/** In a file of ours, for arguments and environment can be read by others; sent to this forge alone, and to no redirect. */
const gitConfig = (origin: string, token: string) => `[http "${origin}"]
\textraHeader = Authorization: token ${token}
[http]
\tfollowRedirects = false
`;

/** A forge that refuses says so on stderr; everything else is to be tried again. */
async function overNetwork<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    const stderr = String((error as { stderr?: unknown }).stderr ?? error);
    const refused = /\[remote rejected\].*|remote: (?:Forgejo: )?.*(?:denied|not allowed|declined).*/i.exec(stderr);
    if (refused)
      throw new Refusal("forge_refused", `The forge refused the push: ${refused[0].trim()}.`, "Ask the operator.");
    throw new Fault(`git could not reach the forge: ${stderr.trim().split("\n").at(-1)}`, { cause: error });
  }
}
