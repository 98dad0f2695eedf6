/** hived's broker as main.ts wires it, for a test: the runner's socket, the wakes, and runners that the test plays itself. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Place } from "../../src/contract/launch.ts";
import { type hivedCalls as HivedCalls, hivedCalls, runnerCalls, type TurnEnd } from "../../src/contract/link.ts";
import type { AgentName, BootId, LaunchId, TurnId } from "../../src/contract/names.ts";
import type { RequestOf, ResponseOf } from "../../src/contract/table.ts";
import type { TurnLog } from "../../src/contract/turn-log.ts";
import type { AgentRow } from "../../src/hived/agents/agents.ts";
import type { Held } from "../../src/hived/broker/adopt.ts";
import type { Runner } from "../../src/hived/core.ts";
import { countBoot } from "../../src/hived/database/meta.ts";
import { openRunnerLink, type RunnerLink } from "../../src/hived/sockets/runner-link.ts";
import type { Handler } from "../../src/hived/work/scheduler.ts";
import { connectLink, type LinkHandlers, type Peer, speak } from "../../src/rpc/link.ts";
import { openCore, type TestCore } from "./open-core.ts";

type RunnerCall = {
  [Name in keyof typeof runnerCalls]: { name: Name; request: RequestOf<(typeof runnerCalls)[Name]> };
}[keyof typeof runnerCalls];

/** A runner played by the test; it keeps what hived asks of it. */
export type PlayedRunner = {
  hived: Peer<typeof HivedCalls>;
  boot: BootId;
  adopted: LaunchId[];
  calls: RunnerCall[];
  /** Resolves with the next call of that name that fits, or one that has come already and was not taken yet. */
  take<Name extends RunnerCall["name"]>(name: Name): Promise<RequestOf<(typeof runnerCalls)[Name]>>;
  /** what a call does before it is answered; throwing refuses it */
  before: Partial<Record<RunnerCall["name"], () => void>>;
  /** what it answers about a launch that is to end: not before its running turn has, when false */
  endsAtOnce: boolean;
  /** what it answers about running turns */
  logs: Map<TurnId, TurnLog>;
  lease(
    agent: AgentRow,
    turn?: TurnId,
    limit?: number,
  ): Promise<ResponseOf<typeof hivedCalls.lease> & { turn: TurnId }>;
  end(agent: AgentRow, turn: TurnId, change?: Partial<TurnEnd>): Promise<unknown>;
};

export type TestBroker = {
  core: TestCore;
  boot: BootId;
  link: RunnerLink;
  /** aborted when hived ends */
  stopping: AbortSignal;
  /** agents whose process was lost, in order */
  lost: { agent: AgentName; problem: string | null }[];
  /** launches whose socket is to be closed */
  over: LaunchId[];
  /** Connects a runner that says what it holds; resolves when hived may call it. */
  connect(held?: Held[]): Promise<PlayedRunner>;
  /** hived ends, as if killed, and starts again on the same files. */
  restart(): Promise<TestBroker>;
  [Symbol.asyncDispose](): Promise<void>;
};

export const newTurn = (): TurnId => `turn-${randomBytes(16).toString("hex")}` as TurnId;

/** A turn that ended well, in which the model ran. */
export const proven = { outputs: 3, outputTokens: 20 };

/** @param work who does further kinds of work, with the runner that is connected */
export async function openBroker(
  directory?: string,
  work: (core: TestCore, runner: Runner) => Record<string, Handler> = () => ({}),
): Promise<TestBroker> {
  const core = openCore(directory);
  const boot = await countBoot(core.db);
  const socketPath = join(core.directory, "runner", "runner.sock");
  const stopping = new AbortController();
  const lost: TestBroker["lost"] = [];
  const over: LaunchId[] = [];
  let tellConnected: () => void = () => undefined;
  const link = openRunnerLink({
    core,
    boot,
    socketPath,
    launchLost(tx, agent, problem) {
      lost.push({ agent, problem });
      if (handlers["converge"]) core.scheduler.enqueue(tx, "converge", agent);
    },
    launchOver: (launch) => over.push(launch),
    runnerConnected: () => tellConnected(),
  });
  const handlers = work(core, link.runner);
  core.work({ wake: link.wake, ...handlers });
  await link.listen();
  return {
    core,
    boot,
    link,
    stopping: stopping.signal,
    lost,
    over,
    async connect(held = []) {
      const connected = new Promise<void>((resolve) => {
        tellConnected = resolve;
      });
      const runner = await playRunner(socketPath, held);
      await connected;
      return runner;
    },
    async restart() {
      stopping.abort();
      await link.close();
      await core.close();
      return openBroker(core.directory, work);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await link.close();
      await core[Symbol.asyncDispose]();
    },
  };
}

async function playRunner(socketPath: string, held: Held[]): Promise<PlayedRunner> {
  const calls: RunnerCall[] = [];
  const before: PlayedRunner["before"] = {};
  let tell: () => void = () => undefined;
  const note = (name: RunnerCall["name"]) => async (request: unknown) => {
    before[name]?.();
    calls.push({ name, request } as RunnerCall);
    tell();
    if (name === "changeConversation") return { session: "changed", model: "opus" };
    if (name === "launch") return { session: "session" };
    if (name === "login") return loginAnswer(request as RequestOf<typeof runnerCalls.login>);
    if (name === "readTurnLog") return { log: runner.logs.get((request as { turn: TurnId }).turn) ?? null };
    return name === "stopLaunch" ? { ended: runner.endsAtOnce } : {};
  };
  const names = Object.keys(runnerCalls) as RunnerCall["name"][];
  const handlers = Object.fromEntries(names.map((name) => [name, note(name)])) as unknown as LinkHandlers<
    typeof runnerCalls
  >;
  const hived = speak(await connectLink(socketPath), runnerCalls, handlers, hivedCalls, (error) => {
    throw error;
  });
  const { boot, adopted } = await hived.call("hold", { place: somePlace, launches: held });
  const identity = (agent: AgentRow, turn: TurnId) => {
    if (!agent.launch) throw new Error(`${agent.name} has no launch`);
    return { boot, agent: agent.name, launch: agent.launch, turn };
  };
  const runner: PlayedRunner = {
    hived,
    boot,
    adopted,
    calls,
    before,
    endsAtOnce: true,
    logs: new Map(),
    async take(name) {
      for (;;) {
        const at = calls.findIndex((call) => call.name === name);
        const [call] = at < 0 ? [] : calls.splice(at, 1);
        if (call) return call.request as RequestOf<(typeof runnerCalls)[typeof name]>;
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
    },
    async lease(agent, turn = newTurn(), limit = 10) {
      return { turn, ...(await hived.call("lease", { ...identity(agent, turn), limit })) };
    },
    end: (agent, turn, change = {}) =>
      hived.call("endTurn", {
        ...identity(agent, turn),
        outcome: "ok",
        evidence: proven,
        problem: null,
        answeredMarks: [],
        session: "session",
        retryAt: null,
        ...change,
      }),
  };
  return runner;
}

const loginAnswer = ({ step }: RequestOf<typeof runnerCalls.login>) =>
  step.kind === "link" ? { url: "https://provider.example/", isSignedIn: false } : { url: null, isSignedIn: true };

/** What the played runner says of its machine. */
export const somePlace: Place = {
  agentsRoot: "/agents",
  sharedRoot: "/shared",
  docsRoot: "/docs",
  launchesRoot: "/launches",
  privateRoot: "/private",
  node: "/node",
  program: "/program",
  runtimes: ["process"],
  missing: {},
};
