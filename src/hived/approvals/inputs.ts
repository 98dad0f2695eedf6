/** `inputs.json` of hive/agents: what agents are built from, each pinned to one exact version. */
import { z } from "zod";
import { knownInputs } from "../agents/coding-agents.ts";
import { type Parsed, parseFile } from "../agents/parse-file.ts";
import type { Permission } from "./permission-diff.ts";

const InputName = z.string().regex(/^[a-z][a-z0-9-]{0,49}$/, "is small letters, digits and dashes");

/** A version, a digest or a flake's revision: whatever it is, it means the same tomorrow. */
const Version = z
  .string()
  .regex(/^[A-Za-z0-9][\w.+:@/-]{0,199}$/, "is one exact version, no range")
  .refine((text) => !/(?:^|:)(?:latest|stable|main|master)$/.test(text), "moves: pin an exact version");

const Inputs = z.strictObject({ inputs: z.record(InputName, Version) });
type Inputs = z.infer<typeof Inputs>["inputs"];

/** @returns the inputs, or what is wrong, each with its line where that is known */
export function parseInputs(text: string): Parsed<Inputs> {
  try {
    JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problems: [error.message] };
  }
  const parsed = parseFile(Inputs, text);
  return "content" in parsed ? { content: parsed.content.inputs } : parsed;
}

/** Known is what `main` pins already, and what some coding agent is built from: anything else would change nothing, unnoticed. */
export function unknownInputs(before: Inputs, after: Inputs): string[] {
  const known = new Set([...Object.keys(before), ...knownInputs]);
  return Object.keys(after)
    .filter((name) => !known.has(name))
    .map((name) => `field inputs.${name}: nothing is built from it. Known: ${[...known].sort().join(", ") || "none"}`);
}

/** What is pinned otherwise, each a sentence. */
export function inputsDiff(before: Inputs, after: Inputs): Permission[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name): Permission[] => {
    const [old, now] = [before[name], after[name]];
    if (old === now) return [];
    if (now === undefined) return [{ weight: "less", text: `${name} is pinned no more (before: ${old})` }];
    return [{ weight: "risk", text: `${name} is ${now}${old === undefined ? "" : ` (before: ${old})`}` }];
  });
}
