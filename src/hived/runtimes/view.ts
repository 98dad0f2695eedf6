/** What an agent finds at its start: its directories, environment, command and tools, the same in every runtime. */
import { dirname, join } from "node:path";
import type { AgentRole } from "../../contract/agent.ts";
import {
  type DriverSpec,
  type LaunchSpec,
  type Place,
  type PromptValues,
  placeNames,
  systemPath,
} from "../../contract/launch.ts";
import type { AgentName, ObjectId } from "../../contract/names.ts";
import type { AgentConfig } from "../agents/agent-yaml.ts";
import { codingAgentOf } from "../agents/coding-agents.ts";

export type AgentToLaunch = {
  name: AgentName;
  role: AgentRole;
  /** the conversation to continue */
  session: string | null;
  config: AgentConfig;
  /** the version of its directory that it runs with */
  tree: ObjectId;
};

/** Where an agent sees its directories; all but `state`, `shared` and `private` are read-only, or meant to be. */
export type View = {
  state: string;
  shared: string;
  docs: string;
  config: string;
  agents: string;
  run: string;
  /** no other agent sees these two, nor does the manager: its program's own directory, and what that signs in with */
  private: string;
  secrets: string;
};

/** Names of the files in a launch's directory: see `secrets.ts`. */
export const runFiles = {
  token: "forge-token",
  gitConfig: "gitconfig",
  curlConfig: "curlrc",
  passwd: "passwd",
  socket: "mcp.sock",
  /** a directory, in the agent's PATH */
  programs: "bin",
} as const;

/** The whole environment of an agent; no secret is in it, only where one lies. */
export function environmentOf(
  agent: AgentToLaunch,
  view: View,
  place: Place,
  forge: { url: string },
): Record<string, string> {
  const codingAgent = codingAgentOf(agent.config.harness);
  return {
    PATH: [...(place.clients ? [join(view.run, runFiles.programs)] : []), dirname(place.node), systemPath].join(":"),
    HOME: view.state,
    LANG: "C.UTF-8",
    HIVE_AGENT: agent.name,
    HIVE_ROLE: agent.role,
    HIVE_STATE_DIR: view.state,
    HIVE_SHARED_DIR: view.shared,
    HIVE_DOCS_DIR: view.docs,
    HIVE_CONFIG_DIR: view.config,
    HIVE_AGENTS_DIR: view.agents,
    HIVE_PROMPT_FILE: toldOf(view).promptFile,
    HIVE_FORGE_URL: forge.url,
    HIVE_FORGE_USER: agent.name,
    HIVE_FORGE_TOKEN_FILE: join(view.run, runFiles.token),
    HIVE_FORGE_CURLRC: join(view.run, runFiles.curlConfig),
    GIT_CONFIG_GLOBAL: join(view.run, runFiles.gitConfig),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    ...codingAgent.env,
    ...codingAgent.keepIn?.(view.private),
    ...codingAgent.readPrompt?.(toldOf(view)),
    ...agent.config.harness.env,
    ...(isOurs(agent) ? programEnvironment(place) : {}),
  };
}

const toldOf = ({ run }: View) => ({ promptFile: join(run, placeNames.prompt), plugin: join(run, placeNames.plugin) });

/** What programs of ours start faster with; others may have a use of their own for it. */
const programEnvironment = ({ compiled }: Place): Record<string, string> =>
  compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled };

/** The script agent, which is a part of ours. */
const isOurs = ({ config: { harness } }: AgentToLaunch) => harness.driver === "acp" && harness.profile === "script";

/** The coding agent's program: ours is run by the Node that came with it, others are found in the agent's PATH. */
export function commandOf(agent: AgentToLaunch, place: Place): string[] {
  const { harness } = agent.config;
  if (harness.command) return harness.command;
  if (isOurs(agent)) return [place.node, join(place.program, "src/script-agent/main.ts")];
  return [...codingAgentOf(harness).command];
}

/** What stands before its command, so that what it signs in with is in the environment and on no command line. */
export function withSecrets({ config: { harness } }: AgentToLaunch, view: View, place: Place): string[] {
  const { secrets = [] } = codingAgentOf(harness);
  if (secrets.length === 0) return [];
  return ["/bin/sh", join(place.program, "src/hive/with-secrets.sh"), view.secrets, secrets.join(" ")];
}

/** What stands before its command, so that the launch's plugin is among those that it looks for in its own directory. */
export function withPlugin({ config: { harness } }: AgentToLaunch, view: View, place: Place): string[] {
  const { pluginLink } = codingAgentOf(harness);
  if (pluginLink === undefined) return [];
  const script = join(place.program, "src/hive/with-link.sh");
  return ["/bin/sh", script, join(view.private, pluginLink), toldOf(view).plugin];
}

export function driverOf(agent: AgentToLaunch, view: View, place: Place): DriverSpec {
  const bridge = [join(place.program, "src/hive/mcp.ts"), join(view.run, runFiles.socket)];
  const { harness } = agent.config;
  return {
    ...(harness.driver === "acp" ? { kind: harness.driver, profile: harness.profile } : { kind: harness.driver }),
    cwd: view.state,
    mcpServers: [{ name: "hyperhive", command: place.node, args: bridge, env: programEnvironment(place) }],
    session: agent.session,
    model: harness.model ?? null,
    ...toldOf(view),
  };
}

/** What the agent is told of itself and its place. */
export const promptOf = ({ name, role }: AgentToLaunch, view: View, forge: { url: string }): PromptValues => ({
  agent: name,
  role: role === "manager" ? "the manager" : "a worker",
  forge: forge.url,
  state: view.state,
  shared: view.shared,
  docs: view.docs,
  config: view.config,
});

const minuteMs = 60_000;

export const limitsOf = ({ config: { limits } }: AgentToLaunch): LaunchSpec["limits"] => ({
  turnTimeoutMs: limits.turn_minutes * minuteMs,
  silenceMs: limits.silence_minutes * minuteMs,
  idleStopMs: limits.idle_stop_minutes * minuteMs,
});

/** An agent's directories on the runner's machine. */
export const directoriesOf = ({ name, tree }: AgentToLaunch, place: Place) => ({
  state: join(place.agentsRoot, name, placeNames.state),
  config: join(place.agentsRoot, name, placeNames.config, tree),
  private: join(place.privateRoot, name, placeNames.home),
  secrets: join(place.privateRoot, name, placeNames.secrets),
});
