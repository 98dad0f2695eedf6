/**
 * The tools that propose a change of hive/agents: each pushes a commit by AGit as the proposer. The forge makes or updates the
 * pull request; from there on it is followed like any other. To repeat one with the same content changes nothing.
 */
import { dirname } from "node:path";
import { z } from "zod";
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { findManager } from "../agents/agents.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory, type LifecycleParts } from "../lifecycle/parts.ts";
import { openApprovals } from "./approvals.ts";
import { closingProblem } from "./closing-words.ts";
import { openScratch, type ScratchParts } from "./scratch.ts";
import { validate } from "./validate.ts";

type Parts = ScratchParts & Pick<LifecycleParts, "forge">;

type Change = {
  /** the directory or file that it is about */
  path: string;
  /** by their whole paths; null takes one away */
  files: Map<string, string | null>;
  /** of the pull request: an open one of the proposer's with the same is replaced */
  topic: string;
  title: string;
  reason: string;
  /** a sentence when there is nothing to propose. @throws Refusal when it may not be proposed */
  judge(onMain: { isThere: boolean; isSame: boolean }): string | undefined;
};

/**
 * Proposes a new agent, or a new version of one's own open proposal of it; answers with a sentence for the proposer.
 * @throws Refusal for a name or content that could not be approved; Fault when the forge can't be reached.
 */
export async function proposeAgent(
  parts: Parts,
  proposer: AgentName,
  wanted: ToolArguments<"propose_agent">,
): Promise<string> {
  const name = checkName(wanted.name);
  return propose(parts, proposer, {
    path: agentDirectory(name),
    files: filesOf(name, wanted),
    topic: `agent-${name}`,
    title: `Add the agent ${name}`,
    reason: wanted.reason,
    judge({ isThere, isSame }) {
      if (isSame) return `The agent ${name} is on main already, with exactly this content.`;
      const next = "Choose another name.";
      if (isThere)
        throw new Refusal("name_taken", `There is an agent ${name} already.`, `${next} \`propose_config\` changes it.`);
      const other = parts.core.db.read(openApprovals).find((row) => row.agent === name && row.submitter !== proposer);
      if (other)
        throw new Refusal("name_taken", `${other.submitter} has proposed an agent ${name}: ${other.url}`, next);
      return undefined;
    },
  });
}

/** Proposes a change of an agent's directory, as `proposeAgent`; what is left out stays as it is on main. */
export async function proposeConfig(
  parts: Parts,
  proposer: AgentName,
  wanted: ToolArguments<"propose_config">,
): Promise<string> {
  const name = checkName(wanted.name);
  return propose(parts, proposer, {
    path: agentDirectory(name),
    files: filesOf(name, wanted),
    topic: `config-${name}`,
    title: `Change the agent ${name}`,
    reason: wanted.reason,
    judge({ isThere, isSame }) {
      if (!isThere)
        throw new Refusal("not_on_main", `main has no agent ${name}.`, "`propose_agent` proposes a new one.");
      return isSame ? `That would change nothing of ${name}: main has it so already.` : undefined;
    },
  });
}

const Slug = z
  .string()
  .max(80, "it is too long")
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "it has lower-case letters, digits and single dashes");

/** Proposes a decision for the record, or another text of one that there is, as `proposeAgent`. */
export async function proposeDecision(
  parts: Parts,
  proposer: AgentName,
  { slug, text, reason }: ToolArguments<"propose_decision">,
): Promise<string> {
  const { success, error } = Slug.safeParse(slug);
  if (!success)
    throw new Refusal("bad_slug", `"${slug.slice(0, 40)}": ${sentence(error)}.`, "Call again with another slug.");
  const path = `decisions/${slug}.md`;
  return propose(parts, proposer, {
    path,
    files: new Map([[path, text.endsWith("\n") ? text : `${text}\n`]]),
    topic: `decision-${slug}`,
    title: `Decide ${slug}`,
    reason,
    judge: ({ isSame }) => (isSame ? `main has ${path} already, with exactly this content.` : undefined),
  });
}

