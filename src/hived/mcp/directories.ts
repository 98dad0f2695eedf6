/** Where an agent finds its directories, as it sees them itself. */
import type { Place } from "../../contract/launch.ts";
import { type AgentRow, configOf } from "../agents/agents.ts";
import { environmentFor } from "../runtimes/choose.ts";

export type Directory = { variable: string; path: string; use: string };

/** The variables of an agent's environment that hold a directory. */
const uses: Record<string, string> = {
  HIVE_STATE_DIR: "your own, kept for as long as you exist; the manager can read it",
  HIVE_SHARED_DIR: "of all agents together, to read and write",
  HIVE_DOCS_DIR: "the newest org-shared/docs, to read",
  HIVE_CONFIG_DIR: "your own agent.yaml, AGENTS.md and skills, to read",
  HIVE_AGENTS_DIR: "the agents' directories, as far as you can see them",
};

/** Read from the very environment that the agent was started with; empty when it was never started. */
export function directoriesOf(agent: AgentRow, place: Place, forgeUrl: string): Directory[] {
  const config = configOf(agent);
  if (!config || !agent.launch || !agent.running_tree) return [];
  const toLaunch = { ...agent, config, tree: agent.running_tree };
  const env = environmentFor(toLaunch, place, agent.launch, { url: forgeUrl });
  return Object.entries(uses).flatMap(([variable, use]) => {
    const path = env[variable];
    return path === undefined ? [] : [{ variable, path, use }];
  });
}
