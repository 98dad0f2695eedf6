/** Ten thousand agents that wait: what they hold, what they do, and how soon they are served when all come back at once. */
import { join } from "node:path";
import type { AgentName } from "../../../src/contract/names.ts";
import { send } from "../../../src/hived/broker/send.ts";
import { bound, type Figure } from "../figure.ts";
import { newDiskDirectory } from "./disk.ts";
import { connectRunner, type Home, makeHome } from "./hived.ts";
import { body, newTurn, openBenchCore } from "./in-process.ts";
import { startChild } from "./wake.ts";

const agents = 10_000;

export async function* idle({ ms }: { ms: number }): AsyncIterable<Figure> {
  const directory = newDiskDirectory();
  try {
    const one = await waiting(await makeHome(join(directory.path, "one"), 1), 100);
    const home = await makeHome(join(directory.path, "many"), agents);
    const many = await waiting(home, ms);
    const heldKib = (many.heldKib - one.heldKib) / agents;
    yield bound(`an agent of ${agents} that waits, in hived's memory`, "KiB", heldKib, 1);
    yield bound("… queries of the database while all wait", "queries", many.queries, 0);
    yield bound("… processor time of hived while all wait", "%", (many.cpuMs / ms) * 100, 0.1);
    await sendToAll(home);
    const { tookMs, lost } = await comeBack(home);
    yield bound(`${agents} agents come back at once, each with a message: all are leased`, "ms", tookMs, 1_500);
    yield bound("… messages that were lost", "messages", lost, 0);
  } finally {
    directory.remove();
  }
}

async function sendToAll({ path, agents: names }: Home): Promise<void> {
  const core = openBenchCore(path);
  await Promise.all(names.map(({ name }) => send(core, { from: "operator", to: name, body })));
  await core.db.close();
}

async function waiting(home: Home, ms: number) {
  const child = await startChild(home.path);
  const runner = await connectRunner(home.path, home.agents, () => undefined);
  const answer = await child.ask({ kind: "idle", ms });
  runner.hived.close();
  await child.end();
  return { heldKib: answer.heldKib ?? 0, cpuMs: answer.cpuMs ?? 0, queries: answer.queries ?? 0 };
}

async function comeBack(home: Home): Promise<{ tookMs: number; lost: number }> {
  const child = await startChild(home.path);
  const launches = new Map(home.agents.map(({ name, launch }) => [name, launch]));
  const leases: Promise<number>[] = [];
  const areAllWoken = Promise.withResolvers<void>();
  const began = performance.now();
  const lease = async (agent: AgentName): Promise<number> => {
    const launch = launches.get(agent);
    if (!launch) throw new Error(`there is no ${agent}`);
    const { hived, boot } = await connected;
    const { entries } = await hived.call("lease", { boot, agent, launch, turn: newTurn(), limit: 10 });
    return entries.length;
  };
  const connected = connectRunner(home.path, home.agents, (names) => {
    leases.push(...names.map(lease));
    if (leases.length >= agents) areAllWoken.resolve();
  });
  await areAllWoken.promise;
  const leased = (await Promise.all(leases)).reduce((sum, count) => sum + count, 0);
  const tookMs = performance.now() - began;
  (await connected).hived.close();
  await child.end();
  return { tookMs, lost: agents - leased };
}
