/**
 * Work `provision`: makes the forge what the plan says, at each start. Every step looks before it acts, so that a second
 * run changes nothing, and one that was cut off at any line goes on where it was.
 */
import type { AgentRole } from "../../contract/agent.ts";
import type { ForgeHealth } from "../../contract/facts.ts";
import type { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { describe } from "../../daemon/fault.ts";
import { listAgents } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import { type AccountParts, provisionAccount, provisionBot, provisionOperator } from "./accounts.ts";
import type { ForgeVerbs } from "./client.ts";
import { ForgeRefusal, ForgeUnavailable, isRefused } from "./errors.ts";
import type { ForgeHealthKeeper } from "./health.ts";
import { keepHook } from "./hooks.ts";
import { provisionLabels, provisionOrganizations, setMembership } from "./organizations.ts";
import { agentTeams, managerTeams, organizations, scopes } from "./plan.ts";
import { keepProtection } from "./protection.ts";
import { seedRepositories } from "./seed.ts";

export type ProvisionParts = AccountParts & {
  core: Core;
  health: ForgeHealthKeeper;
  kind: ForgeHealth["kind"];
  /** where the forge delivers webhooks to */
  hookUrl: string;
  /** the directory that holds our package.json, with seeds/, templates/ and forge/ */
  program: string;
  signal: AbortSignal;
};

/** At a start the forge comes up beside us: a look every so often is sooner than work that failed and is tried again. */
const lookEveryMs = 100;
const lookForMs = 15_000;

/**
 * @throws ForgeUnavailable while the forge is silent; Refusal for what only the operator can mend. Either is shown as the
 *   forge's health, and so is what is being done meanwhile.
 */
export async function provision(parts: ProvisionParts): Promise<void> {
  const { core, health } = parts;
  try {
    const wanted = await makeLayout(parts);
    if (wanted) await core.db.write((tx) => core.events.append(tx, { kind: "Note", text: wanted }, core.clock.now()));
    health.noteWork(null);
  } catch (error) {
    if (!(error instanceof ForgeUnavailable && !error.isTokenRefused)) health.noteWork(sentence(error));
    throw error;
  }
  await core.db.write((tx) => {
    for (const kind of ["reconcile", "follow-main", "update-docs"]) core.scheduler.enqueue(tx, kind, "");
  });
}

const sentence = (error: unknown): string =>
  error instanceof Refusal ? `${error.message} ${error.next}` : `It could not be made ready: ${describe(error)}`;

/** @returns what the operator should do; null when there is nothing */
async function makeLayout(parts: ProvisionParts): Promise<string | null> {
  const { core, forge, health, program } = parts;
  const say = (text: string) => health.noteWork(text);
  await checkAdmin(parts);
  const [wanted] = await Promise.all([provisionOperator(parts), provisionBot(parts)]);
  await provisionOrganizations(forge, say);
  await seedRepositories(forge, program, say); // before the rule, which lets nobody but the operator push
  await keepProtection(core, forge);
  await provisionLabels(forge, program);
  await keepHooks(parts);
  for (const { name, role, wish } of core.db.read(listAgents))
    if (wish !== "destroyed") await provisionKnownAgent(parts, name, role);
  return wanted;
}

async function checkAdmin(parts: ProvisionParts): Promise<void> {
  const { forge, health } = parts;
  const admin = forge.as("hive-admin");
  const weak = (why: string) =>
    new Refusal("weak_admin_token", `The forge's admin token ${why}.`, "Give one of a site admin with all scopes.");
  const { name, isAdmin } = await firstAnswer(parts).catch((error: unknown) => {
    throw isRefused(error, 403) ? weak(`may not even say whose it is: ${error.message}`) : error;
  });
  health.noteVersion(await admin.readVersion());
  if (!isAdmin) throw weak(`is ${name}'s, who is no site administrator`);
}

async function firstAnswer({ core, forge, signal }: ProvisionParts): ReturnType<ForgeVerbs["whoAmI"]> {
  const until = core.clock.now() + lookForMs;
  for (;;) {
    try {
      return await forge.as("hive-admin").whoAmI();
    } catch (error) {
      if (!(error instanceof ForgeUnavailable) || signal.aborted || core.clock.now() >= until) throw error;
    }
    await core.clock.wait(lookEveryMs, signal);
  }
}

/** A forge of our own has one hook for everything; on a stranger's we listen to our organizations and users alone. */
async function keepHooks(parts: ProvisionParts): Promise<void> {
  const admin = parts.forge.as("hive-admin");
  if (parts.kind !== "external") return keepHook(parts, admin, { kind: "system" }, "system");
  for (const { name } of organizations) await keepHook(parts, admin, { kind: "org", org: name }, name);
}

/** One agent that the forge refuses must not keep the others waiting: converge says it on the agent itself. */
async function provisionKnownAgent(parts: ProvisionParts, name: AgentName, role: AgentRole): Promise<void> {
  try {
    await provisionAgent(parts, name, role);
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof ForgeRefusal)) throw error;
    parts.core.log.warn({ agent: name, problem: describe(error) }, "the forge refuses this agent");
  }
}

/**
 * An agent's forge user, token and teams; found done when they are there.
 * @throws Refusal when the name is taken by somebody else, or none that the forge takes
 */
export async function provisionAgent(parts: ProvisionParts, agent: AgentName, role: AgentRole): Promise<void> {
  const { forge } = parts;
  await provisionAccount(parts, { name: agent, isRestricted: true, scopes: scopes.agent });
  for (const team of agentTeams) await setMembership(forge, team, agent, true);
  for (const team of managerTeams) await setMembership(forge, team, agent, role === "manager");
  if (parts.kind === "external") await keepHook(parts, forge.as(agent), { kind: "user" }, agent);
}
