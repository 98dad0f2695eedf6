/** The table of our own programs: what each is told, and how long it may take. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HivedConfig, RunnerConfig, WebConfig } from "../../contract/programs.ts";
import { routes } from "../../contract/routes.ts";
import { client } from "../../rpc/client.ts";
import type { ChildSpec, Command } from "./child.ts";
import type { Home, Runtime } from "./home.ts";
import { node } from "./node.ts";
import { bindListener } from "./ports.ts";
import type { WebSandbox } from "./web-sandbox.ts";

export type Place = {
  home: Home;
  runtime: Runtime;
  /** the directory that holds our package.json */
  program: string;
  forge: HivedConfig["forge"];
  dashboardPort: number;
  nudgeAfterHours: number | undefined;
  sandbox: WebSandbox;
};

export const assetsOf = (program: string): string => join(program, "dist/dashboard");
const dashboardUrlOf = (port: number): string => `http://hive.localhost:${port}`;
const hookUrlOf = (port: number) => `http://127.0.0.1:${port}/hook`;

/** What our programs get of our own environment: where things are, how text is written, how much is logged. */
export function ownEnvironment(): Record<string, string> {
  const places = ["PATH", "HOME", "USER", "TMPDIR", "NODE_EXTRA_CA_CERTS", "NODE_COMPILE_CACHE"];
  return kept([...places, "NODE_DISABLE_COMPILE_CACHE", "LANG", "LC_ALL", "TZ", "HIVE_LOG_LEVEL"]);
}

const kept = (names: string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : [])));

const argvOf = (place: Place, name: string, config: HivedConfig | WebConfig | RunnerConfig) => [
  ...node,
  join(place.program, `src/${name}/main.ts`),
  JSON.stringify(config),
];

export function hivedSpec(place: Place): ChildSpec {
  const { home, runtime, program, forge, dashboardPort, nudgeAfterHours } = place;
  const sockets = { web: runtime.web, admin: runtime.admin, runner: runtime.runner };
  const config: HivedConfig = {
    home: home.hived,
    program,
    sockets,
    launchesRoot: runtime.launches,
    forge,
    hookUrl: hookUrlOf(dashboardPort),
    dashboardUrl: dashboardUrlOf(dashboardPort),
    ...(nudgeAfterHours !== undefined && { nudgeAfterMs: nudgeAfterHours * 3_600_000 }),
  };
  return {
    name: "hived",
    isForeign: false,
    command() {
      // One that was killed left its sockets behind, on which nobody can listen again.
      for (const socket of Object.values(sockets)) rmSync(socket, { force: true });
      return { argv: argvOf(place, "hived", config), env: ownEnvironment() };
    },
    async check(signal) {
      const hived = client(routes, "admin", runtime.admin);
      try {
        await hived.readStatus({}, { signal });
      } finally {
        await hived.close();
      }
    },
    readyWithinMs: 60_000, // a migration copies the database first
    stopWithinMs: 1_200,
  };
}

export function webSpec(place: Place): ChildSpec {
  const { home, runtime, program, forge, dashboardPort, sandbox } = place;
  const hookUrl = hookUrlOf(dashboardPort);
  const config: WebConfig = {
    listenerDescriptor: 4,
    webSocket: runtime.web,
    assets: assetsOf(program),
    dashboardUrl: dashboardUrlOf(dashboardPort),
    hookUrl,
    probes: {
      adminSocket: runtime.admin,
      forgeUrl: forge.url,
      directories: { "hived's database": home.hived, "the forge's data": home.forge },
    },
  };
  return {
    name: "hive-web",
    isForeign: false,
    async command(): Promise<Command> {
      const listener = await bindListener(dashboardPort);
      const env = kept(["NODE_COMPILE_CACHE", "HIVE_LOG_LEVEL"]);
      return {
        ...sandbox.wrap({ argv: argvOf(place, "hive-web", config), env }),
        inherited: [listener.descriptor],
        release: listener.release,
      };
    },
    async check(signal) {
      await expectOk(new URL("/health", hookUrl), signal);
    },
    readyWithinMs: 30_000,
    stopWithinMs: 700,
  };
}

export function runnerSpec(place: Place): ChildSpec {
  const { home, runtime, program } = place;
  const config: RunnerConfig = {
    runnerSocket: runtime.runner,
    agentsRoot: home.agents,
    sharedRoot: home.shared,
    docsRoot: home.docs,
    launchesRoot: runtime.launches,
    privateRoot: home.private,
    program,
  };
  return {
    name: "hive-runner",
    isForeign: false,
    command() {
      mkdirSync(dirname(runtime.runner), { recursive: true, mode: 0o700 });
      return { argv: argvOf(place, "hive-runner", config), env: ownEnvironment() };
    },
    readyWithinMs: 60_000, // it tries each runtime first
    stopWithinMs: 1_800,
  };
}

/** @throws the system's error, or an Error naming the status, unless the address answers 200. */
export async function expectOk(url: URL, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { signal, redirect: "error" });
  await answer.body?.cancel();
  if (answer.status !== 200) throw new Error(`${url.pathname} answered ${answer.status}`);
}
