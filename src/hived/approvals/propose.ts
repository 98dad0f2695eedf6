/**
 * The tool that proposes an agent: pushes a commit by AGit as the proposer. The forge makes or updates the pull request;
 * from there on it is followed like any other.
 */
import { z } from "zod";
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { parseAgentYaml } from "../agents/agent-yaml.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { openApprovals } from "./approvals.ts";
import { openScratch, type Scratch, type ScratchParts } from "./scratch.ts";

type Parts = ScratchParts & Pick<LifecycleParts, "forge">;
type Arguments = ToolArguments<"propose_agent">;

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
  const { said } = await git.push(made, `agent-${name}`, `Add the agent ${name}\n\n${wanted.reason}\n`);
  const url = /https?:\/\/\S+\/pulls\/\d+/.exec(said)?.[0];
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
