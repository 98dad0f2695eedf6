/** Agents that write to each other at a fixed rate through hived's real sockets, with a runner that outlives it. */
import { Pool } from "undici";
import type { AgentName, TurnId } from "../../../src/contract/names.ts";
import { type BenchRunner, connectRunner, type Home } from "./hived.ts";
import { type BenchAgent, endOf, newTurn, pairsAmong } from "./in-process.ts";

export type Handled = { number: number; plannedAt: number; at: number };

/** A letter's number stands in its body; one that was not answered is sent again with its client_id, as the bridge does. */
type Letter = { number: number; from: BenchAgent; to: AgentName; plannedAt: number };

const retryMs = 50;

export async function openTraffic(home: Home) {
  const byName = new Map(home.agents.map((agent) => [agent.name, agent]));
  const pools = new Map<AgentName, Pool>();
  const poolOf = (agent: BenchAgent): Pool => {
    const pool = pools.get(agent.name) ?? new Pool("http://hive", { socketPath: home.socketOf(agent), connections: 1 });
    pools.set(agent.name, pool);
    return pool;
  };
  const nextPair = pairsAmong(home.agents);
  const planned = new Map<number, number>();
  const answered = new Set<number>();
  const handled = new Map<number, Handled>();
  let doubled = 0;
  let reconnected = Promise.withResolvers<void>();
  /** agents in a turn, and whether they were woken meanwhile */
  const busy = new Map<AgentName, boolean>();
  const turns = new Map<AgentName, TurnId>();
  const onWake = (names: readonly AgentName[]) => {
    for (const name of names) {
      if (busy.has(name)) busy.set(name, true);
      else void work(byName.get(name) as BenchAgent);
    }
  };
  const connect = (): Promise<BenchRunner> =>
    connectRunner(home.path, home.agents, onWake, (name) => turns.get(name) ?? null);
  let runner = await connect();

  /** As the real runner: what broke is asked again, under the same turn, over the next link. */
  const untilHeard = async <Answer>(call: (link: BenchRunner) => Promise<Answer>): Promise<Answer> => {
    for (;;) {
      const link = runner;
      const again = reconnected.promise;
      try {
        return await call(link);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "Fault") throw error;
        await again;
      }
    }
  };
  const work = async (agent: BenchAgent): Promise<void> => {
    const { name, launch } = agent;
    busy.set(name, false);
    const turn = newTurn();
    turns.set(name, turn);
    const { entries } = await untilHeard(({ hived, boot }) =>
      hived.call("lease", { boot, agent: name, launch, turn, limit: 10 }),
    );
    if (entries.length > 0) {
      await untilHeard(({ hived, boot }) => hived.call("endTurn", { ...endOf(agent, turn), boot }));
      for (const entry of entries) note(Number(entry.body.split(" ", 1)[0]));
    }
    turns.delete(name);
    const isWoken = busy.get(name);
    busy.delete(name);
    if (isWoken) await work(agent);
  };
  const note = (number: number) => {
    if (handled.has(number)) doubled += 1;
    else handled.set(number, { number, plannedAt: planned.get(number) ?? Number.NaN, at: performance.now() });
  };
  const post = async (letter: Letter): Promise<void> => {
    const body = `${letter.number} ${"x".repeat(200)}`;
    const params = { name: "send", arguments: { to: letter.to, body, client_id: `letter-${letter.number}` } };
    const text = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    for (;;) {
      try {
        // a connection for each message, as the bridge has
        const answer = await poolOf(letter.from).request({ method: "POST", path: "/mcp", body: text, reset: true });
        const said = await answer.body.text();
        if (answer.statusCode === 200 && !said.includes('"isError":true')) return void answered.add(letter.number);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  };
  return {
    /** Sends so many a second, whatever happens, and resolves when all are answered. */
    async flow(perSecond: number, seconds: number): Promise<void> {
      const began = performance.now();
      const posts: Promise<void>[] = [];
      const all = perSecond * seconds;
      const first = planned.size;
      while (posts.length < all) {
        const due = Math.min(all, Math.floor(((performance.now() - began) / 1000) * perSecond));
        while (posts.length < due) {
          const number = first + posts.length;
          const { from, to } = nextPair();
          const plannedAt = began + (posts.length / perSecond) * 1000;
          planned.set(number, plannedAt);
          posts.push(post({ number, from: byName.get(from) as BenchAgent, to, plannedAt }));
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(posts);
    },
    /** hived is back: the runner says what it holds, and goes on. */
    async reconnect(): Promise<void> {
      runner = await connect();
      const before = reconnected;
      reconnected = Promise.withResolvers();
      before.resolve();
    },
    /** Resolves when every answered letter was handled, or nothing has been for a while. */
    async settled(patienceMs: number): Promise<void> {
      for (let last = performance.now(), count = -1; handled.size < answered.size; ) {
        if (handled.size !== count) last = performance.now();
        else if (performance.now() - last > patienceMs) return;
        count = handled.size;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    handled: () => [...handled.values()],
    lost: () => [...answered].filter((number) => !handled.has(number)).length,
    doubled: () => doubled,
    async close(): Promise<void> {
      runner.hived.close();
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}
