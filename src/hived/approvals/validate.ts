/** What a pull request on hive/agents would change, derived from its paths, and whether it may be acted on. */
import { z } from "zod";
import type { ApprovalKind } from "../../contract/approval.ts";
import { AgentName } from "../../contract/names.ts";
import { type AgentConfig, parseAgentYaml } from "../agents/agent-yaml.ts";
import { inputsDiff, parseInputs, unknownInputs } from "./inputs.ts";
import { byWeight, destroyDiff, filesDiff, type Permission, permissionDiff } from "./permission-diff.ts";
import { inputsFile, subjectOf } from "./subject.ts";

/** Files at a commit: of an agent's directory by their path in it, else by their whole path. */
type Files = { path: string; mode: string; bytes: number; sha: string }[];

export type Proposal = {
  changedPaths: string[];
  /** the files of what it is about, as the pull request would leave them, and as `main` has them */
  head: Files;
  main: Files;
  /** content of `agent.yaml`, or of `inputs.json`, in both; null when there is none */
  headText: string | null;
  mainText: string | null;
  /** the name of the agent whose role is manager; null before there is one */
  manager: string | null;
};

export type Verdict = { kind: ApprovalKind; agent: string | null; problems: string[]; permissions: Permission[] };

/** So many of a kind say enough. */
const problemsShown = 10;
const maxAgentFiles = 200;
const maxAgentBytes = 1024 * 1024;
/** What a model is told at each start; more than this leaves it little room for work. */
const maxPromptBytes = 64 * 1024;
const maxSkillBytes = 64 * 1024;
const maxDecisionBytes = 256 * 1024;

export function validate(proposal: Proposal): Verdict {
  const subject = subjectOf(proposal.changedPaths);
  switch (subject.kind) {
    case "agent":
      return validateAgent(proposal, subject.agent);
    case "inputs":
      return validateInputs(proposal);
    case "decision":
      return validateDecision(proposal);
    case "other":
      return { kind: "other", agent: null, problems: [subject.why], permissions: [] };
  }
}

function validateAgent({ head, main, headText, mainText, manager }: Proposal, agent: string): Verdict {
  const before = configOf(mainText);
  if (head.length === 0) return { kind: "destroy", agent, problems: [], permissions: destroyDiff(before) };
  const kind = main.length === 0 ? "spawn" : "config";
  const name = AgentName.safeParse(agent);
  const parsed = headText === null ? { problems: ["it is missing"] } : parseAgentYaml(headText);
  const problems = [
    ...(name.success ? [] : [`agents/${agent}: ${z.prettifyError(name.error).replace(/^✖ /, "")}`]),
    ...fileProblems(head, agent),
    ...("problems" in parsed ? parsed.problems.map((problem) => `agents/${agent}/agent.yaml: ${problem}`) : []),
  ];
  if (!("config" in parsed)) return { kind, agent, problems, permissions: [] };
  const { config } = parsed;
  if (config.role === "manager" && manager !== null && manager !== agent)
    problems.push(`agents/${agent}/agent.yaml: field role: the hive has a manager already, ${manager}`);
  const files = kind === "spawn" ? [] : filesDiff(main, head);
  return { kind, agent, problems, permissions: byWeight([...permissionDiff(before, config), ...files]) };
}

function validateInputs({ head, headText, mainText }: Proposal): Verdict {
  const verdict = { kind: "inputs" as const, agent: null };
  const parsed = headText === null ? { problems: ["it is missing"] } : parseInputs(headText);
  const odd = oddFiles(head).map(({ path }) => `${path}: only a plain file is allowed`);
  const inFile = (problems: string[]) => [...odd, ...problems.map((problem) => `${inputsFile}: ${problem}`)];
  if ("problems" in parsed) return { ...verdict, problems: inFile(parsed.problems), permissions: [] };
  const main = mainText === null ? null : parseInputs(mainText);
  const before = main && "content" in main ? main.content : {};
  const problems = inFile(unknownInputs(before, parsed.content));
  return { ...verdict, problems, permissions: byWeight(inputsDiff(before, parsed.content)) };
}

function validateDecision({ changedPaths, head, main }: Proposal): Verdict {
  const problems = [
    ...oddFiles(head).map(({ path }) => `${path}: only plain files are allowed, no links and no submodules`),
    ...tooBig(head, maxDecisionBytes).map(({ path }) => `${path}: over ${maxDecisionBytes} bytes`),
  ];
  const has = (files: Files, path: string) => files.some((file) => file.path === path);
  const permissions = changedPaths.map((path): Permission => {
    if (!has(head, path)) return { weight: "less", text: `takes ${path} back` };
    return { weight: "told", text: `${has(main, path) ? "changes" : "records"} ${path}` };
  });
  return {
    kind: "decision",
    agent: null,
    problems: problems.slice(0, problemsShown),
    permissions: byWeight(permissions),
  };
}

const oddFiles = (files: Files) => files.filter(({ mode }) => mode !== "100644" && mode !== "100755");
const tooBig = (files: Files, most: number) => files.filter(({ bytes }) => bytes > most);

function fileProblems(files: Files, agent: string): string[] {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const prompts = files.filter(({ path }) => path === "AGENTS.md");
  const skills = files.filter(({ path }) => path.startsWith("skills/"));
  return [
    ...oddFiles(files)
      .slice(0, problemsShown)
      .map(({ path }) => `agents/${agent}/${path}: only plain files are allowed, no links and no submodules`),
    ...(prompts.length > 0 ? [] : [`agents/${agent}/AGENTS.md: it is missing`]),
    ...(prompts.some(({ bytes: size }) => size === 0) ? [`agents/${agent}/AGENTS.md: it is empty`] : []),
    ...tooBig(prompts, maxPromptBytes).map(
      ({ path, bytes: size }) => `agents/${agent}/${path}: ${size} bytes, and a prompt has at most ${maxPromptBytes}`,
    ),
    ...tooBig(skills, maxSkillBytes)
      .slice(0, problemsShown)
      .map(
        ({ path, bytes: size }) =>
          `agents/${agent}/${path}: ${size} bytes, and a file of a skill has at most ${maxSkillBytes}`,
      ),
    ...(files.length > maxAgentFiles ? [`agents/${agent}: over ${maxAgentFiles} files`] : []),
    ...(bytes > maxAgentBytes ? [`agents/${agent}: over ${maxAgentBytes} bytes in all`] : []),
  ];
}

/** The config that `main` has; null when it has none that parses. */
function configOf(yaml: string | null): AgentConfig | null {
  const parsed = yaml === null ? null : parseAgentYaml(yaml);
  return parsed && "config" in parsed ? parsed.config : null;
}
