/** `agents/<name>/agent.yaml` of hive/agents: what an agent is, may do and may use. */
import { z } from "zod";
import { AgentRole, RuntimeKind } from "../../contract/agent.ts";
import { AgentName } from "../../contract/names.ts";
import { parseFile } from "./parse-file.ts";

const minutes = (most: number) => z.number().int().min(1).max(most);

export const AgentConfig = z.strictObject({
  role: AgentRole.default("worker"),
  /** which coding agent it is, and how it is spoken to */
  harness: z.strictObject({
    driver: z.literal("acp"),
    profile: z.enum(["script"]),
  }),
  runtime: z
    .strictObject({
      /** the strongest whose self-test passed, when it is left out */
      driver: RuntimeKind.optional(),
      network: z.literal("full").default("full"),
    })
    .default({ network: "full" }),
  /** whom it may write to besides the manager and the operator; `*` is everybody */
  recipients: z.array(z.union([AgentName, z.literal("*")])).default([]),
  limits: z
    .strictObject({
      turn_minutes: minutes(24 * 60).default(60),
      silence_minutes: minutes(24 * 60).default(15),
      idle_stop_minutes: minutes(7 * 24 * 60).default(30),
    })
    .default({ turn_minutes: 60, silence_minutes: 15, idle_stop_minutes: 30 }),
  budgets: z
    .strictObject({ turns_per_hour: z.number().int().min(1).max(3600).default(120) })
    .default({ turns_per_hour: 120 }),
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
