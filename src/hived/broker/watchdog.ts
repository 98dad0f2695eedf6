/**
 * Finds lost wakes: an agent that is up, idle and has something to do, and has not asked for it although it was told to. Its
 * loop is woken once more and, when that is of no use either, started anew.
 *
 *   woken → (it takes a turn, or is idle no more) → forgotten
 *   woken → (the bound passes) → lost: noted, woken again → (the bound passes) → lost: noted, its launch ends → …
 *
 * One timer at most, and none while nobody has been woken: agents without mail cost nothing.
 */
import { Fault } from "../../contract/fault.ts";
import type { runnerCalls } from "../../contract/link.ts";
import type { AgentName, EpochMs } from "../../contract/names.ts";
import type { RequestOf } from "../../contract/table.ts";
import { supervise } from "../../daemon/supervise.ts";
import { type AgentRow, changeAgent, findAgent } from "../agents/agents.ts";
import type { Core, Runner } from "../core.ts";
import { noteIn } from "../events/note.ts";
import { wakeWithinMs } from "./limits.ts";
import { findStartable } from "./waiters.ts";

export type Watchdog = {
  /** The runner; whoever is woken through it is watched. */
  runner: Pick<Runner, "call">;
};

type Parts = {
  core: Core;
  runner: Pick<Runner, "call">;
  /** ends an agent's launch, so that it gets another */
  restart(agent: AgentRow, problem: string): Promise<void>;
};

type WakeRequest = RequestOf<typeof runnerCalls.wake>;
type Woken = { since: EpochMs; times: number };

/** Watches until the signal is aborted. */
export function openWatchdog({ core, runner, restart }: Parts, signal: AbortSignal): Watchdog {
  const waiting = new Map<AgentName, Woken>(); // in the order of their times, as one that is there is left in its place
  let isWatching = false;

  core.events.watch((facts) => {
    for (const fact of facts) {
      if (fact.kind === "AgentChanged" && fact.agent.state !== "idle") waiting.delete(fact.agent.name);
      if (fact.kind === "TurnStarted") waiting.delete(fact.turn.agent);
    }
  }, signal);

  const watch = async () => {
    for (let [first] = waiting; first && !signal.aborted; [first] = waiting) {
      const [agent, woken] = first;
      await core.clock.wait(woken.since + wakeWithinMs - core.clock.now(), signal);
      if (signal.aborted || waiting.get(agent) !== woken) continue;
      if (core.clock.now() < woken.since + wakeWithinMs) continue; // a timer was cut, or the clock set back
      waiting.delete(agent);
      await look(agent, woken.times);
    }
    isWatching = false;
  };
  const look = async (agent: AgentName, times: number) => {
    const row = core.db.read((reader) => findStartable(reader, agent, core.clock.now()));
    if (!row) return;
    try {
      if (times > 1) await restart(row, `${agent} did not wake up although there were messages for it.`);
      else await runner.call("wake", { agents: [agent] });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return; // no runner: it is told of all mail when it connects
    }
    note(agent, times + 1);
    await core.db.write((tx) => {
      const { lost_wakes } = findAgent(tx, agent) ?? row;
      changeAgent(tx, core, agent, { lost_wakes: lost_wakes + 1, lost_wake_at: core.clock.now() });
      const cure = times > 1 ? "it was started anew" : "it was woken again";
      const text = `${agent} did not ask for its messages within ${wakeWithinMs / 1000} s although it was idle: ${cure}.`;
      noteIn(tx, core, text);
    });
  };
  const note = (agent: AgentName, times: number) => {
    if (signal.aborted || waiting.has(agent)) return;
    waiting.set(agent, { since: core.clock.now(), times });
    if (isWatching) return;
    isWatching = true;
    const done = new AbortController();
    const step = async () => {
      await watch();
      done.abort();
    };
    void supervise("watch for lost wakes", step, core.log, AbortSignal.any([signal, done.signal]));
  };
  const call: Runner["call"] = (name, request) => {
    if (name === "wake") for (const agent of (request as WakeRequest).agents) note(agent, 1);
    return runner.call(name, request);
  };
  return { runner: { call } };
}
