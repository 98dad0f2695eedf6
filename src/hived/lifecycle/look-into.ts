/** What the operator asks an agent's runner about it: what it is told, and whether it has all that it needs. */
import type { Examination } from "../../contract/examination.ts";
import type { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Told } from "../../contract/told.ts";
import { configOf, requireAgent } from "../agents/agents.ts";
import { newLaunchId } from "../core.ts";
import { emailOf } from "../forge/addresses.ts";
import { docsRepo } from "../forge/plan.ts";
import { enterFor, specFor } from "../runtimes/choose.ts";
import { secretsFor } from "../runtimes/secrets.ts";
import { type AgentToLaunch, commandOf } from "../runtimes/view.ts";
import { newestDeployment } from "./deployments.ts";
import type { LifecycleParts } from "./parts.ts";
import { prepareVersion } from "./prepare.ts";

/**
 * What an agent is told at the start of its next conversation.
 * @throws Refusal as `toLaunch`; Fault without a runner
 */
export async function readAgentPrompt(parts: LifecycleParts, name: AgentName): Promise<Told> {
  const { runner, forgeUrl } = parts;
  const agent = await toLaunch(parts, name);
  const { prompt, driver } = specFor(agent, runner.place(), newLaunchId(), { url: forgeUrl });
  return runner.call("readPrompt", { agent: name, tree: agent.tree, values: prompt, driver });
}

/**
 * Tries all that an agent needs, where it runs; it may be stopped, or in a turn. It gets a launch's directory for that, with
 * a socket of its own, which is no launch that anybody else knows of, and is gone with the answer.
 * @throws Refusal as `toLaunch`, or when it is gone; Fault without a runner
 */
export async function examineAgent(parts: LifecycleParts, name: AgentName): Promise<Examination> {
  const { core, runner, sockets, tokens } = parts;
  const agent = await toLaunch(parts, name);
  const token = tokens.read(name);
  if (token === undefined)
    throw new Refusal("no_such_agent", `${name} has no account on the forge any more.`, "Name another one.");
  const place = runner.place();
  const forge = { url: parts.forgeUrl };
  const launch = newLaunchId();
  const { runtime, driver } = specFor(agent, place, launch, forge);
  await sockets.open(launch, name);
  try {
    const { findings } = await runner.call("examine", {
      ...{ launch, agent: name, driver },
      secrets: secretsFor(name, { ...forge, token, email: emailOf(core, name) }, place),
      enter: enterFor(agent, place, launch, forge),
      command: commandOf(agent, place),
      docsUrl: `${forge.url}/${docsRepo}.git`,
    });
    return { agent: name, codingAgent: driver.kind === "acp" ? driver.profile : driver.kind, runtime, findings };
  } finally {
    await sockets.close(launch);
  }
}

/**
 * The version that runs, or ran last; of an agent that has never run the one that is tried: why it can't be started is what
 * somebody wants to know.
 * @throws Refusal `never_ran`, or as `prepareVersion`
 */
async function toLaunch(parts: LifecycleParts, name: AgentName): Promise<AgentToLaunch> {
  const { db } = parts.core;
  const row = db.read((reader) => requireAgent(reader, name));
  const config = configOf(row);
  if (config && row.running_tree) return { ...row, config, tree: row.running_tree };
  const tried = db.read((reader) => newestDeployment(reader, name));
  if (tried) return { ...row, config: await prepareVersion(parts, name, tried), tree: tried.tree };
  throw new Refusal(
    "never_ran",
    `No version of ${name} has come here yet: it is ${row.state}.${row.problem ? ` ${row.problem}` : ""}`,
    "Wait until one has, or see why none does with `hive status`.",
  );
}
