/** A script: what the agent does about which message. Documented in docs/script-agent.md. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const Name = z.string().regex(/^[a-z][a-z0-9_]*$/, "a variable's name has lower-case letters, digits and _");
const Pattern = z.string().refine(isPattern, "this is no regular expression");

/** Whether a text, after its templates are filled in, fits a pattern. */
const Condition = z.strictObject({ text: z.string(), matches: Pattern });
export type Condition = z.infer<typeof Condition>;

const common = {
  /** what it is called while it is shown; its action otherwise */
  title: z.string().optional(),
  if: Condition.optional(),
  unless: Condition.optional(),
};
const checked = {
  ...common,
  expect: z.enum(["success", "failure", "any"]).default("success"),
  /** what the output must match besides; its named groups become variables */
  matches: Pattern.optional(),
  /** the variable that gets the output */
  save: Name.optional(),
  /** how often it is tried until it comes out as expected; the script's own default when it is left out */
  tries: z.number().int().min(1).max(1_000).optional(),
};

const Step = z.union([
  z.strictObject({ say: z.string(), ...common }),
  z.strictObject({ tool: z.string(), with: z.record(z.string(), z.unknown()).default({}), ...checked }),
  z.strictObject({
    run: z.string(),
    timeout_seconds: z.number().int().min(1).max(3_600).default(120),
    ...checked,
  }),
  z.strictObject({
    forge: z
      .string()
      .regex(/^(GET|POST|PUT|PATCH|DELETE) \/\S*$/, "such as GET /user: a method and a path below /api/v1"),
    with: z.unknown().optional(),
    ...checked,
  }),
]);
export type Step = z.infer<typeof Step>;
export type CheckedStep = Exclude<Step, { say: string }>;

const Rule = z.strictObject({
  name: z.string(),
  /** patterns that all have to fit; a rule without any fits every message */
  when: z.strictObject({ from: Pattern.optional(), body: Pattern.optional() }).default({}),
  /** `ever`: once it has been carried out it fits nothing any more; `message`: it is carried out once per message */
  once: z.enum(["ever", "message"]).default("message"),
  steps: z.array(Step).min(1),
});
export type Rule = z.infer<typeof Rule>;

const Script = z.strictObject({
  vars: z.record(Name, z.string()).default({}),
  tries: z.number().int().min(1).max(1_000).default(1),
  rules: z
    .array(Rule)
    .min(1)
    .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, "two rules have the same name"),
});
export type Script = z.infer<typeof Script>;

/** @throws an error whose message says where the script is wrong */
export function readScript(path: string): Script {
  const parsed = Script.safeParse(parse(readFileSync(path, "utf8")));
  if (parsed.success) return parsed.data;
  throw new Error(`${path} is no script:\n${z.prettifyError(parsed.error)}`);
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}
