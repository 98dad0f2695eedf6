/** The command line of Claude Code: all that configures it stands there, and nothing that an agent can write is read for it. */
import type { DriverSpec } from "../../contract/launch.ts";

/** What would begin turns by itself, speak with other sessions on the machine, or wait for somebody who is not there. */
const unwantedTools = [
  ...["CronCreate", "CronDelete", "CronList", "ScheduleWakeup", "Monitor", "Workflow"],
  ...["SendMessage", "ListAgents"],
  ...["AskUserQuestion", "EnterPlanMode", "ExitPlanMode"],
];

export function claudeArguments(spec: Extract<DriverSpec, { kind: "claude" }>): string[] {
  const servers = spec.mcpServers.map(({ name, ...server }) => [name, { type: "stdio", ...server }]);
  return [
    ..."-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages".split(" "),
    ...["--strict-mcp-config", "--mcp-config", JSON.stringify({ mcpServers: Object.fromEntries(servers) })],
    ...["--setting-sources", ""],
    // Requests for permission come to us, who allow them: any other mode refuses some of them in silence.
    ...["--permission-mode", "manual", "--permission-prompt-tool", "stdio"],
    ...["--allowedTools", spec.mcpServers.map(({ name }) => `mcp__${name}`).join(",")],
    ...["--disallowedTools", unwantedTools.join(",")],
    // `off`: else a conversation keeps the prompt that it began with, whatever the agent's newer version says.
    ...["--append-system-prompt-file", spec.promptFile, "--system-prompt-snapshot", "off"],
    // A plugin of this process alone, without any source of settings: its skills are listed, with its name before theirs.
    ...["--plugin-dir", spec.plugin],
    ...(spec.model === null ? [] : ["--model", spec.model]),
    ...(spec.session === null ? [] : ["--resume", spec.session]),
  ];
}
