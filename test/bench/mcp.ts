/** Area `mcp`: what a `tools/call` through an agent's socket costs hived, against the least and against the usual. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "undici";
import { bound, type Figure, interleave, judge } from "./figure.ts";
import { called } from "./mcp/called.ts";
import type { ServerName, Told } from "./mcp/server.ts";

/** Many on few connections: so the server has work whenever it runs, on a busy machine, too, and its code is what is measured. */
const [connections, pipelining] = [8, 16];

/** Until then its code is not compiled for speed, and what compiles it takes half of the time. */
const warmUpCalls = 20_000;

export async function* mcp(isFull: boolean): AsyncIterable<Figure> {
  const [rounds, calls] = isFull ? [7, 8_000] : [5, 2_000];
  const directory = mkdtempSync(join(tmpdir(), "hive-bench-"));
  const start = (name: ServerName) => startServer(name, join(directory, `${name.replaceAll(" ", "-")}.sock`));
  const names = ["bare", "ours", "per request", "ours with 1 tool", "ours with 40 tools"] as const;
  const servers = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await start(name)] as const)));
  try {
    const measures = Object.fromEntries(names.map((name) => [name, () => cpuPerCall(serverAt(name), calls)]));
    const serverAt = (name: string) => servers[name] as Server;
    for (const name of names) await callOften(serverAt(name).pool, name === "per request" ? calls : warmUpCalls);
    const took = (await interleave(rounds, measures)) as Record<ServerName, number[]>;
    const common = { unit: "µs" };
    yield judge({
      ...common,
      name: "tools/call, CPU of the server / bare JSON-RPC + zod",
      ours: took.ours,
      floor: took.bare,
      goal: { atMost: 2.5 },
    });
    yield judge({
      ...common,
      name: "tools/call, CPU of a server of the SDK per request / ours",
      ours: took["per request"],
      floor: took.ours,
      goal: { atLeast: 5 },
    });
    yield judge({
      ...common,
      name: "tools/call, CPU with 40 tools / with 1",
      ours: took["ours with 40 tools"],
      floor: took["ours with 1 tool"],
      goal: { atMost: 1.2 },
    });
    yield await growth(serverAt("ours"));
  } finally {
    for (const { child } of Object.values(servers)) child.disconnect();
    rmSync(directory, { recursive: true, force: true });
  }
}

type Server = { child: ChildProcess; pool: Pool };

async function startServer(name: ServerName, ownSocket: string): Promise<Server> {
  const child = spawn(process.execPath, ["--expose-gc", join(import.meta.dirname, "mcp/server.ts"), name, ownSocket], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [told] = (await once(child, "message")) as [Told];
  if (!("socketPath" in told)) throw new Error("the server said where it listens last");
  return { child, pool: new Pool("http://hive", { socketPath: told.socketPath, connections, pipelining }) };
}

async function ask({ child }: Server): Promise<Exclude<Told, { socketPath: string }>> {
  child.send("tell");
  const [told] = (await once(child, "message")) as [Told];
  if ("socketPath" in told) throw new Error("the server said twice where it listens");
  return told;
}

async function cpuPerCall(server: Server, calls: number): Promise<number> {
  const before = await ask(server);
  await callOften(server.pool, calls);
  return ((await ask(server)).untilNowUs - before.fromNowUs) / calls;
}

/** @throws Error when a call is not answered as it should be: a refusal would be cheap */
async function callOften(pool: Pool, calls: number): Promise<void> {
  let left = calls;
  const drive = async () => {
    while (left > 0) {
      left -= 1;
      const params = { name: called, arguments: { question: left + 1 } };
      const answer = await pool.request({
        method: "POST",
        path: "/mcp",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
        body: JSON.stringify({ jsonrpc: "2.0", id: left, method: "tools/call", params }),
      });
      const text = await answer.body.text();
      if (!text.includes(`Question ${params.arguments.question} is cancelled`)) throw new Error(text);
    }
  };
  await Promise.all(Array.from({ length: connections * pipelining }, drive));
}

const manyCalls = 100_000;

/** What is held after so many calls more than after the first ones. */
async function growth(server: Server): Promise<Figure> {
  const before = await ask(server);
  await callOften(server.pool, manyCalls);
  const grownMib = ((await ask(server)).heapBytes - before.heapBytes) / 1024 ** 2;
  return bound("growth of the heap over 100,000 calls", "MiB", Math.max(0, grownMib), 1);
}
