/**
 * What a destroyed agent keeps on the forge, and what not. Its user stays, with all that it wrote; its tokens and its
 * places in teams go, so that nothing of it can act any more. An agent of that name that comes later gets new ones.
 */
import type { AgentName } from "../../contract/names.ts";
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import { freshPassword, isOurs } from "./accounts.ts";
import type { Forge } from "./client.ts";
import { inTurnOf } from "./difference.ts";
import { organizations } from "./plan.ts";

type Parts = { core: Core; forge: Forge; tokens: Pick<Tokens, "read" | "remove"> };

/**
 * Found done once its token's file is gone, which goes last. In the turn of the agent: what provisions it meanwhile is over
 * before, and what comes after finds it destroyed.
 * @throws ForgeUnavailable
 */
export const retireAgent = (parts: Parts, agent: AgentName): Promise<void> =>
  inTurnOf(agent, () => retireInTurn(parts, agent));

async function retireInTurn(parts: Parts, agent: AgentName): Promise<void> {
  const { forge, tokens } = parts;
  if (tokens.read(agent) === undefined) return;
  if (await isOurs(parts, agent)) {
    await leaveTeams(forge, agent);
    const as = forge.withPassword(agent, await freshPassword(parts, agent));
    for (const { id } of await as.listTokens()) await as.deleteToken(id);
  }
  tokens.remove(agent);
}

async function leaveTeams(forge: Forge, agent: AgentName): Promise<void> {
  const admin = forge.as("hive-admin");
  for (const { name: org } of organizations)
    for (const { id } of await admin.listTeams(org))
      if (await admin.isTeamMember(id, agent)) await admin.removeTeamMember(id, agent);
}
