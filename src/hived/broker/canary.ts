/**
 * Canaries: harmless messages to an agent's loop. One takes the way of a message (a commit, a wake, the loop's question for
 * work, an answer, a commit) but no turn: so it costs nothing, stands in nobody's inbox, and proves what a message needs but
 * for the coding agent itself.
 *
 *   waiting → well | failed (after `canaryWithinMs`, or without a runner); one that hived forgot in a restart → none
 */
import { randomBytes } from "node:crypto";
import { isUp } from "../../contract/agent.ts";
import { type Canary, canaryWithinMs, type Hop } from "../../contract/canary.ts";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, CanaryId, EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import {
  type AgentRow,
  canaryOf,
  changeAgent,
  findAgent,
  listAgents,
  notUp,
  quietAgents,
  requireAgent,
} from "../agents/agents.ts";
import type { Core, Runner } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { noteIn } from "../events/note.ts";
import { canariesAtOnce, canaryEveryMs } from "./limits.ts";

/** A canary that is on its way; `began` is of the monotonic clock. */
type Flight = { canary: Canary; began: number; landed: PromiseWithResolvers<Canary> };

export type Canaries = {
  /**
   * Sends one, and resolves when it is well or has failed.
   * @param agent null: to every agent that is up and in no turn
   * @throws Refusal when the agent has no loop that could answer, or is in a turn
   */
  send(agent: AgentName | null): Promise<{ agent: AgentName; canary: Canary }[]>;
  /** The canary that an agent's loop gets with its next question for work. */
  take(agent: AgentName): CanaryId | undefined;
  /** The loop has answered. @throws Refusal for one that is not on its way any more */
  answer(agent: AgentName, id: CanaryId): Promise<void>;
  /** Work `canary`: sends some to agents whose loops have not shown themselves for long. */
  sendSome(): Promise<{ again: EpochMs }>;
  /** Work `canary-late`: the time of an agent's canary is over. */
  late(agent: AgentName): Promise<{ again: EpochMs } | undefined>;
};

/** The canaries that are on their way, one for each agent at most. */
function openFlights(core: Core, runner: Pick<Runner, "call">, signal: AbortSignal) {
  const flights = new Map<AgentName, Flight>();
  const put = (tx: Transaction, agent: AgentName, canary: Canary) =>
    changeAgent(tx, core, agent, { canary: JSON.stringify(canary) });

  const launch = async (agent: AgentName): Promise<Flight> => {
    const flying = flights.get(agent);
    if (flying) return flying;
    const id = `canary-${randomBytes(16).toString("hex")}` as CanaryId;
    const sentAt = core.clock.now();
    const flight: Flight = {
      canary: { id, sentAt, state: "waiting", hops: {}, problem: null },
      began: performance.now(),
      landed: Promise.withResolvers(),
    };
    flights.set(agent, flight);
    await core.db.write((tx) => {
      put(tx, agent, flight.canary);
      core.scheduler.enqueue(tx, "canary-late", agent, (sentAt + canaryWithinMs) as EpochMs);
    });
    passed(flight, "committed");
    void push(agent, flight); // a runner that does not answer must hold up nobody: the time of its canary passes
    return flight;
  };
  const push = async (agent: AgentName, flight: Flight) => {
    try {
      await runner.call("wake", { agents: [agent] });
      passed(flight, "pushed");
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      await land(agent, flight, `It could not be pushed: ${error.message}.`);
    }
  };
  /** Writes down how it ended, and tells whoever waits for it. */
  const land = async (agent: AgentName, flight: Flight, problem: string | null) => {
    if (flights.get(agent) !== flight) return;
    flights.delete(agent);
    if (signal.aborted)
      return flight.landed.resolve({ ...flight.canary, state: "failed", problem: "hived was stopped." });
    const state = problem === null ? ("well" as const) : ("failed" as const);
    await core.db.write((tx) => {
      // The last hop ends with this very commit: its time is known only when it has been written.
      put(tx, agent, { ...flight.canary, state, problem });
      if (problem !== null) noteIn(tx, core, `A canary to ${agent} failed. ${problem}`);
    });
    if (problem === null) passed(flight, "handled");
    flight.canary = { ...flight.canary, state, problem };
    flight.landed.resolve(flight.canary);
  };
  return { launch, land, of: (agent: AgentName) => flights.get(agent) };
}

/** @param signal hived stops: what is on its way is forgotten */
export function openCanaries(core: Core, runner: Pick<Runner, "call">, signal: AbortSignal): Canaries {
  const flights = openFlights(core, runner, signal);
  return {
    async send(agent) {
      const rows = core.db.read((reader) =>
        agent === null ? listAgents(reader).filter((row) => whyNot(row) === null) : [requireAgent(reader, agent)],
      );
      for (const row of rows) {
        const refusal = whyNot(row);
        if (refusal) throw refusal;
      }
      return Promise.all(
        rows.map(async ({ name }) => ({ agent: name, canary: await (await flights.launch(name)).landed.promise })),
      );
    },
    take(agent) {
      const flight = flights.of(agent);
      if (flight?.canary.hops.committed === undefined) return undefined;
      passed(flight, "pushed"); // the runner's own answer may be behind the loop's question
      passed(flight, "begun");
      return flight.canary.id;
    },
    async answer(agent, id) {
      const flight = flights.of(agent);
      if (flight?.canary.id !== id)
        throw new Refusal("unknown_canary", `No canary of ${agent} is on its way.`, "Go on without it.");
      passed(flight, "answered");
      await flights.land(agent, flight, null);
    },
    async sendSome() {
      const now = core.clock.now();
      const quiet = { before: now - canaryEveryMs, limit: canariesAtOnce };
      for (const { name } of core.db.read((reader) => quietAgents(reader, quiet))) await flights.launch(name);
      return { again: (now + canaryEveryMs) as EpochMs };
    },
    async late(agent) {
      const flight = flights.of(agent);
      if (flight) {
        const overAt = (flight.canary.sentAt + canaryWithinMs) as EpochMs;
        if (overAt > core.clock.now()) return { again: overAt }; // it was asked for by the one before
        await flights.land(agent, flight, lateness(flight.canary));
        return undefined;
      }
      await core.db.write((tx) => {
        const row = findAgent(tx, agent);
        if (row && canaryOf(row)?.state === "waiting") changeAgent(tx, core, agent, { canary: null });
      });
      return undefined;
    },
  };
}

function passed(flight: Flight, hop: Hop): void {
  if (flight.canary.hops[hop] !== undefined) return;
  const ms = Math.round((performance.now() - flight.began) * 100) / 100;
  flight.canary = { ...flight.canary, hops: { ...flight.canary.hops, [hop]: ms } };
}

function lateness({ hops }: Canary): string {
  const within = `within ${canaryWithinMs / 1000} s`;
  if (hops.pushed === undefined) return `The runner did not take it ${within}.`;
  return hops.begun === undefined
    ? `Its loop did not ask for work ${within} of being woken.`
    : `Its loop got it, and did not answer ${within}.`;
}

/** Why an agent's loop can't be sent a canary; null when it can. */
function whyNot(row: AgentRow): Refusal | null {
  if (row.turn === null) return isUp(row) ? null : notUp(row, "loop");
  return new Refusal(
    "in_turn",
    `${row.name} is in a turn: its loop asks for work again after it.`,
    `Watch the turn: \`hive turns ${row.name}\`.`,
  );
}
