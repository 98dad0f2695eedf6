/** From a commit in hived to the runner's code in another process, against a line pushed through a bare socket. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { AgentName } from "../../../src/contract/names.ts";
import { type Figure, interleave, judge, percentile } from "../figure.ts";
import type { Answer, Order } from "./child.ts";
import { newDiskDirectory } from "./disk.ts";
import { type BenchRunner, connectRunner, makeHome } from "./hived.ts";
import { endOf, newTurn } from "./in-process.ts";

const idleAgents = 1_000;
/** Events come one at a time, with a rest between: what is measured is the way, not a queue. */
const restMs = 1;

export type Child = { ask(order: Order): Promise<Answer>; end(): Promise<void> };

export async function startChild(home: string): Promise<Child> {
  const child: ChildProcess = fork(join(import.meta.dirname, "child.ts"), [home], { execArgv: ["--expose-gc"] });
  const ended = once(child, "close").then(([code]) => {
    throw new Error(`a child of the bench ended with ${code}`);
  });
  ended.catch(() => undefined); // where nobody waits for it, it was asked to end
  await Promise.race([once(child, "message"), ended]);
  return {
    async ask(order) {
      const answered = once(child, "message");
      child.send(order);
      return ((await Promise.race([answered, ended])) as [Answer])[0];
    },
    async end() {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export async function* wake({ rounds, events }: { rounds: number; events: number }): AsyncIterable<Figure> {
  const directory = newDiskDirectory();
  const few = await openWakes(join(directory.path, "few"), 1);
  const many = await openWakes(join(directory.path, "many"), 1 + idleAgents);
  try {
    const measured = await interleave(rounds, {
      raw: () => few.raw(events),
      few: () => few.wakes(events),
      many: () => many.wakes(events),
    });
    const at = (share: number) => (rows: number[][]) => rows.map((row) => percentile(row, share));
    for (const [share, goal] of [
      [0.5, { atMost: 2.5 }],
      [0.99, { atMost: 2 }],
    ] as const) {
      const name = `commit until the runner's code runs, p${share * 100} / a line through a bare socket`;
      yield judge({ name, unit: "ms", ours: at(share)(measured.few), floor: at(share)(measured.raw), goal });
    }
    const name = `the same beside ${idleAgents} idle agents, p50 / without them`;
    yield judge({
      name,
      unit: "ms",
      ours: at(0.5)(measured.many),
      floor: at(0.5)(measured.few),
      goal: { atMost: 1.3 },
    });
  } finally {
    await few.close();
    await many.close();
    directory.remove();
  }
}

async function openWakes(path: string, count: number) {
  const home = await makeHome(path, count);
  const child = await startChild(home.path);
  await child.ask({ kind: "open sockets" });
  const [agent] = home.agents;
  if (!agent) throw new Error("there is no agent");
  let arrived: (at: number) => void = () => undefined;
  const runner: BenchRunner = await connectRunner(home.path, home.agents, () => arrived(nowMs()));
  const socket = connect(join(home.path, "raw.sock"));
  await once(socket, "connect");
  socket.on("data", () => arrived(nowMs()));
  /** What passed between the two ends of one event, in milliseconds. */
  const timed = async (order: Order): Promise<number> => {
    const seen = new Promise<number>((resolve) => {
      arrived = resolve;
    });
    const { at = Number.NaN } = await child.ask(order);
    return (await seen) - at;
  };
  const repeat = async (events: number, once: () => Promise<number>): Promise<number[]> => {
    const tookMs: number[] = [];
    for (let count = 0; count < events; count += 1) {
      tookMs.push(await once());
      await delay(restMs);
    }
    return tookMs;
  };
  return {
    raw: (events: number) => repeat(events, () => timed({ kind: "push" })),
    wakes: (events: number) =>
      repeat(events, async () => {
        const tookMs = await timed({ kind: "send", to: agent.name as AgentName });
        const turn = newTurn();
        await runner.hived.call("lease", {
          boot: runner.boot,
          agent: agent.name,
          launch: agent.launch,
          turn,
          limit: 10,
        });
        await runner.hived.call("endTurn", { ...endOf(agent, turn), boot: runner.boot });
        return tookMs;
      }),
    async close() {
      socket.destroy();
      runner.hived.close();
      await child.end();
    },
  };
}
