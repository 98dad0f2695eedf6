/**
 * A hive without `hive up`: hived and its runner as processes that the test starts, kills and starts again at once, on an
 * embedded forge. Its agents are seeds, so they come to life by themselves. Nobody follows its events over a socket: each
 * commit is seen on the disk, and the database read beside it.
 */
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import Sqlite from "better-sqlite3";
import type { HivedConfig, RunnerConfig } from "../../src/contract/programs.ts";
import { type OnLifeline, signalGroup, spawnOnLifeline } from "../../src/daemon/guard.ts";
import { lifelineEnvironment } from "../../src/daemon/stop.ts";
import { compiledOfTests } from "./cache.ts";
import { startEmbedded } from "./embedded.ts";
import { newMemoryDirectory } from "./memory-directory.ts";

const program = join(import.meta.dirname, "../..");

export type Daemon = "hived" | "hive-runner";
export type BareHive = Awaited<ReturnType<typeof openBareHive>>;

/** What does not come within this time is not going to. */
const patienceMs = 60_000;

/** Whatever may be stuck. */
const waiting = [
  "SELECT name, state, wish, launch, problem FROM agents",
  "SELECT id, recipient, state, attempt, failures, not_before, turn FROM inbox WHERE state IN ('queued', 'leased')",
  "SELECT * FROM work",
];

/**
 * @param agents the files of each agent's directory, by its name
 * @param prepareHome makes more of hived's directory before anything is in it; what it returns undoes that in the end
 */
