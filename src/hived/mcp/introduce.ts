/** What `whoami` says: who an agent is here, where its directories are, what its limits are, and who else is there. */
import { maxBodyBytes } from "../../contract/message.ts";
import { configOf, listAgents, requireAgent } from "../agents/agents.ts";
import { lettersPerMinute, mostLetters } from "../broker/limits.ts";
import type { Runner } from "../core.ts";
import type { Reader } from "../database/write.ts";
import { isThere } from "./agent-reports.ts";
import type { Caller } from "./caller.ts";
import { type Directory, directoriesOf } from "./directories.ts";

const peersShown = 100;

export function introduce(
  reader: Reader,
  { agent: name, launch }: Caller,
  { runner, forgeUrl }: { runner: Pick<Runner, "place">; forgeUrl: string },
): string {
  const agent = requireAgent(reader, name);
  const peers = listAgents(reader).filter((row) => row.name !== name && isThere(row));
  const more = peers.length - peersShown;
  return [
    `You are ${name}, ${agent.role === "manager" ? "the manager" : "a worker"} of this hive. ${name} is your address and your forge user.`,
    ...(launch === null ? [fromOutside] : directoriesOf(agent, runner.place(), forgeUrl).map(directoryLine)),
    `The forge: ${forgeUrl}`,
    ...limitsOf(agent),
    "You can write to: operator, manager, * (all agents), and the agents below as far as your limits allow.",
    ...peers.slice(0, peersShown).map((row) => `- ${row.name} (${row.role}, ${row.state})`),
    ...(more > 0 ? [`(and ${more} more: \`list_agents\`)`] : []),
  ].join("\n");
}

const fromOutside =
  "You call from outside of a sandbox: you reach no directory of the hive, and read the docs by `read_docs`.";

const directoryLine = ({ variable, path, use }: Directory): string => `${path} ($${variable}): ${use}`;

function limitsOf(agent: Parameters<typeof configOf>[0] & { role: string }): string[] {
  const config = configOf(agent);
  if (!config) return [];
  const { limits, budgets, recipients } = config;
  const everybody = agent.role === "manager" || recipients.includes("*");
  const others = recipients.length === 0 ? "nobody else" : recipients.join(", ");
  return [
    `Limits: a turn of ${limits.turn_minutes} minutes, of which ${limits.silence_minutes} without a sign of life; ${budgets.turns_per_hour} turns an hour;`,
    `${budgets.tool_calls_per_minute} tool calls a minute; a message of ${maxBodyBytes} bytes; with any one agent ${mostLetters} messages in a row, ${lettersPerMinute} a minute after that.`,
    `Beside manager, operator and whom you answer you may write to: ${everybody ? "everybody" : others}.`,
  ];
}
