/** `agents/<name>/agent.yaml` of hive/agents: what an agent is, may do and may use. */
import { z } from "zod";
import { AgentRole, RuntimeKind } from "../../contract/agent.ts";
import { AgentName } from "../../contract/names.ts";
import { parseFile } from "./parse-file.ts";

const minutes = (most: number) => z.number().int().min(1).max(most);

/** The descriptions are what an editor shows, see `agentSchemaText`. */
export const AgentConfig = z.strictObject({
  role: AgentRole.default("worker").describe("worker, or manager: there is one"),
  harness: z
    .strictObject({
      driver: z.literal("acp").describe("how the coding agent is spoken to"),
      profile: z
        .enum(["script"])
        .describe("which coding agent it is; script has no model, and does what script.yaml says"),
    })
    .describe("the coding agent"),
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
    })
    .default({ turns_per_hour: 120 })
    .describe("of work"),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** Names in inputs.json that agents are built from, by profile: what a profile installs is pinned there. */
export const profileInputs: Record<AgentConfig["harness"]["profile"], readonly string[]> = { script: [] };

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
