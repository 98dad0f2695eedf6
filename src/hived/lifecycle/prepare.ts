/** Everything that a version of an agent needs before it can be started, without running a turn of it. */
import type { FileToWrite } from "../../contract/launch.ts";
import type { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { type AgentConfig, parseAgentYaml } from "../agents/agent-yaml.ts";
import { agentsRepo } from "../forge/plan.ts";
import { chooseRuntime } from "../runtimes/choose.ts";
import { agentDirectory, type LifecycleParts, type Version } from "./parts.ts";

/**
 * Fetches the version's files, makes the agent's forge user and directories, and checks that its runtime is there.
 * Everything is found done when it is repeated.
 * @throws Refusal for what another version could mend: an agent.yaml that does not parse, a runtime that is missing.
 */
export async function prepareVersion(parts: LifecycleParts, agent: AgentName, version: Version): Promise<AgentConfig> {
  const files = await parts.forge.as("hive-bot").readFiles(agentsRepo, version.commit, agentDirectory(agent));
  const config = configIn(agent, files);
  chooseRuntime(config, parts.runner.place());
  await parts.provisionAgent(agent, config.role);
  await parts.runner.call("prepareAgent", { agent, tree: version.tree, files });
  return config;
}

function configIn(agent: AgentName, files: FileToWrite[]): AgentConfig {
  const yaml = files.find(({ path }) => path === "agent.yaml");
  const parsed = yaml
    ? parseAgentYaml(Buffer.from(yaml.content, "base64").toString("utf8"))
    : { problems: ["it is missing"] };
  if ("config" in parsed) return parsed.config;
  throw new Refusal(
    "bad_agent_yaml",
    `agents/${agent}/agent.yaml: ${parsed.problems.join("; ")}.`,
    "Push a version that parses.",
  );
}
