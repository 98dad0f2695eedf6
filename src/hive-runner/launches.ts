/** The launches that this runner holds, and what hived asks of them. */

import type { ConversationChange } from "../contract/conversation.ts";
import { Fault } from "../contract/fault.ts";
import type { Launch } from "../contract/launch.ts";
import type { hivedCalls, runnerCalls } from "../contract/link.ts";
import type { LoginStep } from "../contract/login.ts";
import type { AgentName, LaunchId, TurnId } from "../contract/names.ts";
import type { RequestOf, ResponseOf } from "../contract/table.ts";
import type { TurnLog } from "../contract/turn-log.ts";
import { type Changed, type LoopParts, launchOver, TurnLoop, turnOver } from "./turn-loop.ts";

export type Launches = {
  /**
   * Starts one, and resolves with its conversation when it is idle; found done when it is there.
   * @throws Fault when it is there, but ending
   */
  start(launch: Launch): Promise<string | null>;
  /** Ends one, after its running turn unless that is to be cut off. @returns whether it has ended; if not, hived is told when */
  stop(launch: LaunchId, when: "after its turn" | "now"): Promise<boolean>;
  /** Replaces files of a launch's directory; nothing when there is no such launch any more. */
  renewSecrets(launch: LaunchId, secrets: Launch["secrets"]): Promise<void>;
  wake(agents: readonly AgentName[]): void;
  /** Ends a turn for the operator. @throws Refusal when it does not run here */
  cancelTurn(turn: TurnId, requeues: boolean): void;
  /** @throws Refusal in a turn, where there is no such launch, and where the coding agent has no such thing */
  changeConversation(launch: LaunchId, change: ConversationChange): Promise<Changed>;
  /** Signs its agent in. @throws Refusal where there is no such launch, and in the words of its coding agent */
  login(launch: LaunchId, step: LoginStep): Promise<ResponseOf<typeof runnerCalls.login>>;
  markReceived(turn: TurnId, mark: number): Promise<void>;
  /** What the agent has done so far in a running turn; null when that does not run here. */
  logOf(turn: TurnId): TurnLog | null;
  /** what hived is told on each connection */
  held(): RequestOf<typeof hivedCalls.hold>["launches"];
  /** Ends what hived does not know. */
  keepOnly(adopted: readonly LaunchId[]): void;
  /** Kills the running turns and their launches: hived has been away for so long that it will give them to others. */
  giveUpTurns(): void;
  /** Ends all: running turns are cut off and reported, as far as hived hears it within the time. */
  close(): Promise<void>;
};

/** Time for everything to end in order, and for each step of the ladder of a cut, when the runner stops. */
const closeWithinMs = 2_500;
const closeRungMs = 700;

export function openLaunches(parts: LoopParts): Launches {
  const loops = new Map<LaunchId, TurnLoop>();
  const all = () => [...loops.values()];
  const withTurn = (turn: TurnId) => all().find((loop) => loop.turn === turn);
  return {
    async start(launch) {
      const there = loops.get(launch.launch);
      if (there?.isStopping) throw new Fault(`${launch.agent}'s process is ending: it can be started anew after that`);
      if (there) return there.opened;
      const others = all().filter(({ agent }) => agent === launch.agent);
      const loop = new TurnLoop(launch, parts, Promise.all(others.map((other) => other.stop())));
      loops.set(launch.launch, loop);
      void loop.over.then(() => loops.delete(launch.launch));
      return loop.opened;
    },
    async stop(launch, when) {
      const loop = loops.get(launch);
      if (when === "after its turn" && loop?.stopAfterTurn()) return false;
      await loop?.stop();
      return true;
    },
    async renewSecrets(launch, secrets) {
      await loops.get(launch)?.renewSecrets(secrets);
    },
    wake(agents) {
      for (const loop of all()) if (agents.includes(loop.agent)) loop.wake();
    },
    cancelTurn(turn, requeues) {
      const loop = withTurn(turn);
      if (!loop) throw turnOver();
      loop.cancel(turn, requeues);
    },
    async changeConversation(launch, change) {
      const loop = loops.get(launch);
      if (!loop) throw launchOver();
      return loop.change(change);
    },
    async login(launch, step) {
      const loop = loops.get(launch);
      if (!loop) throw launchOver();
      return loop.login(step);
    },
    async markReceived(turn, mark) {
      const loop = withTurn(turn);
      if (!loop) throw turnOver();
      await loop.markReceived(turn, mark);
    },
    logOf: (turn) => withTurn(turn)?.logOf(turn) ?? null,
    held: () =>
      all()
        .filter((loop) => !loop.isAbandoned)
        .map(({ launch, agent, turn }) => ({ launch, agent, turn })),
    keepOnly(adopted) {
      for (const loop of all()) if (!adopted.includes(loop.launch)) void loop.abandon();
    },
    giveUpTurns() {
      for (const loop of all()) {
        if (!loop.isRunning) continue;
        parts.log.error({ agent: loop.agent, turn: loop.turn }, "hived is away for too long: the turn is killed");
        void loop.abandon();
      }
    },
    async close() {
      const timer = new AbortController();
      const inOrder = Promise.all(all().map((loop) => loop.stop(closeRungMs)));
      await Promise.race([inOrder, parts.clock.wait(closeWithinMs, timer.signal)]);
      timer.abort();
      await Promise.all(all().map((loop) => loop.abandon()));
    },
  };
}
