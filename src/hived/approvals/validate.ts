/** What a pull request on hive/agents would change, derived from its paths, and whether it may be acted on. */
import { z } from "zod";
import type { ApprovalKind } from "../../contract/approval.ts";
import { AgentName } from "../../contract/names.ts";
import { type AgentConfig, parseAgentYaml } from "../agents/agent-yaml.ts";
import { permissionDiff } from "./permission-diff.ts";

/** The files of an agent's directory at a commit, by their path in it. */
type Directory = { path: string; mode: string; bytes: number }[];

export type Proposal = {
  changedPaths: string[];
  /** the agent's directory as the pull request would leave it, and as `main` has it; empty when there is none */
  head: Directory;
  main: Directory;
  /** content of `agent.yaml` in both; null when there is none */
  headYaml: string | null;
  mainYaml: string | null;
  /** the name of the agent whose role is manager; null before there is one */
  manager: string | null;
};

export type Verdict = { kind: ApprovalKind; agent: string | null; problems: string[]; permissions: string[] };

/** So many of a kind say enough. */
const problemsShown = 10;
const maxAgentFiles = 200;
const maxAgentBytes = 1024 * 1024;

/** Which agent's directory the paths are all in; null when they are not all in one. */
export function agentOfPaths(paths: string[]): string | null {
  const names = new Set(paths.map((path) => /^agents\/([^/]+)\/./.exec(path)?.[1] ?? null));
  const [only] = names;
  return names.size === 1 && only ? only : null;
}

export function validate(proposal: Proposal): Verdict {
  const agent = agentOfPaths(proposal.changedPaths);
  const kind = kindOf(proposal, agent);
  const rest = { kind, agent, permissions: [] };
  if (kind !== "spawn" && kind !== "config") return { ...rest, problems: [notActedOn[kind]] };
  const name = AgentName.safeParse(agent);
  const parsed = proposal.headYaml === null ? { problems: ["it is missing"] } : parseAgentYaml(proposal.headYaml);
  const problems = [
    ...(name.success ? [] : [`agents/${agent}: ${z.prettifyError(name.error).replace(/^✖ /, "")}`]),
    ...fileProblems(proposal.head, agent),
    ...("problems" in parsed ? parsed.problems.map((problem) => `agents/${agent}/agent.yaml: ${problem}`) : []),
  ];
  if (!("config" in parsed)) return { ...rest, problems };
  const { config } = parsed;
  if (config.role === "manager" && proposal.manager !== null && proposal.manager !== agent)
    problems.push(`agents/${agent}/agent.yaml: field role: the hive has a manager already, ${proposal.manager}`);
  return { ...rest, problems, permissions: permissionDiff(configOf(proposal.mainYaml), config) };
}

/** Kinds that the coordinator merges nothing of: the operator can still merge them by hand. */
const notActedOn: Record<Exclude<ApprovalKind, "spawn" | "config">, string> = {
  destroy: "Removing an agent is not done by an approval: the operator can merge this pull request by hand.",
  inputs: "inputs.json is not acted on by an approval: the operator can merge this pull request by hand.",
  decision: "A decision needs no action: the operator can merge this pull request by hand.",
  other: "A pull request is acted on when it changes files in exactly one directory agents/<name>/: split it up.",
};

function kindOf({ changedPaths, head, main }: Proposal, agent: string | null): ApprovalKind {
  if (agent !== null) {
    if (head.length === 0) return "destroy";
    return main.length === 0 ? "spawn" : "config";
  }
  if (changedPaths.every((path) => path === "inputs.json") && changedPaths.length > 0) return "inputs";
  return changedPaths.length > 0 && changedPaths.every((path) => /^decisions\/[^/]+\.md$/.test(path))
    ? "decision"
    : "other";
}

function fileProblems(files: Directory, agent: string | null): string[] {
  const odd = files.filter(({ mode }) => mode !== "100644" && mode !== "100755");
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return [
    ...odd
      .slice(0, problemsShown)
      .map(({ path }) => `agents/${agent}/${path}: only plain files are allowed, no links and no submodules`),
    ...(files.some(({ path }) => path === "AGENTS.md") ? [] : [`agents/${agent}/AGENTS.md: it is missing`]),
    ...(files.length > maxAgentFiles ? [`agents/${agent}: over ${maxAgentFiles} files`] : []),
    ...(bytes > maxAgentBytes ? [`agents/${agent}: over ${maxAgentBytes} bytes in all`] : []),
  ];
}

/** The config that `main` has; null when it has none that parses. */
function configOf(yaml: string | null): AgentConfig | null {
  const parsed = yaml === null ? null : parseAgentYaml(yaml);
  return parsed && "config" in parsed ? parsed.config : null;
}
