/** New tokens on demand. The old ones end by themselves: work `retire-tokens`. */
import type { Rotation } from "../../contract/forge.ts";
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { rotateOperatorToken, rotateToken } from "./accounts.ts";
import type { ForgeUser } from "./client.ts";
import { inTurnOf } from "./difference.ts";
import { ForgeRefusal } from "./errors.ts";
import { knownAgents, type LayoutParts } from "./layout.ts";
import { agentAccount, bot, botAccount, operator } from "./plan.ts";

/**
 * Replaces the token of a user of the hive, or of each of them; what one lacks keeps no other waiting.
 * @throws Refusal `unknown_user`; ForgeUnavailable
 */
export async function rotateTokens(parts: LayoutParts, user: string | null): Promise<Rotation[]> {
  const all: ForgeUser[] = [bot, ...knownAgents(parts).map(({ name }) => name), operator];
  const users = all.filter((name) => user === null || name === user);
  if (users.length === 0) throw unknownUser(String(user), `Name one of: ${all.join(", ")}.`);
  const rotations: Rotation[] = [];
  for (const name of users) rotations.push({ user: name, problem: (await rotate(parts, name)) ?? null });
  return rotations;
}

async function rotate(parts: LayoutParts, user: ForgeUser): Promise<string | undefined> {
  try {
    if (user === operator) return await rotateOperatorToken(parts);
    if (user === bot) await rotateToken(parts, botAccount);
    else await inTurnOf(AgentName.parse(user), () => rotateAgent(parts, AgentName.parse(user)));
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return `${error.message} ${error.next}`;
    if (error instanceof ForgeRefusal) return `The forge refuses: ${error.message}.`;
    throw error;
  }
}

async function rotateAgent(parts: LayoutParts, agent: AgentName): Promise<void> {
  if (!knownAgents(parts).some(({ name }) => name === agent)) throw unknownUser(agent, "It was destroyed meanwhile.");
  await rotateToken(parts, agentAccount(agent));
}

const unknownUser = (user: string, next: string) => new Refusal("unknown_user", `There is no agent "${user}".`, next);
