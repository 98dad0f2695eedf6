/**
 * hived's end of the link to the runner: one runner at a time, which says first what it still holds.
 *
 *   no runner → (hold) → connected → (link breaks) → waiting for T and a margin → (nobody came) its launches are lost
 *
 * A runner that is back within T finds its turns as they were; until T and the margin are over, nothing that it may still
 * be working on is leased to anybody.
 */
import { Fault } from "../../contract/fault.ts";
import type { Place } from "../../contract/launch.ts";
import { adoptMarginMs, adoptWithinMs, hivedCalls, runnerCalls } from "../../contract/link.ts";
import type { BootId, LaunchId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { stopped } from "../../daemon/stop.ts";
import { supervise } from "../../daemon/supervise.ts";
import { acceptLinks, type LinkHandlers, type Peer, speak } from "../../rpc/link.ts";
import type { AgentRow } from "../agents/agents.ts";
import { findLaunch } from "../agents/launches.ts";
import { adopt, type Held, loseLaunch, type OnLost } from "../broker/adopt.ts";
import { type Canaries, openCanaries } from "../broker/canary.ts";
import { endTurn } from "../broker/end-turn.ts";
import { lease, type Nudges } from "../broker/lease.ts";
import { type Live, openLive } from "../broker/live.ts";
import { openTurnWatch } from "../broker/turn-watch.ts";
import { openWaiters } from "../broker/waiters.ts";
import { openWatchdog } from "../broker/watchdog.ts";
import type { Core, Runner } from "../core.ts";
import type { Handler } from "../work/scheduler.ts";
import { prepareSocket } from "./socket-directory.ts";

export type RunnerLinkParts = {
  core: Core;
  boot: BootId;
  socketPath: string;
  /** an agent's process is gone: told in that transaction */
  launchLost: OnLost;
  /** the same, told after the commit: its socket is of no use any more */
  launchOver(launch: LaunchId): void;
  /** a runner is there and can be called */
  runnerConnected(): void;
  /** left out: no lease mentions anything */
  nudges?: Nudges;
};

export type RunnerLink = {
  runner: Runner;
  /** the handler of work `wake` */
  wake: Handler;
  canaries: Canaries;
  live: Live;
  /** Lets runners in; what was running before this start is waited for from now on. */
  listen(): Promise<void>;
  close(): Promise<void>;
};

/** The runner that has said what it holds; `isReady` once it knows the answer. */
type Holder = { peer: Peer<typeof runnerCalls>; place: Place; isReady: boolean };

const away = "The runner was away for too long.";
const startedAnew = "The runner was started anew.";

export function openRunnerLink(parts: RunnerLinkParts): RunnerLink {
  const { core } = parts;
  const closing = new AbortController();
  let holder: Holder | undefined;
  let absence = new AbortController();
  let server: { close(): Promise<void> } | undefined;

  const connected = (): Holder => {
    if (holder?.isReady) return holder;
    throw new Fault("no runner is connected");
  };
  const runner: Runner = {
    place: () => connected().place,
    call: async (name, request) => connected().peer.call(name, request),
  };
  const restart = async ({ launch }: AgentRow, problem: string) => {
    if (launch === null) return;
    await runner.call("stopLaunch", { launch, now: true });
    await over(parts, launch, problem);
  };
  const watchdog = openWatchdog({ core, runner, restart }, closing.signal);
  const turnWatch = openTurnWatch({ core, restart }, closing.signal);
  const waiters = openWaiters(core, watchdog.runner, closing.signal);
  const canaries = openCanaries(core, runner, closing.signal);
  const live = openLive();

  const waitForRunner = () => {
    absence = new AbortController();
    const signal = AbortSignal.any([absence.signal, closing.signal]);
    const giveUp = async () => {
      await core.clock.wait(adoptWithinMs + adoptMarginMs, signal);
      if (signal.aborted) return;
      await keep(parts, [], away);
      await stopped(signal);
    };
    void supervise("wait for a runner", giveUp, core.log, signal);
  };
  const hold = async (peer: Holder["peer"], place: Place, held: Held[]) => {
    if (holder && holder.peer !== peer) holder.peer.close();
    const own: Holder = { peer, place, isReady: false };
    holder = own;
    absence.abort();
    const adopted = await keep(parts, held, startedAnew);
    // After the answer is written: nobody calls a runner that does not know yet what it may keep.
    setImmediate(() => {
      if (holder !== own) return;
      own.isReady = true;
      core.log.info({ adopted: adopted.length }, "a runner is connected");
      parts.runnerConnected();
      waiters.wakeAll();
    });
    return { boot: parts.boot, adopted };
  };
  const gone = (peer: Holder["peer"]) => {
    if (holder?.peer !== peer || closing.signal.aborted) return;
    holder = undefined;
    core.log.warn("the link to the runner broke");
    waitForRunner();
  };
  const check = (peer: Holder["peer"], boot: BootId) => {
    if (holder?.peer === peer && boot === parts.boot) return;
    throw new Refusal(
      "stale_boot",
      "This is not a call of the connected runner.",
      "Say what you hold, then call again.",
    );
  };
  return {
    runner,
    wake: waiters.wake,
    canaries,
    live,
    async listen() {
      prepareSocket(parts.socketPath);
      waitForRunner();
      server = await acceptLinks(parts.socketPath, (socket) => {
        const onBug = (error: unknown, call: string) =>
          core.log.error({ err: error, call }, "a call of the runner failed");
        const handlers = handlersOf(parts, {
          hold: (place, held) => hold(peer, place, held),
          check: (boot) => check(peer, boot),
          canaries,
          reportLive(turn, batch) {
            turnWatch.heard(turn);
            live.report(turn, batch);
          },
        });
        const peer = speak(socket, hivedCalls, handlers, runnerCalls, onBug);
        void peer.closed.then(() => gone(peer));
      });
    },
    async close() {
      closing.abort();
      await server?.close();
    },
  };
}

/** Keeps what the runner holds; everything else is lost, with its socket. */
async function keep({ core, launchLost, launchOver }: RunnerLinkParts, held: Held[], problem: string) {
  const { adopted, lost } = await core.db.write((tx) => adopt(tx, core, { held, problem, onLost: launchLost }));
  for (const launch of lost) launchOver(launch);
  return adopted;
}

type Connection = {
  hold(place: Place, held: Held[]): Promise<{ boot: BootId; adopted: LaunchId[] }>;
  /** @throws Refusal for a call of another boot, or of a runner that was replaced */
  check(boot: BootId): void;
  canaries: Canaries;
  reportLive: Live["report"];
};

/** The process of a launch is gone; once only. */
async function over({ core, launchLost, launchOver }: RunnerLinkParts, launch: LaunchId, problem: string | null) {
  const isNews = await core.db.write((tx) => {
    const row = findLaunch(tx, launch);
    if (!row || row.ended_at !== null) return false;
    loseLaunch(tx, core, row, problem, launchLost);
    return true;
  });
  if (isNews) launchOver(launch);
}

function handlersOf(
  parts: RunnerLinkParts,
  { hold, check, canaries, reportLive }: Connection,
): LinkHandlers<typeof hivedCalls> {
  const { core } = parts;
  return {
    hold: ({ place, launches }) => hold(place, launches),
    async lease(request) {
      check(request.boot);
      const canary = canaries.take(request.agent);
      const leased = await lease(core, request, parts.nudges);
      return canary ? { ...leased, canary } : leased;
    },
    async answerCanary({ boot, agent, canary }) {
      check(boot);
      await canaries.answer(agent, canary);
      return {};
    },
    async endTurn(end) {
      check(end.boot);
      await endTurn(core, end);
      return {};
    },
    async launchEnded({ boot, launch, problem }) {
      check(boot);
      await over(parts, launch, problem);
      return {};
    },
    async reportLive({ boot, turn, batch }) {
      check(boot);
      reportLive(turn, batch);
      return {};
    },
  };
}
