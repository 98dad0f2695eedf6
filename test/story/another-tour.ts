/** The tour of somebody else, made of the seeds' own: what it changes, no part of the product may know. */
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { Hive } from "../support/start-hive.ts";
import { agentsRepo } from "./outcome.ts";
import { type Tour, type TourFiles, tourOf } from "./tour.ts";

/**
 * Another worker, with another text, recipients, repository and question; its manager first tries names that are refused.
 * It begins when the manager's configuration has changed.
 */
export function anotherTour({ manager, worker, question, files }: Tour): Tour {
  const script = parse(files["script.yaml"]);
  const [first, ...others] = script.rules;
  const refused = [
    refusedProposal("operator", "this name is reserved"),
    refusedProposal(manager, "There is an agent"),
    refusedProposal("No Name", "begins with a letter"),
  ];
  const when = { from: "^system$", body: "^Your configuration has changed" };
  const rules = [{ ...first, name: "another tour", when, steps: [...refused, ...first.steps] }, ...others];
  const work = parse(files["worker/script.yaml"]);
  const vars = { ...work.vars, repo: "watch-log", branch: "first-night" };
  return tourOf(manager, {
    "script.yaml": stringify({ ...script, vars: { worker: "night-owl" }, rules }),
    "worker/agent.yaml": stringify({ ...parse(files["worker/agent.yaml"]), recipients: [worker] }),
    "worker/AGENTS.md": "# The night watch\n\nYou are awake when nobody else is.\n",
    "worker/script.yaml": stringify({ ...work, vars }).replaceAll(question.question, "Shall I wake you?"),
  });
}

const refusedProposal = (name: string, matches: string) => ({
  tool: "propose_agent",
  with: { name, agent_yaml: "{{file worker/agent.yaml}}", prompt: "Nothing.", reason: "To see it refused." },
  expect: "failure",
  matches,
  tries: 1,
});

const Content = z.object({ sha: z.string() });

/** The operator puts a tour in the place of the manager's, by a commit to main; returns its id. */
export async function putTour(hive: Hive, { manager, files }: { manager: string; files: TourFiles }): Promise<string> {
  const operator = hive.as("operator");
  const changes = Object.entries(files).map(async ([path, text]) => {
    const full = `agents/${manager}/${path}`;
    const { sha } = Content.parse(await operator.call("GET", `${agentsRepo}/contents/${full}`));
    return { operation: "update", path: full, sha, content: Buffer.from(text).toString("base64") };
  });
  const body = { branch: "main", message: "Show something else", files: await Promise.all(changes) };
  const made = await operator.call("POST", `${agentsRepo}/contents`, body);
  return z.object({ commit: Content }).parse(made).commit.sha;
}
