/** The same cycle through hived's real sockets: agents' tool calls, the runner's link, every schema and access check. */
import { join } from "node:path";
import { Pool } from "undici";
import type { AgentName } from "../../../src/contract/names.ts";
import { type Figure, interleave, judge, notInstalled } from "../figure.ts";
import { newDiskDirectory } from "./disk.ts";
import { graphile } from "./graphile.ts";
import { connectRunner, type Home, makeHome, startHived } from "./hived.ts";
import { type BenchAgent, body, endOf, newTurn, pairsAmong } from "./in-process.ts";
import { closedLoop } from "./load.ts";
import { nats } from "./nats.ts";
import type { Peer } from "./peers.ts";
import { redis } from "./redis.ts";

const agents = 128;
const inFlight = 64;
/** hived has just started: until then its code is not compiled for speed. */
const warmUpMs = 1_500;
const peers = [redis, nats, graphile];

export async function* sockets({ rounds, ms }: { rounds: number; ms: number }): AsyncIterable<Figure> {
  const directory = newDiskDirectory();
  const nameOf = ({ name }: Peer) => `cycle through the sockets, ${inFlight} in flight / ${name}`;
  try {
    const home = await makeHome(join(directory.path, "h"), agents);
    const hived = await startHived(home.path);
    const ours = await openSocketCycles(home);
    await closedLoop(inFlight, warmUpMs, ours.cycle);
    for (const peer of peers) {
      if (peer.isInstalled()) {
        const measured = await measure(peer, directory.path, ours.cycle, { rounds, ms });
        yield judge({ name: nameOf(peer), unit: "/s", ours: measured.ours, floor: measured.theirs, goal: peer.goal });
      } else yield notInstalled(`${nameOf(peer)} (${peer.install})`, "/s", peer.goal);
    }
    await ours.close();
    await hived.kill();
  } finally {
    directory.remove();
  }
}

async function measure(
  peer: Peer,
  path: string,
  ours: () => Promise<void>,
  { rounds, ms }: { rounds: number; ms: number },
) {
  const theirs = await peer.open(path, body);
  const perSecond = (cycle: (place: number) => Promise<void>) =>
    closedLoop(inFlight, ms, cycle).then((load) => load.perSecond);
  await closedLoop(inFlight, ms / 2, theirs.cycle);
  const measured = await interleave(rounds, {
    theirs: () => perSecond(theirs.cycle),
    ours: () => perSecond(ours),
  });
  await theirs.close();
  return measured;
}

/** The runner and the senders of a home whose hived runs. */
async function openSocketCycles(home: Home) {
  const byName = new Map<AgentName, BenchAgent>(home.agents.map((agent) => [agent.name, agent]));
  const waiting = new Map<AgentName, (() => void)[]>();
  const pools = new Map(
    home.agents.map((agent) => [
      agent.name,
      new Pool("http://hive", { socketPath: home.socketOf(agent), connections: 1 }),
    ]),
  );
  /** agents in a turn, and whether they were woken meanwhile */
  const busy = new Map<AgentName, boolean>();
  const runner = await connectRunner(home.path, home.agents, (names) => {
    for (const name of names) {
      if (busy.has(name)) busy.set(name, true);
      else void work(byName.get(name) as BenchAgent);
    }
  });
  /** What a runner does with a wake: a turn with all that is there. */
  const work = async (agent: BenchAgent): Promise<void> => {
    const { name, launch } = agent;
    busy.set(name, false);
    const turn = newTurn();
    const request = { boot: runner.boot, agent: name, launch, turn, limit: 10 };
    const { entries } = await runner.hived.call("lease", request);
    if (entries.length > 0) await runner.hived.call("endTurn", { ...endOf(agent, turn), boot: runner.boot });
    const isWoken = busy.get(name);
    busy.delete(name);
    for (const _entry of entries) waiting.get(name)?.shift()?.();
    if (isWoken) await work(agent);
  };
  const nextPair = pairsAmong(home.agents);
  return {
    async cycle(): Promise<void> {
      const { from, to } = nextPair();
      const over = new Promise<void>((resolve) => waiting.set(to, [...(waiting.get(to) ?? []), resolve]));
      await sendAs(pools.get(from) as Pool, to);
      await over;
    },
    async close(): Promise<void> {
      runner.hived.close();
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

/** An agent's call of the tool `send`. @throws Error when it was refused */
async function sendAs(pool: Pool, to: AgentName): Promise<void> {
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "send", arguments: { to, body } } };
  const answer = await pool.request({ method: "POST", path: "/mcp", body: JSON.stringify(call) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200 || text.includes('"isError":true')) throw new Error(`send was refused: ${text}`);
}
