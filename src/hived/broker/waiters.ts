/**
 * Tells the runner who has mail, in the tick of the commit that brought it. The rows are the truth and a wake only a
 * hint: one that gets lost is made good when the runner connects, and when the agent next asks.
 */
import type { Fact } from "../../contract/facts.ts";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, EpochMs } from "../../contract/names.ts";
import { type AgentRow, changeAgent, findAgent, listAgents } from "../agents/agents.ts";
import type { Core, Runner } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { Handler } from "../work/scheduler.ts";
import { endBackoff } from "./inbox.ts";
import { headDueAt, nextBackoff } from "./queues.ts";

/** Work `wake`: an agent's backoff, or its rest, will be over then. */
export const enqueueWake = (tx: Transaction, core: Core, agent: AgentName, due: EpochMs): void =>
  core.scheduler.enqueue(tx, "wake", agent, due);

export type Waiters = {
  /** Wakes every agent that has mail and could work on it: for a runner that has just connected. */
  wakeAll(): void;
  /** the handler of work `wake` */
  wake: Handler;
};

/** Watches the event log for whatever gives an agent something to do, until the signal is aborted. */
export function openWaiters(core: Core, runner: Pick<Runner, "call">, signal: AbortSignal): Waiters {
  const tell = (agents: AgentName[]) => {
    if (agents.length === 0) return;
    runner.call("wake", { agents }).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error; // no runner: it is told of all mail when it connects
    });
  };
  core.events.watch((facts) => {
    const gainers = gainersOf(facts);
    if (gainers.size === 0) return;
    const now = core.clock.now();
    const agents = core.db.read((reader) =>
      [...gainers].flatMap(([name, isSure]) => {
        const row = findAgent(reader, name);
        const isWoken = row && (isSure ? isFree(row, now) : canStart(reader, row, now));
        return isWoken ? [row.name] : [];
      }),
    );
    tell(agents);
  }, signal);
  return {
    wakeAll() {
      const now = core.clock.now();
      const agents = core.db.read((reader) => listAgents(reader).filter((row) => canStart(reader, row, now)));
      tell(agents.map(({ name }) => name));
    },
    wake: {
      atOnce: 16,
      async run(name) {
        const later = await core.db.write((tx) => endRest(tx, core, name));
        const row = core.db.read((reader) => findStartable(reader, name, core.clock.now()));
        tell(row ? [row.name] : []);
        return later;
      },
    },
  };
}

/**
 * Whom facts may give something to do: the recipient of a queued entry, an agent that became idle. True: it need not be
 * looked for, as what was just sent waits for nothing, unless an older one does, and then it was woken for nothing.
 */
function gainersOf(facts: readonly Fact[]): Map<string, boolean> {
  const gainers = new Map<string, boolean>();
  const note = (name: string, isSure: boolean) => gainers.set(name, isSure || gainers.get(name) === true);
  for (const fact of facts) {
    if (fact.kind === "MessageSent") for (const name of fact.queued?.recipients ?? []) note(name, true);
    if (fact.kind === "EntryChanged" && fact.entry.state === "queued") note(fact.entry.recipient, false);
    if (fact.kind === "AgentChanged" && fact.agent.state === "idle") note(fact.agent.name, false);
    if (fact.kind === "TurnEnded") note(fact.turn.agent, false);
  }
  return gainers;
}

/** Whether a lease would be given now. */
export function isFree(row: AgentRow, now: EpochMs): boolean {
  return row.state === "idle" && row.launch !== null && row.turn === null && (row.retry_at ?? 0) <= now;
}

/** The agent's row when a lease would give it something now. */
export function findStartable(reader: Reader, name: string, now: EpochMs): AgentRow | undefined {
  const row = findAgent(reader, name);
  return row && canStart(reader, row, now) ? row : undefined;
}

function canStart(reader: Reader, row: AgentRow, now: EpochMs): boolean {
  const dueAt = isFree(row, now) ? headDueAt(reader, row.name) : undefined;
  return dueAt !== undefined && dueAt <= now;
}

/** Ends the rest and the backoffs that are over; answers with the time of the next one, while there is one. */
function endRest(tx: Transaction, core: Core, name: string): { again: EpochMs } | undefined {
  const row = findAgent(tx, name);
  if (!row) return undefined;
  const now = core.clock.now();
  for (const entry of endBackoff(tx, row.name, now)) core.events.append(tx, { kind: "EntryChanged", entry }, now);
  const isResting = row.retry_at !== null && row.retry_at > now;
  if (!isResting) {
    const isRested = row.state === "parked" && row.retry_at !== null;
    changeAgent(tx, core, row.name, isRested ? { state: "idle", problem: null, retry_at: null } : { retry_at: null });
  }
  const waits = [isResting ? row.retry_at : null, nextBackoff(tx, row.name)].filter((at) => at !== null);
  return waits.length > 0 ? { again: Math.min(...waits) as EpochMs } : undefined;
}
