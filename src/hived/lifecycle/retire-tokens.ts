/**
 * Work `retire-tokens`: what a newer token of a user has replaced is ended once nobody can be using it any more. The new
 * one is given to the agent's running process first; a turn that began before that may hold the old one.
 */
import { AgentName, type EpochMs } from "../../contract/names.ts";
import { type AgentRow, findAgent } from "../agents/agents.ts";
import type { Tokens } from "../agents/tokens.ts";
import { findTurn } from "../broker/turns.ts";
import { emailOf } from "../forge/addresses.ts";
import type { ForgeUser } from "../forge/client.ts";
import { bot, operator } from "../forge/plan.ts";
import { deliveredAt, noteDelivered } from "../forge/user-tokens.ts";
import { secretsFor } from "../runtimes/secrets.ts";
import type { LifecycleParts } from "./parts.ts";

type Parts = Pick<LifecycleParts, "core" | "runner" | "forgeUrl"> & {
  tokens: Tokens;
  /** ends them on the forge; found done when they are gone */
  endOldTokens(user: ForgeUser): Promise<void>;
};

/** Calls and pushes of ours that began with the old token are over by then. */
const graceMs = 60_000;
const lookEveryMs = 5_000;

/** @param user of whom; @throws Fault while a running agent can't be given its new token */
export async function retireTokens(parts: Parts, user: string): Promise<{ again: EpochMs } | undefined> {
  const { core, tokens } = parts;
  const token = tokens.read(user);
  if (token === undefined) return undefined;
  const name = user === bot || user === operator ? user : AgentName.parse(user);
  const agent = core.db.read((reader) => findAgent(reader, user));
  if (deliveredAt(parts, user) === null) await deliver(parts, user, token, agent);
  const since = deliveredAt(parts, user);
  const now = core.clock.now();
  if (since === null || mayUseOldToken(parts, user, since)) return { again: (now + lookEveryMs) as EpochMs };
  if (now < since + graceMs) return { again: (since + graceMs) as EpochMs };
  await parts.endOldTokens(name);
  return undefined;
}

async function deliver({ core, runner, forgeUrl }: Parts, user: string, token: string, agent: AgentRow | undefined) {
  if (agent?.launch) {
    const secrets = secretsFor(agent.name, { url: forgeUrl, token, email: emailOf(core, user) }, runner.place());
    await runner.call("renewSecrets", { launch: agent.launch, secrets });
  }
  await noteDelivered(core, user, token);
}

/** A program of a turn that began earlier may have read the old token, and use it for as long as the turn takes. */
function mayUseOldToken({ core }: Parts, user: string, since: number): boolean {
  return core.db.read((reader) => {
    const turn = findAgent(reader, user)?.turn;
    const began = turn && findTurn(reader, turn)?.startedAt;
    return typeof began === "number" && began <= since;
  });
}
