/** hived's broker in this process: a real file, the real clock, and a runner that is called without a socket. */
import { join } from "node:path";
import { pino } from "pino";
import type { TurnEnd } from "../../../src/contract/link.ts";
import type { AgentName, BootId, LaunchId, TurnId } from "../../../src/contract/names.ts";
import { systemClock } from "../../../src/daemon/clock.ts";
import { newTurnId } from "../../../src/hive-runner/turn-id.ts";
import { endTurn } from "../../../src/hived/broker/end-turn.ts";
import { lease } from "../../../src/hived/broker/lease.ts";
import { send } from "../../../src/hived/broker/send.ts";
import { openWaiters } from "../../../src/hived/broker/waiters.ts";
import type { Core, Runner } from "../../../src/hived/core.ts";
import { openDatabase } from "../../../src/hived/database/open.ts";
import type { Disk } from "../../../src/hived/database/sync.ts";
import type { Database } from "../../../src/hived/database/write.ts";
import { openEventLog } from "../../../src/hived/events/event-log.ts";
import { openScheduler, type Scheduler } from "../../../src/hived/work/scheduler.ts";
import { proven } from "../../support/open-broker.ts";
import { addIdleAgent } from "../../support/open-core.ts";

export type BenchAgent = { name: AgentName; launch: LaunchId };
export type Pair = { from: AgentName; to: AgentName };

export const body = "x".repeat(200);
const boot = 1 as BootId;

/** As much as an agent.yaml can allow: anybody may be written to, a turn every second, and as many calls as there can be. */
export const generous = {
  recipients: ["*" as const],
  budgets: { turns_per_hour: 3600, tool_calls_per_minute: 1_000_000 },
};

export type BenchCore = Core & { scheduler: Scheduler };

/** @param wrap looks at all that is asked of the database */
export function openBenchCore(directory: string, disk?: Disk, wrap = (db: Database): Database => db): BenchCore {
  const db = wrap(openDatabase(join(directory, "hive.db"), undefined, disk));
  const events = openEventLog();
  const log = pino({ level: "silent" });
  return { db, events, clock: systemClock, log, scheduler: openScheduler({ db, events, clock: systemClock, log }) };
}

export async function addAgents(core: Core, count: number): Promise<BenchAgent[]> {
  const names = Array.from({ length: count }, (_, number) => `agent-${number}`);
  return Promise.all(names.map((name) => addIdleAgent(core, name, generous)));
}

/** Pairs of agents, each as often as any other: two that write to each other too often would have to rest. */
export function pairsAmong(agents: readonly BenchAgent[]): () => Pair {
  let next = 0;
  const nameAt = (place: number) => (agents[place % agents.length] as BenchAgent).name;
  return () => {
    const from = next % agents.length;
    const step = 1 + (Math.floor(next / agents.length) % (agents.length - 1));
    next += 1;
    return { from: nameAt(from), to: nameAt(from + step) };
  };
}

export const endOf = ({ name, launch }: BenchAgent, turn: TurnEnd["turn"]): TurnEnd => ({
  boot,
  agent: name,
  launch,
  turn,
  outcome: "ok",
  evidence: proven,
  problem: null,
  answeredMarks: [],
  session: "session",
  retryAt: null,
});

/** @returns what sends a letter to the agent at a place, and resolves once the turn that it woke is over and settled */
export function openCycles(
  core: Core,
  agents: readonly BenchAgent[],
  signal: AbortSignal,
): (place: number) => Promise<void> {
  const wakes = new Map<string, () => void>();
  const call = (async (_name: string, request: { agents: AgentName[] }) => {
    for (const name of request.agents) wakes.get(name)?.();
    return {};
  }) as unknown as Runner["call"];
  openWaiters(core, { call }, signal);
  const sent = new Map<string, number>();
  return async (place) => {
    const agent = agents[place % agents.length] as BenchAgent;
    const count = (sent.get(agent.name) ?? 0) + 1;
    sent.set(agent.name, count);
    const from = (agents[(place + 1 + (count % (agents.length - 1))) % agents.length] as BenchAgent).name;
    const woken = new Promise<void>((resolve) => wakes.set(agent.name, resolve));
    await send(core, { from, to: agent.name, body });
    await woken;
    const turn = newTurn();
    const { entries } = await lease(core, { boot, agent: agent.name, launch: agent.launch, turn, limit: 10 });
    if (entries.length === 0) throw new Error(`${agent.name} was woken, and got nothing`);
    await endTurn(core, endOf(agent, turn));
  };
}

/** As the runner makes them. */
export const newTurn = (): TurnId => newTurnId(systemClock.now());
