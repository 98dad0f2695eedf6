/**
 * What an agent is told at the start of each conversation: our base prompt, an index of skills as far as its coding agent does
 * not list them by itself, its own AGENTS.md. It is put together anew whenever its process starts, so that a change of the docs
 * reaches its next conversation.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DriverSpec, type Launch, type PromptValues, placeNames } from "../contract/launch.ts";
import type { RunnerConfig } from "../contract/programs.ts";
import type { Skill, Told } from "../contract/told.ts";
import { driverFor } from "./drivers/drivers.ts";
import { readSkills, unless } from "./skills.ts";

/** Whose it is, and which version of that agent's directory it is read from. */
type Prompted = Pick<Launch, "agent" | "tree"> & { values: PromptValues; driver: DriverSpec };
type PromptPlaces = Pick<RunnerConfig, "agentsRoot" | "docsRoot" | "program">;

/** A version that came past `hive/validate` starts all the same, and says why it has no instructions. */
const noFile = "(It is a directory in `hive/agents`, not a file: nothing of it can be told.)";

export async function readPrompt(places: PromptPlaces, { agent, tree, values, driver }: Prompted): Promise<Told> {
  const config = join(places.agentsRoot, agent, placeNames.config, tree);
  const docs = join(places.docsRoot, placeNames.currentDocs);
  const [base, own, ownSkills, sharedSkills] = await Promise.all([
    readFile(join(places.program, "templates/base-prompt.md"), "utf8"),
    unless({ ENOENT: "", EISDIR: noFile }, readFile(join(config, "AGENTS.md"), "utf8")),
    readSkills(join(config, "skills"), join(values.config, "skills")),
    readSkills(join(docs, "skills"), join(values.docs, "skills")),
  ]);
  const { way, listsSkills } = driverFor(driver).told;
  const skills = firstOfName([...ownSkills, ...sharedSkills]);
  const listed = listsSkills ? skills.filter(({ isStandard }) => isStandard) : [];
  const index = skills.filter((skill) => !listed.includes(skill));
  return { text: composePrompt({ base, values, own, skills: index }), way, skills: listed };
}

/** Of an agent's own skill and a shared one with the same name, its own. */
function firstOfName<Named extends { name: string }>(skills: readonly Named[]): Named[] {
  const names = skills.map(({ name }) => name);
  return skills.filter(({ name }, index) => names.indexOf(name) === index);
}

type Parts = { base: string; values: Record<string, string>; own: string; skills: readonly Skill[] };

/** @param parts `base` has the names of `values` in double braces */
function composePrompt({ base, values, own, skills }: Parts): string {
  const filled = base.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the base prompt names ${name}, which is not known`);
    return value;
  });
  const sections = [filled, skillIndex(skills), ownSection(own)];
  return `${sections
    .map((section) => section.trim())
    .filter((section) => section !== "")
    .join("\n\n")}\n`;
}

/** Of the whole index, in characters: it is in every conversation. */
const longestIndex = 16_000;

function skillIndex(skills: readonly Skill[]): string {
  if (skills.length === 0) return "";
  const lines = skills.map(({ name, description, file }) => `- ${name} (${file}): ${description}`);
  let room = longestIndex;
  const fitting = lines.findIndex((line) => {
    room -= line.length + 1;
    return room < 0;
  });
  const shown = fitting === -1 ? lines : lines.slice(0, fitting);
  const rest = skills.slice(shown.length).map(({ name }) => name);
  return [
    "## Skills",
    "",
    "Each is a page of instructions for one kind of task. Read its file before you do what it is about.",
    "",
    ...shown,
    ...(rest.length > 0 ? ["", `There are ${rest.length} more, which do not fit here: look beside them.`] : []),
  ].join("\n");
}

const ownSection = (own: string): string =>
  own.trim() === ""
    ? ""
    : `## Your own AGENTS.md\n\nWhat you in particular are for, as the operator approved it:\n\n${own}`;
