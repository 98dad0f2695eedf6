/**
 * The tool that proposes an agent: pushes a commit by AGit as the proposer, from a scratch repository that is ours alone.
 * The forge makes or updates the pull request; from there on it is followed like any other.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { parseAgentYaml } from "../agents/agent-yaml.ts";
import { agentsRepo, emailOf } from "../forge/plan.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { openApprovals } from "./approvals.ts";

type Parts = LifecycleParts & {
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
  const tree = await git.writeTree(filesOf(name, wanted));
  const there = await directoryOf(parts, name, "main");
  if (there === tree.directory) return `The agent ${name} is on main already, with exactly this content.`;
  if (there) throw new Refusal("name_taken", `There is an agent ${name} already.`, "Choose another name.");
  const other = parts.core.db.read(openApprovals).find((row) => row.agent === name && row.submitter !== proposer);
  if (other)
    throw new Refusal(
      "name_taken",
      `${other.submitter} has proposed an agent ${name}: ${other.url}`,
      "Choose another name.",
    );
  const same = await findSame(parts, proposer, name, tree.directory);
  if (same) return `This very proposal is open as #${same.number}: ${same.url}`;
  const output = await git.push(tree, `agent-${name}`, `Add the agent ${name}\n\n${wanted.reason}\n`);
  const url = /https?:\/\/\S+\/pulls\/\d+/.exec(output)?.[0];
  return `Proposed${url ? `: ${url}` : ""}. The operator reviews it; you are told the outcome by a message.`;
}

const directoryOf = ({ forge }: Parts, name: AgentName, ref: string): Promise<string | null> =>
  forge.as("hive-bot").readDirectoryTree(agentsRepo, ref, agentDirectory(name));

/** Asked of the forge itself: a push whose answer got lost with a restart of ours may be in no row yet. */
async function findSame(parts: Parts, proposer: AgentName, name: AgentName, directory: string) {
  const pulls = await parts.forge.as("hive-bot").listPulls(agentsRepo, { state: "open" });
  for (const pull of pulls.filter(({ author, base }) => author === proposer && base === "main"))
    if ((await directoryOf(parts, name, pull.head)) === directory) return pull;
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

/** git in the scratch repository, speaking to the forge as an agent. */
function openScratch({ scratch, forgeUrl, tokens, core: { log } }: Parts, agent: AgentName) {
  const directory = join(scratch, `${agent}.git`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const token = tokens.read(agent);
  if (!token) throw new Fault(`${agent} has no token for the forge yet`);
  const config = join(scratch, `${agent}.gitconfig`);
  writeFileSync(config, gitConfig(new URL(forgeUrl).origin, token), { mode: 0o600 });
  const index = join(directory, `index-${randomUUID()}`); // an agent may call twice at once
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: scratch,
    GIT_DIR: directory,
    GIT_INDEX_FILE: index,
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: agent,
    GIT_AUTHOR_EMAIL: emailOf(agent),
    GIT_COMMITTER_NAME: agent,
    GIT_COMMITTER_EMAIL: emailOf(agent),
  };
  const git = async (args: string[], input?: string) => {
    const running = run("git", args, { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 });
    // git may end before it has read all, or anything, of this; its exit code says why, and the broken pipe adds nothing.
    running.child.stdin?.on("error", (error) => log.debug({ err: error }, "git closed its input"));
    running.child.stdin?.end(input ?? "");
    const { stdout, stderr } = await running;
    return { out: stdout.trim(), err: stderr };
  };
  const addToMain = async (files: Map<string, string>) => {
    await git(["read-tree", "refs/heads/main"]);
    for (const [path, content] of files) {
      const { out: blob } = await git(["hash-object", "-w", "--stdin"], content);
      await git(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]);
    }
    return git(["write-tree"]);
  };
  const remote = `${forgeUrl}/${agentsRepo}.git`;
  return {
    async writeTree(files: Map<string, string>) {
      await git(["init", "--quiet", "--bare", directory]);
      await overNetwork(() => git(["fetch", "--quiet", "--no-tags", remote, "+refs/heads/main:refs/heads/main"]));
      const { out: root } = await addToMain(files).finally(() => rmSync(index, { force: true }));
      const [first = ""] = files.keys();
      const { out: ofAgent } = await git(["rev-parse", `${root}:${first.split("/").slice(0, 2).join("/")}`]);
      return { root, directory: ofAgent };
    },
    async push(tree: { root: string }, topic: string, message: string): Promise<string> {
      const { out: commit } = await git(["commit-tree", tree.root, "-p", "refs/heads/main", "-F", "-"], message);
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
