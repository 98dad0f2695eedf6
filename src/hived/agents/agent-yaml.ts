/** `agents/<name>/agent.yaml` of hive/agents: what an agent is, may do and may use. */
import { LineCounter, parseDocument, visit } from "yaml";
import { z } from "zod";
import { AgentRole, RuntimeKind } from "../../contract/agent.ts";
import { AgentName } from "../../contract/names.ts";

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

/** The longest agent.yaml that is looked at, in bytes. */
const maxAgentYamlBytes = 64 * 1024;

export type ParsedConfig = { config: AgentConfig } | { problems: string[] };

/** Parses an agent.yaml; each problem is a sentence with its line and field. Aliases, which a small file can blow up with, are refused. */
export function parseAgentYaml(text: string): ParsedConfig {
  if (Buffer.byteLength(text) > maxAgentYamlBytes) return { problems: [`over ${maxAgentYamlBytes} bytes long`] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`),
    };
  }
  const aliases: string[] = [];
  visit(document, {
    Alias: (_, { range }) =>
      void aliases.push(`line ${lines.linePos(range?.[0] ?? 0).line}: aliases (*name) are not allowed`),
  });
  if (aliases.length > 0) return { problems: aliases };
  const parsed = AgentConfig.safeParse(document.toJS() ?? {});
  if (parsed.success) return { config: parsed.data };
  return {
    problems: parsed.error.issues.map(
      (issue) => `${lineOf(document, lines, issue.path)}field ${issue.path.join(".") || "(top)"}: ${issue.message}`,
    ),
  };
}

const firstLine = (text: string) => text.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? text;

/** The line of the nearest part of the path that stands in the file. */
function lineOf(document: ReturnType<typeof parseDocument>, lines: LineCounter, path: readonly PropertyKey[]): string {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return `line ${lines.linePos(node.range[0]).line}: `;
  }
  return "";
}
