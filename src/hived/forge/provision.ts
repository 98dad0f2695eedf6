/**
 * Work `provision`: makes the forge what the plan says, at each start. Every piece is looked at before it is changed, so
 * that a second run changes nothing, and one that was cut off at any line goes on where it was.
 */
import type { AgentRole } from "../../contract/agent.ts";
import type { Drift } from "../../contract/forge.ts";
import type { AgentName, EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { describe } from "../../daemon/fault.ts";
import { note } from "../events/note.ts";
import { type Difference, eachOf, inTurn, inTurnOf, type Kept, keep, type Piece } from "./difference.ts";
import { ForgeRefusal, ForgeUnavailable, isTokenRefused } from "./errors.ts";
import type { ForgeHealthKeeper } from "./health.ts";
import { agentPieces, type KnownAgent, knownAgents, type LayoutParts, layout } from "./layout.ts";
import { type Roster, readRoster } from "./organizations.ts";
import { probeForge } from "./probe.ts";
import { tellRepaired } from "./tell.ts";
import { tryHook } from "./try-hook.ts";

export type ProvisionParts = LayoutParts & {
  health: ForgeHealthKeeper;
  signal: AbortSignal;
};

const turn = ({ forge }: ProvisionParts) => `provision ${forge.url}`;

/**
 * @returns what was not as it should be, and is
 * @throws ForgeUnavailable while the forge is silent; Refusal for what only the operator can mend. Either is shown as the
 *   forge's health, and so is what is being done meanwhile.
 */
export async function provision(parts: ProvisionParts): Promise<Kept> {
  const { core, health } = parts;
  try {
    const kept = await inTurn(turn(parts), () => makeLayout(parts));
    for (const sentence of kept.left) await note(core, sentence);
    await tellRepaired(core, kept.repaired);
    const tryAgain = await tryHookAtStart(parts);
    health.noteWork(null);
    await core.db.write((tx) => {
      if (tryAgain) core.scheduler.enqueue(tx, "try-hook", "", tryAgain.again);
      for (const kind of ["reconcile", "follow-main", "update-docs"]) core.scheduler.enqueue(tx, kind, "");
    });
    return kept;
  } catch (error) {
    if (!(error instanceof ForgeUnavailable && !error.isTokenRefused)) health.noteWork(sentence(error));
    throw error;
  }
}

/** Before the operator is told that all is well. A forge of ours is set up by us to reach our hook. */
async function tryHookAtStart(parts: ProvisionParts): Promise<{ again: EpochMs } | undefined> {
  if (parts.kind !== "external") return undefined;
  parts.health.noteWork("Waiting for a webhook of the forge.");
  return tryHook(parts);
}

const sentence = (error: unknown): string =>
  error instanceof Refusal ? `${error.message} ${error.next}` : `It could not be made ready: ${describe(error)}`;

async function makeLayout(parts: ProvisionParts): Promise<Kept> {
  await probeForge(parts);
  const all: Kept = { repaired: [], left: [] };
  const keepPiece = async (piece: Piece) => {
    const { repaired, left } = await keep(piece, parts.health.noteWork);
    all.repaired.push(...repaired);
    all.left.push(...left);
  };
  for (const stage of layout(parts)) await eachOf(stage, keepPiece);
  const roster = await readRoster(parts.forge);
  await eachOf(knownAgents(parts), async (agent) => {
    const { name } = agent;
    try {
      const isKnown = () => knownAgents(parts).some((known) => known.name === name);
      const kept = await inTurnOf(name, async () => (isKnown() ? keepAgent(parts, agent, roster) : []));
      all.repaired.push(...kept);
    } catch (error) {
      // One agent that the forge refuses must not keep the others waiting: converge says it on the agent itself.
      if (!(error instanceof Refusal || error instanceof ForgeRefusal)) throw error;
      parts.core.log.warn({ agent: name, problem: describe(error) }, "the forge refuses this agent");
    }
  });
  return all;
}

/**
 * An agent's forge user, token and teams; found done when they are there.
 * @throws Refusal when the name is taken by somebody else, or none that the forge takes
 */
export const provisionAgent = (parts: ProvisionParts, name: AgentName, role: AgentRole): Promise<Drift[]> =>
  inTurnOf(name, () => keepAgent(parts, { name, role }));

async function keepAgent(parts: ProvisionParts, agent: KnownAgent, roster?: Roster): Promise<Drift[]> {
  const repaired: Drift[] = [];
  for (const piece of agentPieces(parts, agent, roster))
    repaired.push(...(await keep(piece, () => undefined)).repaired);
  return repaired;
}

/**
 * Looks at all that provisioning makes, and changes nothing.
 * @throws ForgeUnavailable while the forge is silent; Refusal when its admin token will not do
 */
export function checkLayout(parts: ProvisionParts): Promise<Drift[]> {
  return inTurn(turn(parts), async () => {
    await probeForge(parts);
    const found: Drift[] = [];
    const look = async (piece: Piece) => {
      for (const { what, wanted, found: is } of await lookPast(piece, found.length > 0))
        found.push({ what, wanted, found: is });
    };
    for (const stage of layout(parts)) await eachOf(stage, look);
    const roster = await readRoster(parts.forge);
    await eachOf(knownAgents(parts), async (agent) => {
      for (const piece of agentPieces(parts, agent, roster)) await look(piece);
    });
    return found;
  });
}

/** What cannot even be looked at since something else is missing is not told: that is told already. */
async function lookPast(piece: Piece, isSomethingMissing: boolean): Promise<Difference[]> {
  try {
    return await piece.look();
  } catch (error) {
    if (!isSomethingMissing || !(error instanceof ForgeRefusal || isTokenRefused(error))) throw error;
    return [];
  }
}
