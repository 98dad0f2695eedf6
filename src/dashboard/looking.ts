/** What the page at a place shows beyond the state of the hive: an agent's older turns, its versions, a turn's record, its log as it grows. */
import { Fault } from "../contract/fault.ts";
import type { AgentName, TurnId } from "../contract/names.ts";
import { Refusal } from "../contract/refusal.ts";
import { routes } from "../contract/routes.ts";
import { addToLog } from "../contract/turn-log.ts";
import { readTurn, readTurns, readVersions } from "./calls.ts";
import { pause } from "./connection.ts";
import type { Place } from "./place.ts";
import type { Store, View } from "./store.ts";

const pauseMs = 2_000;

/** Runs until all is loaded that the place shows, or the signal is aborted; a running turn is followed to its end. */
export async function look(store: Store, place: Place, signal: AbortSignal): Promise<void> {
  store.show({ place, turns: null, versions: null, record: null, problem: null });
  while (!signal.aborted) {
    await until(store, ({ hive }) => hive !== null, signal);
    try {
      if (place.kind === "agent") return await lookAtAgent(store, place.agent, signal);
      if (place.kind === "turn") return await lookAtTurn(store, place, signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal) return store.show({ problem: `${error.message} ${error.next}` });
      if (!(error instanceof Fault)) throw error;
      store.show({ problem: `${error.message} It is tried again by itself.` });
      await pause(pauseMs, signal);
    }
  }
}

/** Its newest turns, which events then add to, and its versions, read again whenever its row tells of another. */
async function lookAtAgent(store: Store, name: AgentName, signal: AbortSignal): Promise<void> {
  const turns = store.view().turns ?? (await readTurns(name, null)); // those that were loaded stay when this is tried again
  if (!signal.aborted) store.show({ turns });
  const versionsOf = ({ hive }: View) => {
    const agent = hive?.agents.find((row) => row.name === name);
    return agent && [agent.wantedTree, agent.deployment, agent.difference, agent.state === "failed"].join();
  };
  while (!signal.aborted) {
    const seen = versionsOf(store.view());
    const versions = await readVersions(name);
    if (!signal.aborted) store.show({ versions, problem: null });
    await until(store, (view) => view.hive !== null && versionsOf(view) !== seen, signal);
  }
}

/** The page of turns after those that are shown. */
export async function showOlder(store: Store, agent: AgentName, before: TurnId): Promise<void> {
  const older = await readTurns(agent, before);
  const { turns, place } = store.view();
  if (turns && place.kind === "agent" && place.agent === agent)
    store.show({ turns: { turns: [...turns.turns, ...older.turns], more: older.more } });
}

type TurnPlace = Place & { kind: "turn" };

async function lookAtTurn(store: Store, { agent, turn }: TurnPlace, signal: AbortSignal): Promise<void> {
  const hasEnded = ({ hive }: View) => {
    const known = hive?.turns.find(({ id }) => id === turn); // not there when a hundred others have begun since
    return known ? known.endedAt !== null : hive?.agents.find(({ name }) => name === agent)?.turn !== turn;
  };
  for (;;) {
    const isOver = hasEnded(store.view());
    const record = await readTurn(agent, turn);
    if (signal.aborted) return;
    store.show({ record: { ...record, log: record.log ?? store.view().record?.log ?? null }, problem: null });
    if (isOver || record.turn.endedAt !== null) return;
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    follow(store, turn, either);
    await until(store, hasEnded, signal);
    done.abort();
  }
}

/** Adds to the shown log what the agent does, until the signal is aborted. A break is mended by the browser. */
function follow(store: Store, turn: TurnId, signal: AbortSignal): void {
  const source = new EventSource(`/api/turn?id=${turn}`);
  signal.addEventListener("abort", () => source.close(), { once: true });
  source.onmessage = ({ data }: MessageEvent<string>) => {
    const said = routes.watchTurn.response.parse(JSON.parse(data));
    const { record } = store.view();
    if (!record || record.turn.id !== turn) return;
    if (said.kind === "log") store.show({ record: { ...record, log: said.log } });
    else if (record.log) store.show({ record: { ...record, log: addToLog(record.log, said.batch) } });
  };
}

/** Resolves when the view is so, or the signal is aborted. */
function until(store: Store, isSo: (view: View) => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!signal.aborted && !isSo(store.view())) return;
      leave();
      signal.removeEventListener("abort", look);
      resolve();
    };
    const leave = store.watch(look);
    signal.addEventListener("abort", look);
    look();
  });
}
