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
import type { LifecycleParts } from "./parts.ts";

type Parts = Pick<LifecycleParts, "core" | "runner" | "forgeUrl" | "sockets" | "tokens">;

/**
 * What an agent is told at the start of its next conversation.
 * @throws Refusal when no version of it has run here yet; Fault without a runner
 */
export async function readAgentPrompt({ core, runner, forgeUrl }: Parts, name: AgentName): Promise<Told> {
  const agent = toLaunch(core, name);
  const { prompt, driver } = specFor(agent, runner.place(), newLaunchId(), { url: forgeUrl });
  return runner.call("readPrompt", { agent: name, tree: agent.tree, values: prompt, driver });
}

/**
 * Tries all that an agent needs, where it runs; it may be stopped, or in a turn. It gets a launch's directory for that, with
 * a socket of its own, which is no launch that anybody else knows of, and is gone with the answer.
 * @throws Refusal when no version of it has run here yet, or it is gone; Fault without a runner
 */
export async function examineAgent(parts: Parts, name: AgentName): Promise<Examination> {
  const { core, runner, sockets, tokens } = parts;
  const agent = toLaunch(core, name);
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

/** @throws Refusal `never_ran` */
function toLaunch({ db }: Parts["core"], name: AgentName): AgentToLaunch {
  const row = db.read((reader) => requireAgent(reader, name));
  const config = configOf(row);
  if (config && row.running_tree) return { ...row, config, tree: row.running_tree };
  throw new Refusal(
    "never_ran",
    `No version of ${name} has run here yet: it is ${row.state}.${row.problem ? ` ${row.problem}` : ""}`,
    "Wait until it has been started once, or see why it was not with `hive status`.",
  );
}
