/**
 * A child of the bench: broker, runner's link and agents' sockets as hived wires them, where the bench has to see into the
 * process. Told what to do by messages, each answered by one.
 */
import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay, setImmediate as nextRound } from "node:timers/promises";
import type { AgentName, BootId } from "../../../src/contract/names.ts";
import { sendIn } from "../../../src/hived/broker/send.ts";
import { countBoot } from "../../../src/hived/database/meta.ts";
import type { Database } from "../../../src/hived/database/write.ts";
import { openDocs } from "../../../src/hived/mcp/docs.ts";
import { openTools } from "../../../src/hived/mcp/tools.ts";
import { openAgentSockets } from "../../../src/hived/sockets/agent-socket.ts";
import { openRunnerLink } from "../../../src/hived/sockets/runner-link.ts";
import { somePlace } from "../../support/open-broker.ts";
import { hivedConfigAt } from "./hived.ts";
import { body, openBenchCore } from "./in-process.ts";

export type Order =
  /** writes a line to whoever is connected to `raw.sock` */
  { kind: "push" } | { kind: "send"; to: AgentName } | { kind: "open sockets" } | { kind: "idle"; ms: number };
export type Answer = {
  /** of CLOCK_MONOTONIC, in milliseconds: when the line was written, or the commit was over */
  at?: number;
  /** of the heap and beside it, after a collection */
  heldKib?: number;
  cpuMs?: number;
  queries?: number;
};

const [, , home = ""] = process.argv;
let queries = 0;
const core = openBenchCore(home, undefined, counting);
const boot: BootId = await countBoot(core.db);
const config = hivedConfigAt(home);
const link = openRunnerLink({
  core,
  boot,
  socketPath: config.sockets.runner,
  launchLost: () => undefined,
  launchOver: () => undefined,
  runnerConnected: () => undefined,
});
await link.listen();
void core.scheduler.run({ wake: link.wake }, new AbortController().signal);
const tools = openTools({
  core,
  recv: async () => ({ entries: [], more: 0, oversized: false }),
  recvOutside: async () => ({ entries: [], more: 0, oversized: false, unknown: [] }),
  forgeUrl: "http://127.0.0.1:9",
  runner: { place: () => somePlace, call: () => Promise.reject(new Error("there is no runner")) },
  docs: openDocs(),
  signal: new AbortController().signal,
  openThreads: () => ({ threads: [], totals: { approval: 0, question: 0, pr: 0 } }),
  ask: async () => "",
  answer: async () => undefined,
  cancelQuestion: async () => undefined,
  proposeAgent: async () => "",
  proposeConfig: async () => "",
  proposeDecision: async () => "",
  restartAgent: async () => "",
  rebuildAgent: async () => "",
});
const sockets = openAgentSockets({ core, launchesRoot: config.launchesRoot, tools, version: "0" });

const listeners: Socket[] = [];
const rawSocket = join(home, "raw.sock");
rmSync(rawSocket, { force: true });
createServer((socket) => listeners.push(socket)).listen(rawSocket, () => process.send?.({}));

const orders: { [Kind in Order["kind"]]: (order: Extract<Order, { kind: Kind }>) => Promise<Answer> } = {
  async push() {
    const at = nowMs();
    listeners.at(-1)?.write("wake\n");
    return { at };
  },
  async send({ to }) {
    let at = 0;
    await core.db.write((tx) => {
      tx.afterCommit(() => {
        at = nowMs();
      });
      return sendIn(tx, core, { from: "operator", to, body });
    });
    await nextRound(); // the wake goes out first
    return { at };
  },
  async "open sockets"() {
    await sockets.resume();
    return {};
  },
  async idle({ ms }) {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    const heldKib = (heapUsed + external) / 1024;
    await delay(50);
    const [cpu, before] = [process.cpuUsage(), queries];
    await delay(ms);
    const { user, system } = process.cpuUsage(cpu);
    return { heldKib, cpuMs: (user + system) / 1000, queries: queries - before };
  },
};
process.on("message", (order: Order) => {
  void orders[order.kind](order as never).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Every query goes through one of the two. */
function counting(db: Database): Database {
  return {
    ...db,
    read(closure) {
      queries += 1;
      return db.read(closure);
    },
    write(...args) {
      queries += 1;
      return db.write(...args);
    },
  };
}
