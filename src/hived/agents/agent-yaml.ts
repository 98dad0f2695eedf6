/** `agents/<name>/agent.yaml` of hive/agents: what an agent is, may do and may use. */
import { z } from "zod";
import { AgentRole, RuntimeKind } from "../../contract/agent.ts";
import { AcpProfile } from "../../contract/launch.ts";
import { AgentName } from "../../contract/names.ts";
import { parseFile } from "./parse-file.ts";

/** Which variables agent.yaml may not set: as patterns, so that an editor learns them from the JSON schema, too. */
const ours = /^(?!HIVE_|GIT_CONFIG|(PATH|HOME|LANG|GIT_TERMINAL_PROMPT|NODE_COMPILE_CACHE)$)/;
const loaders = /^(?!(LD|DYLD)_|(NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|IFS|PYTHONSTARTUP|PERL5OPT|RUBYOPT)$)/;
/** MAX_TOKENS is a number, and may be set. */
const secrets = /^(?!.*(TOKEN|AUTH|(KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?)(_|$))/;

const minutes = (most: number) => z.number().int().min(1).max(most);

const EnvName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]{0,99}$/, "is no name of a variable: capital letters, digits and _")
  .regex(ours, "is the hive's own to set: leave it out")
  .regex(loaders, "has every program in there load something: leave it out")
  .regex(secrets, "looks like a secret, and whoever may read this could read it: sign the agent in instead");

const codingAgent = {
  command: z
    .array(z.string().min(1).max(1_000))
    .min(1)
    .max(50)
    .optional()
    .describe("the program and its arguments, in place of the coding agent's own"),
  model: z.string().min(1).max(200).optional().describe("one of its models; left out: the one that it chooses"),
  env: z
    .record(EnvName, z.string().max(4_000))
    .default({})
    .describe("variables of its environment, none of them secret"),
};

const Harness = z.discriminatedUnion("driver", [
  z.strictObject({
    driver: z.literal("acp").describe("how the coding agent is spoken to: by the Agent Client Protocol"),
    profile: AcpProfile.describe("which coding agent it is; script has no model, and does what script.yaml says"),
    ...codingAgent,
  }),
  z.strictObject({ driver: z.literal("claude").describe("Claude Code, spoken to in its own way"), ...codingAgent }),
]);

/** The descriptions are what an editor shows, see `agentSchemaText`. */
export const AgentConfig = z.strictObject({
  role: AgentRole.default("worker").describe("worker, or manager: there is one"),
  harness: Harness.describe("the coding agent"),
  runtime: z
    .strictObject({
      driver: RuntimeKind.optional().describe("where it runs; left out: the strongest sandbox whose self-test passed"),
      network: z.literal("full").default("full").describe("what it reaches"),
    })
    .default({ network: "full" })
    .describe("its sandbox"),
  recipients: z
    .array(z.union([AgentName, z.literal("*")]))
    .default([])
    .describe("whom it may write to besides the manager and the operator; * is everybody"),
  limits: z
    .strictObject({
      turn_minutes: minutes(24 * 60)
        .default(60)
        .describe("a turn that takes longer is cut off"),
      silence_minutes: minutes(24 * 60)
        .default(15)
        .describe("so is one that gives no sign of life for so long"),
      idle_stop_minutes: minutes(7 * 24 * 60)
        .default(30)
        .describe("without work for so long its process is ended; its conversation is kept"),
    })
    .default({ turn_minutes: 60, silence_minutes: 15, idle_stop_minutes: 30 })
    .describe("of time"),
  budgets: z
    .strictObject({
      turns_per_hour: z.number().int().min(1).max(3600).default(120).describe("after as many within an hour it rests"),
      tool_calls_per_minute: z
        .number()
        .int()
        .min(10)
        .max(1_000_000)
        .default(300)
        .describe("calls of the hive's tools beyond that are refused"),
    })
    .default({ turns_per_hour: 120, tool_calls_per_minute: 300 })
    .describe("of work"),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

export type ParsedConfig = { config: AgentConfig } | { problems: string[] };

/** Parses an agent.yaml; each problem is a sentence with its line and field. */
export function parseAgentYaml(text: string): ParsedConfig {
  const parsed = parseFile(AgentConfig, text);
  return "content" in parsed ? { config: parsed.content } : parsed;
}

/** The JSON schema of agent.yaml, from the zod one, for editors: what is said there of a field is what is checked here. */
export function agentSchemaText(): string {
  const schema = z.toJSONSchema(AgentConfig, { io: "input" });
  return `${JSON.stringify({ title: "agent.yaml of a hive", ...schema }, null, 2)}\n`;
}