async function propose(parts: Parts, proposer: AgentName, change: Change): Promise<string> {
  const git = openScratch(parts, proposer);
  try {
    const made = await git.addToMain(change.path, change.files);
    const done = change.judge({ isThere: made.before !== "", isSame: made.before === made.directory });
    if (done !== undefined) return done;
    const { problems } = validate({
      changedPaths: [...change.files.keys()],
      ...(await git.readProposed(made, change.path)),
      main: [],
      mainText: null,
      manager: parts.core.db.read(findManager)?.name ?? null,
    });
    const message = `${change.title}\n\n${change.reason}\n`;
    const closing = closingProblem(message);
    if (closing !== null) problems.push(closing);
    if (problems.length > 0)
      throw new Refusal(
        "not_actionable",
        `It could not be acted on: ${problems.join("; ")}.`,
        "Mend it and call again.",
      );
    const same = await findSame(parts, proposer, change.path, made.directory);
    if (same) return `This very proposal is open as #${same.number}: ${same.url}`;
    const { said } = await git.push(made, change.topic, message);
    const url = /https?:\/\/\S+\/pulls\/\d+/.exec(said)?.[0];
    return `Proposed${url ? `: ${url}` : ""}. The operator reviews it; you are told the outcome by a message.`;
  } finally {
    git.remove();
  }
}

/** Asked of the forge itself: a push whose answer got lost with a restart of ours may be in no row yet. */
async function findSame({ forge }: Parts, proposer: AgentName, path: string, id: string) {
  const bot = forge.as("hive-bot");
  const idAt = async (ref: string): Promise<string | undefined> => {
    const above = await bot.readDirectoryTree(agentsRepo, ref, dirname(path));
    const entries = above === null ? [] : await bot.readTree(agentsRepo, above);
    return entries.find((entry) => `${dirname(path)}/${entry.path}` === path)?.sha;
  };
  const pulls = await bot.listPulls(agentsRepo, { state: "open" });
  for (const pull of pulls.filter(({ author, base }) => author === proposer && base === "main"))
    if ((await idAt(pull.head)) === id) return pull;
  return undefined;
}

function checkName(name: string): AgentName {
  const parsed = AgentName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new Refusal("bad_name", `"${name.slice(0, 40)}": ${sentence(parsed.error)}.`, "Call again with another name.");
}

const sentence = (error: z.ZodError): string => z.prettifyError(error).replace(/^✖ /, "");

/** What is to change in an agent's directory, by whole paths. @throws Refusal for what no agent's directory could have */
function filesOf(
  name: AgentName,
  { agent_yaml, prompt, files: others }: Pick<ToolArguments<"propose_config">, "agent_yaml" | "prompt" | "files">,
): Map<string, string | null> {
  const files = { ...others };
  for (const [path, argument, content] of [
    ["agent.yaml", "agent_yaml", agent_yaml],
    ["AGENTS.md", "prompt", prompt],
  ] as const) {
    if (content !== undefined && Object.hasOwn(files, path))
      throw new Refusal(
        "given_twice",
        `${path} is in \`files\`, and \`${argument}\` is its content, too.`,
        "Give one.",
      );
    if (content !== undefined) files[path] = content;
    if (files[path]?.trim() === "" || files[path] === null)
      throw new Refusal("file_needed", `An agent can't be without ${path}.`, "Give it content.");
  }
  for (const path of Object.keys(files)) {
    const isPlain = path.split("/").every((part) => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(part));
    if (!isPlain)
      throw new Refusal("bad_path", `"${path.slice(0, 80)}" can't be a file of an agent.`, "Use plain relative paths.");
  }
  return new Map(Object.entries(files).map(([path, content]) => [`${agentDirectory(name)}/${path}`, content]));
}
