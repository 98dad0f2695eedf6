/** From an agent and what the runner's machine offers to the one launch spec; pure, so that it is compared whole in tests. */
import type { RuntimeKind } from "../../contract/agent.ts";
import type { Enter, LaunchSpec, Place } from "../../contract/launch.ts";
import type { LaunchId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { AgentConfig } from "../agents/agent-yaml.ts";
import { bubblewrapView, enterBubblewrap } from "./bubblewrap.ts";
import { enterProcess, processView } from "./process.ts";
import {
  type AgentToLaunch,
  commandOf,
  driverOf,
  environmentOf,
  limitsOf,
  promptOf,
  withPlugin,
  withSecrets,
} from "./view.ts";

const runtimes: Record<RuntimeKind, { enter: typeof enterProcess; view: typeof processView }> = {
  process: { enter: enterProcess, view: processView },
  bubblewrap: { enter: enterBubblewrap, view: bubblewrapView },
};

/**
 * The runtime that the agent's config names, else the strongest that works there.
 * @throws Refusal `runtime_missing` for a named one that does not work there: never a weaker one in silence.
 */
export function chooseRuntime(config: AgentConfig, place: Place): RuntimeKind {
  const named = config.runtime.driver;
  const chosen = named ?? place.runtimes.at(-1);
  if (chosen !== undefined && place.runtimes.includes(chosen)) return chosen;
  const reason = named === undefined ? undefined : place.missing[named];
  throw new Refusal(
    "runtime_missing",
    named === undefined ? "No runtime works here." : `Runtime ${named} does not work here: ${reason ?? "unknown"}.`,
    "Mend that and restart the hive, or name another one under runtime.driver in agent.yaml.",
  );
}

/** How the runner is to start an agent. @throws Refusal as `chooseRuntime` */
export function specFor(agent: AgentToLaunch, place: Place, launch: LaunchId, forge: { url: string }): LaunchSpec {
  const runtime = chooseRuntime(agent.config, place);
  const view = runtimes[runtime].view(agent, place, launch);
  const { argv, env, cwd } = enterFor(agent, place, launch, forge);
  return {
    runtime,
    argv: [...argv, ...withPlugin(agent, view, place), ...commandOf(agent, place)],
    ...{ env, cwd },
    driver: driverOf(agent, view, place),
    prompt: promptOf(agent, view, forge),
    limits: limitsOf(agent),
  };
}

/** What stands before a command to run it where the agent runs. @throws Refusal as `chooseRuntime` */
export function enterFor(agent: AgentToLaunch, place: Place, launch: LaunchId, forge: { url: string }): Enter {
  const { enter, view } = runtimes[chooseRuntime(agent.config, place)];
  const { argv, ...rest } = enter(agent, place, launch, forge);
  return { argv: [...argv, ...withSecrets(agent, view(agent, place, launch), place)], ...rest };
}

/** The environment that the agent finds, whatever the environment of its launch spec is. @throws Refusal as `chooseRuntime` */
export function environmentFor(
  agent: AgentToLaunch,
  place: Place,
  launch: LaunchId,
  forge: { url: string },
): Record<string, string> {
  const { view } = runtimes[chooseRuntime(agent.config, place)];
  return environmentOf(agent, view(agent, place, launch), place, forge);
}
