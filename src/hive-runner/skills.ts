/**
 * Skills: directories with a SKILL.md, whose head says in YAML what it is about, as many coding agents know them. An agent is
 * told of each in a line, and reads the rest when it needs it.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import type { Skill } from "../contract/told.ts";

type FoundSkill = Skill & {
  /** its head is as agentskills.io wants it: coding agents that list skills by themselves leave out others, each by rules of its own */
  isStandard: boolean;
};

/** What a skill may say of itself in the index, in characters: what others write for coding agents keeps to it. */
const longestDescription = 1024;

const Head = z.object({ description: z.string(), name: z.string().optional().catch(undefined) });
const standardName = /^(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*$/;

/**
 * The skills in a directory, by name; none when it is not there.
 * @param shownAt where the agent sees that directory
 */
export async function readSkills(directory: string, shownAt: string): Promise<FoundSkill[]> {
  const skills: FoundSkill[] = [];
  for (const name of await namesIn(directory)) {
    const text = await textOf(join(directory, name, "SKILL.md"));
    if (text === null) continue;
    const head = headOf(text);
    const isStandard =
      head !== null && head.name === name && standardName.test(name) && head.description.length <= longestDescription;
    skills.push({
      name,
      description: shown(head?.description ?? null),
      file: join(shownAt, name, "SKILL.md"),
      isStandard,
    });
  }
  return skills;
}

/** What the head says; null when it says nothing, or can't be read. */
function headOf(text: string): z.infer<typeof Head> | null {
  const head = /^---\r?\n([\s\S]*?)\r?\n---\s*?(\n|$)/.exec(text)?.[1] ?? "";
  const { data } = Head.safeParse(yamlIn(head));
  if (!data) return null;
  const description = data.description.replace(/\s+/g, " ").trim();
  return description === "" ? null : { ...data, description };
}

/** A skill is listed without a description, too, lest it be lost for a slip in its YAML. */
function shown(description: string | null): string {
  if (description === null) return "(its SKILL.md does not say what it is for)";
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
  (await unless({ ENOENT: [], ENOTDIR: [] }, readdir(directory))).sort((one, other) => (one < other ? -1 : 1));

/**
 * Beside a skill's directory there may be a plain file, such as a README. What is pushed to the docs is not validated: a
 * SKILL.md that is a directory is a skill that says nothing of itself, lest it keep all agents from starting.
 */
const textOf = (file: string): Promise<string | null> =>
  unless<string | null>({ ENOENT: null, ENOTDIR: null, EISDIR: "" }, readFile(file, "utf8"));

/** What is read; for these errors of the system, what stands for it. */
export async function unless<Found>(instead: Record<string, Found>, reading: Promise<Found>): Promise<Found> {
  try {
    return await reading;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code in instead) return instead[code] as Found;
    throw error;
  }
}