export async function openBareHive(
  agents: Record<string, Record<string, string>>,
  prepareHome: (home: string) => () => void = () => () => undefined,
) {
  const forge = await startEmbedded();
  const directory = newMemoryDirectory("hive-");
  const home = join(directory, "hived");
  mkdirSync(home, { mode: 0o700 });
  const undoHome = prepareHome(home);
  const launchesRoot = join(directory, "launches");
  const sockets = {
    web: join(directory, "web/web.sock"),
    admin: join(directory, "admin/admin.sock"),
    runner: join(directory, "runner/runner.sock"),
  };
  const configs: Record<Daemon, HivedConfig | RunnerConfig> = {
    hived: {
      ...{ home, launchesRoot, sockets, program: makeProgram(directory, agents) },
      forge: { kind: "embedded", url: forge.url, adminTokenFile: forge.adminTokenFile },
      hookUrl: "http://127.0.0.1:9/hook", // nobody is there: what changes on the forge is no part of such a test
      dashboardUrl: "http://hive.localhost:9",
    },
    "hive-runner": {
      ...{ runnerSocket: sockets.runner, launchesRoot, program },
      ...{
        agentsRoot: join(directory, "agents"),
        sharedRoot: join(directory, "shared"),
        docsRoot: join(directory, "docs"),
        privateRoot: join(directory, "private"),
      },
    },
  };
  const daemons = new Map<Daemon, OnLifeline>();
  const logOf = (name: Daemon) => join(directory, `${name}.log`);
  const lastOf = (name: Daemon) => `${name}:\n${readFileSync(logOf(name), "utf8").split("\n").slice(-20).join("\n")}`;
  const watchers = new Set<() => void>();
  const tellAll = () => {
    for (const tell of [...watchers]) tell();
  };
  let later: NodeJS.Timeout | undefined;
  const watcher = watch(home, () => {
    tellAll();
    // A commit is written before it can be seen: its last step is in shared memory, of which nothing tells.
    clearTimeout(later);
    later = setTimeout(tellAll, 50);
  });
  const hive = {
    directory,
    home,
    sockets,
    launchesRoot,
    /** Starts one; resolves when it serves. */
    async start(name: Daemon): Promise<void> {
      const log = openSync(logOf(name), "a");
      const env = { PATH: process.env["PATH"] ?? "", HOME: directory, NODE_COMPILE_CACHE: compiledOfTests };
      const running = spawnOnLifeline(
        [process.execPath, join(program, `src/${name}/main.ts`), JSON.stringify(configs[name])],
        { env: { ...env, ...lifelineEnvironment }, stdio: ["ignore", "pipe", log] },
      );
      closeSync(log);
      daemons.set(name, running);
      const said = once(createInterface({ input: running.child.stdout as Readable }), "line");
      const ended = once(running.child, "exit").then(([code]) => {
        if (daemons.get(name) === running) throw new Error(`${name} ended with ${code}:\n${lastOf(name)}`);
        return ["killed"];
      });
      const [line] = (await Promise.race([said, ended])) as [string];
      if (line !== "killed" && !line.includes('"ready":true')) throw new Error(`${name} says ${line}`);
    },
    /** Ends one as `kill -9` does; resolves when it is gone. */
    async kill(name: Daemon): Promise<void> {
      await end(name, "SIGKILL");
    },
    /** Resolves at the next commit of hived, or whatever else it writes. */
    changed(): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      watchers.add(resolve);
      return promise.finally(() => watchers.delete(resolve));
    },
    /** Resolves with what `find` finds in the database, now or after some commit. */
    async until<Found>(find: (sqlite: Sqlite.Database) => Found | undefined | false): Promise<Found> {
      const { promise: missed, reject } = Promise.withResolvers<never>();
      const tooLate = () => reject(new Error(`this has not come: ${find}\n${hive.report()}`));
      const late = setTimeout(tooLate, patienceMs);
      try {
        for (;;) {
          const next = hive.changed();
          const found = hive.read(find);
          if (found) return found;
          await Promise.race([next, missed]);
        }
      } finally {
        clearTimeout(late);
      }
    },
    /** Looks at the database; undefined while there is none. */
    read<Found>(look: (sqlite: Sqlite.Database) => Found): Found | undefined {
      sqlite ??= openToRead(join(home, "hive.db"));
      return sqlite && look(sqlite);
    },
    /** The tools' socket of an agent's launch; undefined while it has none. */
    socketOf(agent: string): string | undefined {
      const launch = hive.read((open) => open.prepare("SELECT launch FROM agents WHERE name = ?").pluck().get(agent));
      return typeof launch === "string" ? join(launchesRoot, launch, "mcp.sock") : undefined;
    },
    /** For the reader of a failed test: what waits, and the ends of the logs. */
    report(): string {
      const rows = hive.read((open) => waiting.map((sql) => JSON.stringify(open.prepare(sql).all(), null, 1))) ?? [];
      return [...rows, ...(["hived", "hive-runner"] as const).map(lastOf)].join("\n");
    },
    async [Symbol.asyncDispose]() {
      for (const name of ["hive-runner", "hived"] as const) await end(name, "SIGTERM");
      watcher.close();
      clearTimeout(later);
      sqlite?.close();
      await forge[Symbol.asyncDispose]();
      undoHome();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  let sqlite: Sqlite.Database | undefined;
  const end = async (name: Daemon, signal: "SIGKILL" | "SIGTERM") => {
    const running = daemons.get(name);
    daemons.delete(name);
    if (!running || running.child.exitCode !== null || running.child.signalCode !== null) return;
    const ended = once(running.child, "exit");
    signalGroup(running.child.pid ?? 0, signal);
    await ended;
    sqlite?.close(); // opened anew when it is looked at: a disk can't become read-only under it
    sqlite = undefined;
  };
  return hive;
}

const WAITS = "SELECT count(*) FROM inbox WHERE state IN ('queued', 'leased') AND recipient <> 'operator'";
/** Whether no agent has mail any more that is not settled. */
export const isQuiet = (sqlite: Sqlite.Database): boolean => sqlite.prepare(WAITS).pluck().get() === 0;

/** A program's directory like ours, with other agents as seeds. */
function makeProgram(directory: string, agents: Record<string, Record<string, string>>): string {
  const own = join(directory, "program");
  mkdirSync(join(own, "seeds/hive/agents/agents"), { recursive: true });
  for (const name of ["package.json", "forge", "templates", "seeds/org-shared", "seeds/hive/questions"])
    symlinkSync(join(program, name), join(own, name));
  for (const [name, files] of Object.entries(agents))
    for (const [path, content] of Object.entries(files)) {
      const file = join(own, "seeds/hive/agents/agents", name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  return own;
}

function openToRead(path: string): Sqlite.Database | undefined {
  try {
    return new Sqlite(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "SQLITE_CANTOPEN") throw error;
    return undefined;
  }
}
