/** The arguments of a call to what its tool takes, or a sentence about what is wrong with them. */
import type { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";
import { inputOf, type ToolName, tools } from "../../contract/tools.ts";

/** @throws Refusal that says what is wrong with each, and what the tool takes */
export function parseArguments(name: ToolName, args: unknown, isOutside: boolean): unknown {
  const input = inputOf(tools[name], isOutside);
  const parsed = input.safeParse(args ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(problemText);
  throw new Refusal("bad_arguments", `${name} was not called: ${problems.join("; ")}.`, `It takes: ${takes(input)}.`);
}

function problemText(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys")
    return `it has no argument ${issue.keys.map((key) => `\`${key}\``).join(", ")}`;
  const isMissing = issue.message.endsWith("received undefined");
  return `\`${issue.path.join(".") || "arguments"}\` ${isMissing ? "is missing" : `is wrong (${issue.message})`}`;
}

/** A tool's arguments in a sentence. */
const takes = (input: z.ZodObject): string =>
  Object.entries(input.shape)
    .map(([key, schema]) => {
      const isOptional = (schema as z.ZodType).safeParse(undefined).success;
      const { description } = schema as z.ZodType;
      return `${key}${isOptional ? " (may be left out)" : ""}${description ? `, ${description}` : ""}`;
    })
    .join("; ") || "no arguments";
