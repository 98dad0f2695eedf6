/** `hive agent history`: the versions that an agent has had, and what brought each. */
import type { AgentName } from "../../contract/names.ts";
import { type AgentVersion, broughtBy } from "../../contract/version.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { oneLine, timeText } from "../line.ts";
import { withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

/** Shows an agent's newest versions. @throws Refusal `not_running`, `bad_name`, or as hived says it */
export const history = (name: string, options: { home?: string; json?: boolean; limit: number }): Promise<number> => {
  const agent = parseAgent(name);
  return withHived(options, async (hived) => {
    const page = await hived.readVersions({ agent, limit: options.limit });
    process.stdout.write(options.json ? `${JSON.stringify(page, null, 2)}\n` : historyText(agent, page));
    return exitCodes.ok;
  });
};

export function historyText(
  agent: AgentName,
  { versions, more }: { versions: readonly AgentVersion[]; more: boolean },
): string {
  if (versions.length === 0) return `${agent} has had no version yet.\n`;
  const head = ["version", "began", "commit", "tree", "result", "brought by", "problem"];
  const older = more ? "\nThere are older ones: --limit.\n" : "";
  return `${columns([head, ...versions.map(rowOf)]).join("\n")}\n${older}`;
}

const rowOf = (version: AgentVersion) => [
  String(version.number),
  timeText(version.at),
  version.commit.slice(0, 10),
  version.tree.slice(0, 10),
  version.state,
  oneLine(broughtBy(version), 100),
  version.problem === null ? "" : oneLine(version.problem, 200),
];
