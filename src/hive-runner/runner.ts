/**
 * The runner: connects to hived for ever, tells it on each connection what it holds, and carries out what it asks.
 *
 *   away → (connect, hold) → connected: what was not adopted is ended → (link breaks) → away
 *   away for longer than `adoptWithinMs` → running turns are killed, once; idle agents stay
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../contract/fault.ts";
import type { Place } from "../contract/launch.ts";
import { adoptWithinMs, hivedCalls, runnerCalls } from "../contract/link.ts";
import type { RunnerConfig } from "../contract/programs.ts";
import type { Clock } from "../daemon/clock.ts";
import { describe, isOutsideFault } from "../daemon/fault.ts";
import type { Log } from "../daemon/log.ts";
import { supervise } from "../daemon/supervise.ts";
import { connectLink, type LinkHandlers, speak } from "../rpc/link.ts";
import { prepareAgent, prepareDocs, sweep, updateDocs } from "./agent-files.ts";
import { readPrompt } from "./agent-prompt.ts";
import { examine } from "./examine/examine.ts";
import { openHived } from "./hived.ts";
import { writeSecrets } from "./launch.ts";
import { type Launches, openLaunches } from "./launches.ts";
import { findPlace } from "./place.ts";

export type Runner = { place: Place; stop(): Promise<void> };

type Parts = {
  log: Log;
  clock: Clock;
  /** what is here; found out by trying unless somebody knows already */
  place?: Place;
};

/** hived may be back at any moment, and turns are waiting to be adopted. */
const longestPauseMs = 1_000;

export async function startRunner(config: RunnerConfig, { log, clock, place: known }: Parts): Promise<Runner> {
  await mkdir(config.agentsRoot, { recursive: true });
  await mkdir(config.sharedRoot, { recursive: true });
  await prepareDocs(config.docsRoot);
  await sweep(config.agentsRoot);
  const place = known ?? (await findPlace(config));
  const hived = openHived(clock);
  const { launchesRoot, privateRoot } = config;
  const launches = openLaunches({
    ...{ hived, clock, log, launchesRoot, privateRoot },
    readPrompt: ({ agent, tree, spec }) =>
      readPrompt(config, { agent, tree, values: spec.prompt, driver: spec.driver }),
  });
  const handlers: LinkHandlers<typeof runnerCalls> = {
    ...handlersOf(config, launches),
    examine: async ({ launch, secrets, ...asked }) => {
      await faulty(writeSecrets(join(launchesRoot, launch), secrets));
      return {
        findings: await faulty(examine(asked, { node: place.node, clock })),
      };
    },
  };
  const stopping = new AbortController();

  const connectOnce = async (signal: AbortSignal) => {
    const socket = await connectLink(config.runnerSocket);
    const peer = speak(socket, runnerCalls, handlers, hivedCalls, (error, call) =>
      log.error({ err: error, call }, "a call of hived failed"),
    );
    const close = () => peer.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      const { boot, adopted } = await peer.call("hold", { place, launches: launches.held() });
      back();
      launches.keepOnly(adopted);
      hived.connect(peer, boot);
      log.info({ boot, adopted: adopted.length }, "connected to hived");
      await peer.closed;
    } finally {
      close(); // hived may have failed to take over what is held: the next connection is to be the only one
      signal.removeEventListener("abort", close);
    }
    hived.disconnect();
    goAway();
    if (!signal.aborted) throw new Fault("the link to hived broke");
  };

  let returned = new AbortController();
  const back = () => returned.abort();
  const goAway = () => {
    returned = new AbortController();
    const { signal } = returned;
    void clock.wait(adoptWithinMs, signal).then(() => {
      if (!signal.aborted) launches.giveUpTurns();
    });
  };
  const linked = supervise("link to hived", connectOnce, log, stopping.signal, longestPauseMs);
  return {
    place,
    async stop() {
      await launches.close();
      back();
      stopping.abort();
      await linked;
    },
  };
}

function handlersOf(config: RunnerConfig, launches: Launches): Omit<LinkHandlers<typeof runnerCalls>, "examine"> {
  return {
    prepareAgent: async (request) => done(prepareAgent(config, request)),
    launch: async (launch) => ({ session: await faulty(launches.start(launch)) }),
    stopLaunch: async ({ launch, now }) => ({
      ended: await faulty(launches.stop(launch, now ? "now" : "after its turn")),
    }),
    renewSecrets: async ({ launch, secrets }) => done(launches.renewSecrets(launch, secrets)),
    readPrompt: (request) => faulty(readPrompt(config, request)),
    wake: async ({ agents }) => {
      launches.wake(agents);
      return {};
    },
    cancelTurn: async ({ turn, requeues }) => {
      launches.cancelTurn(turn, requeues);
      return {};
    },
    changeConversation: ({ launch, change }) => faulty(launches.changeConversation(launch, change)),
    login: ({ launch, step }) => faulty(launches.login(launch, step)),
    readTurnLog: async ({ turn }) => ({ log: launches.logOf(turn) }),
    markReceived: async ({ turn, mark }) => done(launches.markReceived(turn, mark)),
    updateDocs: async (request) => done(updateDocs(config.docsRoot, request)),
  };
}

const done = async (work: Promise<void>) => {
  await faulty(work);
  return {};
};

/** What the machine could not do just now crosses the link as a fault. */
async function faulty<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw isOutsideFault(error) ? new Fault(describe(error), { cause: error }) : error;
  }
}
