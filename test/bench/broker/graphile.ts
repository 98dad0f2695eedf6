/** The peer: graphile-worker on a PostgreSQL of its own, which syncs at each commit. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Peer, untilThere } from "./peers.ts";

/** As much of the two packages as is used here: they are no dependencies of ours. */
type Pool = {
  query(text: string): Promise<unknown>;
  on(event: string, call: (of: Pool) => void): void;
  end(): Promise<void>;
};
type Pg = { Pool: new (options: object) => Pool };
type Job = { job: { payload: { place: number } } };
type Worker = {
  run(options: object): Promise<{
    events: { on(event: "job:complete", call: (job: Job) => void): void };
    stop(): Promise<void>;
  }>;
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: object): Promise<unknown>;
    release(): Promise<void>;
  }>;
  Logger: new (factory: () => () => void) => object;
};

const packages = { postgres: "pg", worker: "graphile-worker" };
const require = createRequire(import.meta.url);
const isThere = (name: string): boolean => {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false; // not installed, which is an answer
  }
};

/** PostgreSQL refuses to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

async function startPostgres(directory: string) {
  const home = join(directory, "pg");
  const data = join(home, "data");
  chmodSync(directory, 0o711);
  for (const path of [home, data]) {
    mkdirSync(path, { mode: 0o700 });
    if (nobody.uid) chownSync(path, nobody.uid, nobody.gid);
  }
  spawnSync("initdb", ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale"], {
    ...nobody,
    cwd: home,
  });
  const settings = ["listen_addresses=", "fsync=on", "synchronous_commit=on"].flatMap((setting) => ["-c", setting]);
  const server = spawn("postgres", ["-D", data, "-k", home, ...settings], { stdio: "ignore", ...nobody, cwd: home });
  return { home, server };
}

export const graphile: Peer = {
  name: "graphile-worker",
  goal: { atLeast: 20 },
  install: "npm install --no-save graphile-worker pg; postgres and initdb on the PATH",
  isInstalled: () =>
    ["postgres", "initdb"].every((name) => spawnSync(name, ["--version"]).status === 0) &&
    Object.values(packages).every(isThere),
  async open(directory, body) {
    const { Pool } = require(packages.postgres) as Pg;
    const { run, makeWorkerUtils, Logger } = require(packages.worker) as Worker;
    const { home, server } = await startPostgres(directory);
    const pgPool = new Pool({ host: home, user: "bench", database: "postgres", max: 30 });
    const ignore = () => undefined; // it ends with its server
    pgPool.on("error", ignore);
    pgPool.on("connect", (connection) => connection.on("error", ignore));
    await untilThere(() => pgPool.query("SELECT 1"));
    const logger = new Logger(() => ignore);
    const utils = await makeWorkerUtils({ pgPool, logger });
    await utils.migrate();
    const waiting = new Map<number, () => void>();
    const options = {
      pgPool,
      logger,
      concurrency: 24,
      noHandleSignals: true,
      taskList: { mail: async () => undefined },
    };
    const worker = await run(options);
    worker.events.on("job:complete", ({ job }) => waiting.get(job.payload.place)?.());
    return {
      async cycle(place) {
        const over = new Promise<void>((resolve) => waiting.set(place, resolve));
        await utils.addJob("mail", { place, body });
        await over;
      },
      async close() {
        await worker.stop();
        await utils.release();
        server.kill("SIGINT"); // its fast way to stop
        await once(server, "close");
      },
    };
  },
};
