/** The real hived as a process, on a home that the bench has filled; its forge does not answer, which it outlives. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { hivedCalls, runnerCalls } from "../../../src/contract/link.ts";
import type { AgentName, BootId, TurnId } from "../../../src/contract/names.ts";
import type { HivedConfig } from "../../../src/contract/programs.ts";
import type { Core } from "../../../src/hived/core.ts";
import { addDeployment, endDeployment } from "../../../src/hived/lifecycle/deployments.ts";
import { connectLink, type LinkHandlers, type Peer, speak } from "../../../src/rpc/link.ts";
import { somePlace } from "../../support/open-broker.ts";
import { someTree } from "../../support/open-core.ts";
import { addAgents, type BenchAgent, openBenchCore } from "./in-process.ts";

export const program = join(import.meta.dirname, "..", "..", "..");

export const hivedConfigAt = (home: string): HivedConfig => ({
  home,
  program,
  sockets: { web: join(home, "w/web.sock"), admin: join(home, "a/admin.sock"), runner: join(home, "r/runner.sock") },
  launchesRoot: join(home, "l"),
  forge: { kind: "embedded", url: "http://127.0.0.1:9", adminTokenFile: join(home, "admin-token") },
  hookUrl: "http://127.0.0.1:9/hook",
  dashboardUrl: "http://127.0.0.1:9",
});

export type Home = { path: string; agents: BenchAgent[]; socketOf(agent: BenchAgent): string };

/** A home whose agents are up, as far as its database knows. @param fill what else is in it */
export async function makeHome(path: string, count: number, fill?: (core: Core) => Promise<unknown>): Promise<Home> {
  mkdirSync(path, { mode: 0o700 });
  const core = openBenchCore(path);
  const agents = await addAgents(core, count);
  await core.db.write((tx) => {
    for (const { name } of agents) {
      const number = addDeployment(tx, core, { agent: name, commit: someTree, tree: someTree, approvals: [] });
      endDeployment(tx, { agent: name, number }, "ready", null);
    }
  });
  await fill?.(core);
  await core.db.close();
  const socketOf = ({ launch }: BenchAgent) => join(hivedConfigAt(path).launchesRoot, launch, "mcp.sock");
  return { path, agents, socketOf };
}

export type HivedProcess = { readyMs: number; kill(): Promise<void> };

/** Resolves when it says that it serves. */
export async function startHived(home: string): Promise<HivedProcess> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(program, "src/hived/main.ts"), JSON.stringify(hivedConfigAt(home))], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await firstLine(child);
  const readyMs = performance.now() - began;
  return {
    readyMs,
    async kill() {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}

/** @throws Error when the child ends before */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error("the child was started without a pipe");
    createInterface(child.stdout).once("line", resolve);
    child.once("close", (code) => reject(new Error(`it ended with ${code} before it was ready`)));
  });
}

export type BenchRunner = { hived: Peer<typeof hivedCalls>; boot: BootId };

/** A runner that holds these agents' launches, and their turns, and calls back for each wake. */
export async function connectRunner(
  home: string,
  agents: readonly BenchAgent[],
  onWake: (names: readonly AgentName[]) => void,
  turnOf: (agent: AgentName) => TurnId | null = () => null,
): Promise<BenchRunner> {
  const answers = {
    wake: async ({ agents: names }: { agents: AgentName[] }) => {
      onWake(names);
      return {};
    },
    launch: async () => ({ session: "session" }),
    stopLaunch: async () => ({ ended: true }),
  };
  const handlers = Object.fromEntries(Object.keys(runnerCalls).map((name) => [name, async () => ({})]));
  const hived = speak(
    await connectLink(hivedConfigAt(home).sockets.runner),
    runnerCalls,
    { ...handlers, ...answers } as unknown as LinkHandlers<typeof runnerCalls>,
    hivedCalls,
    (error) => {
      throw error;
    },
  );
  const launches = agents.map(({ name, launch }) => ({ launch, agent: name, turn: turnOf(name) }));
  const { boot } = await hived.call("hold", { place: somePlace, launches });
  return { hived, boot };
}
