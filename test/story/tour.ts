/** The tour as data: what the tests look for is read where it stands, and a changed tour is a changed copy of it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const agents = join(import.meta.dirname, "../../seeds/hive/agents/agents");

const Vars = z.record(z.string(), z.string());
const Script = z.object({
  vars: Vars,
  rules: z.array(z.object({ name: z.string(), steps: z.array(z.looseObject({ tool: z.string().optional() })) })).min(1),
});
const Question = z.object({ with: z.object({ question: z.string(), options: z.array(z.string()) }) });

/** Files of the manager's directory that the tour consists of, by their path in it. */
export type TourFiles = Record<"script.yaml" | "worker/agent.yaml" | "worker/AGENTS.md" | "worker/script.yaml", string>;

export type Tour = {
  manager: string;
  worker: string;
  /** the worker's own repository, and who is to review what it does there */
  repo: string;
  reviewer: string;
  question: { question: string; options: string[] };
  /** the rule of the worker's first turn */
  firstRule: string;
  files: TourFiles;
};

/** The tour of a new hive. */
export function readTour(): Tour {
  const manager = readdirSync(agents).find(
    (name) => parse(readFileSync(join(agents, name, "agent.yaml"), "utf8")).role === "manager",
  );
  if (manager === undefined) throw new Error("no agent of the seeds is a manager");
  const read = (path: string) => readFileSync(join(agents, manager, path), "utf8");
  return tourOf(manager, {
    "script.yaml": read("script.yaml"),
    "worker/agent.yaml": read("worker/agent.yaml"),
    "worker/AGENTS.md": read("worker/AGENTS.md"),
    "worker/script.yaml": read("worker/script.yaml"),
  });
}

export function tourOf(manager: string, files: TourFiles): Tour {
  const own = Script.parse(parse(files["script.yaml"]));
  const { vars, rules } = Script.parse(parse(files["worker/script.yaml"]));
  const [first] = rules;
  const question = Question.parse(first?.steps.find(({ tool }) => tool === "ask")).with;
  const { repo = "", reviewer = "" } = vars;
  return { manager, worker: own.vars["worker"] ?? "", repo, reviewer, question, firstRule: first?.name ?? "", files };
}
