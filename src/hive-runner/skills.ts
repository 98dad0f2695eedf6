/**
 * Skills: directories with a SKILL.md, whose head says in YAML what it is about, as many coding agents know them. An agent is
 * told of each in a line, and reads the rest when it needs it.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";

export type Skill = {
  name: string;
  /** one line */
  description: string;
  /** its SKILL.md, as the agent sees it */
  file: string;
};

/** What a skill may say of itself in the index, in characters: what others write for coding agents keeps to it. */
const longestDescription = 1024;

const Head = z.object({ description: z.string() });

/**
 * The skills in a directory, by name; none when it is not there.
 * @param shownAt where the agent sees that directory
 */
export async function readSkills(directory: string, shownAt: string): Promise<Skill[]> {
  const skills: Skill[] = [];
  for (const name of await namesIn(directory)) {
    const text = await textOf(join(directory, name, "SKILL.md"));
    if (text !== null) skills.push({ name, description: descriptionIn(text), file: join(shownAt, name, "SKILL.md") });
  }
  return skills;
}

/** What the head says; a skill is listed without one, too, lest it be lost for a slip in its YAML. */
function descriptionIn(text: string): string {
  const head = /^---\r?\n([\s\S]*?)\r?\n---\s*?(\n|$)/.exec(text)?.[1] ?? "";
  const parsed = Head.safeParse(yamlIn(head));
  const description = parsed.success ? parsed.data.description.replace(/\s+/g, " ").trim() : "";
  if (description === "") return "(its SKILL.md does not say what it is for)";
  return description.length <= longestDescription ? description : `${description.slice(0, longestDescription - 1)}…`;
}

function yamlIn(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof YAMLParseError || error instanceof ReferenceError) return null; // the latter for an alias
    throw error;
  }
}

const namesIn = async (directory: string): Promise<string[]> =>
  (await unlessMissing(readdir(directory), [])).sort((one, other) => (one < other ? -1 : 1));

const textOf = (file: string): Promise<string | null> => unlessMissing(readFile(file, "utf8"), null);

/** Beside a skill's directory there may be a plain file, such as a README. */
async function unlessMissing<Found, Missing>(found: Promise<Found>, missing: Missing): Promise<Found | Missing> {
  try {
    return await found;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return missing;
    throw error;
  }
}
