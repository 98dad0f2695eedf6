/** What goes on when a runner says what it still holds, and what is lost when it doesn't. */
import type { AgentName, LaunchId, TurnId } from "../../contract/names.ts";
import { changeAgent, requireAgent } from "../agents/agents.ts";
import { aliveLaunches, endLaunch, type LaunchRow } from "../agents/launches.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { releaseTurn } from "./end-turn.ts";
import { runningTurns } from "./turns.ts";

export type Held = { launch: LaunchId; agent: AgentName; turn: TurnId | null };

/** Told in the transaction that loses a launch, so that the agent is brought to what it should be. */
export type OnLost = (tx: Transaction, agent: AgentName, problem: string | null) => void;

/**
 * Keeps what is held and known: a turn so goes on over a restart of hived, or a broken link. Ends every other launch, and
 * releases every other turn: the runner says that its process is gone, or has been away for too long to have kept it.
 */
export function adopt(
  tx: Transaction,
  core: Core,
  { held, problem, onLost }: { held: Held[]; problem: string; onLost: OnLost },
): { adopted: LaunchId[]; lost: LaunchId[] } {
  const alive = aliveLaunches(tx);
  const isHeld = new Set(held.map(({ launch }) => launch));
  const adopted = alive.filter(({ id }) => isHeld.has(id));
  const lost = alive.filter(({ id }) => !isHeld.has(id));
  const isAdopted = new Set(adopted.map(({ id }) => id));
  const turnOf = new Map(held.map(({ launch, turn }) => [launch, turn]));
  for (const { id, launch } of runningTurns(tx)) {
    const goesOn = isAdopted.has(launch) && turnOf.get(launch) === id;
    if (!goesOn) releaseTurn(tx, core, id, problem);
  }
  for (const launch of lost) {
    endLaunch(tx, core, launch.id, null); // that its runner went says nothing of the process
    loseLaunch(tx, core, launch, problem, onLost);
  }
  return { adopted: adopted.map(({ id }) => id), lost: lost.map(({ id }) => id) };
}

/**
 * A launch whose process is gone: its turn is released, its agent has no process.
 * @param problem null when it was asked for
 */
export function loseLaunch(
  tx: Transaction,
  core: Core,
  launch: LaunchRow,
  problem: string | null,
  onLost: OnLost,
): void {
  endLaunch(tx, core, launch.id, problem);
  const why = problem ?? "Its process was ended.";
  for (const turn of runningTurns(tx)) if (turn.launch === launch.id) releaseTurn(tx, core, turn.id, why);
  const agent = requireAgent(tx, launch.agent);
  if (agent.launch !== launch.id) return;
  const wasUp = agent.state === "idle" || agent.state === "working" || agent.state === "parked";
  changeAgent(tx, core, agent.name, {
    launch: null,
    turn: null,
    ...(wasUp && { state: "converging" as const, problem }),
  });
  onLost(tx, agent.name, problem);
}
