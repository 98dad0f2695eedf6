/**
 * Finds turns that nobody watches any more. The runner ends a turn that gives no sign of life, or takes too long; a turn that
 * it has forgotten would be leased for ever. So what says nothing for more than twice as long as its agent.yaml allows is
 * ended here: its launch, and with that the turn, whose messages are queued again, uncounted.
 *
 * It counts minutes, not the time: neither a clock that was set nor a machine that slept makes a turn silent. No timer while
 * no turn runs.
 */
import { Fault } from "../../contract/fault.ts";
import type { AgentName, TurnId } from "../../contract/names.ts";
import { supervise } from "../../daemon/supervise.ts";
import { type AgentRow, configOf, findAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import { note } from "../events/note.ts";
import { runningTurns } from "./turns.ts";

export type TurnWatch = {
  /** a turn that runs gave a sign of life */
  heard(turn: TurnId): void;
};

const minuteMs = 60_000;

/** The runner takes up to twice the time of silence to notice it, and then a while to end the process. */
const mostMinutes = (row: AgentRow): number => 2 * (configOf(row)?.limits.silence_minutes ?? 0) + 2;

type Parts = {
  core: Core;
  /** ends an agent's launch, and with it the turn */
  restart(agent: AgentRow, problem: string): Promise<void>;
};

/** Watches until the signal is aborted. */
export function openTurnWatch({ core, restart }: Parts, signal: AbortSignal): TurnWatch {
  const silent = new Map<TurnId, { agent: AgentName; minutes: number }>();
  let isWatching = false;

  const look = async (turn: TurnId, { agent, minutes }: { agent: AgentName; minutes: number }) => {
    const row = core.db.read((reader) => findAgent(reader, agent));
    if (row?.turn !== turn) return void silent.delete(turn);
    if (minutes <= mostMinutes(row)) return;
    const problem = `Nothing was heard of a turn of ${agent} for ${minutes} minutes: it was ended, and the agent is started anew.`;
    try {
      await restart(row, problem);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return; // no runner: when it connects it says what it still holds
    }
    silent.delete(turn);
    await note(core, problem);
  };
  const step = async () => {
    while (silent.size > 0 && !signal.aborted) {
      await core.clock.wait(minuteMs, signal);
      for (const [turn, each] of [...silent]) {
        if (signal.aborted) return;
        each.minutes += 1;
        await look(turn, each);
      }
    }
  };
  const watch = (turn: TurnId, agent: AgentName) => {
    silent.set(turn, { agent, minutes: 0 });
    if (isWatching || signal.aborted) return;
    isWatching = true;
    const done = new AbortController();
    const untilNoneRuns = async () => {
      await step();
      isWatching = false;
      done.abort();
    };
    void supervise("watch turns", untilNoneRuns, core.log, AbortSignal.any([signal, done.signal]));
  };
  for (const { id, agent } of core.db.read(runningTurns)) watch(id, agent);
  core.events.watch((facts) => {
    for (const fact of facts) {
      if (fact.kind === "TurnStarted") watch(fact.turn.id, fact.turn.agent);
      if (fact.kind === "TurnEnded") silent.delete(fact.turn.id);
    }
  }, signal);
  return {
    heard(turn) {
      const each = silent.get(turn);
      if (each) each.minutes = 0;
    },
  };
}
