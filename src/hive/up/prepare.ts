/** Everything that comes before the first program runs, and all that can be refused until then. */
import { dirname } from "node:path";
import { chooseForge, openForge } from "./choose-forge.ts";
import { compile } from "./compile.ts";
import type { ExternalForge } from "./external.ts";
import { orAborted } from "./fleet.ts";
import type { ForgeSource } from "./forge.ts";
import { buildFrontEnd, needsBuild } from "./front-end.ts";
import { type Home, openRuntime } from "./home.ts";
import type { Lock } from "./lock.ts";
import { tellOfMail } from "./mail.ts";
import { checkPort, choosePort, defaultPorts } from "./ports.ts";
import { assetsOf, type Place } from "./programs.ts";
import { homeOf, readRecord, type UpRecord, writeRecord } from "./record.ts";
import { checkGit } from "./requirements.ts";
import type { Steps } from "./steps.ts";
import { openWebSandbox } from "./web-sandbox.ts";

/** What the operator asks for, of what a hive has by itself. */
export type AskedPorts = { forge: number | undefined; dashboard: number | undefined };

export type Start = {
  home: Home;
  /** held by us and by all that we start, each until it ends */
  lock: Lock;
  program: string;
  external: ExternalForge | undefined;
  ports: AskedPorts;
  nudgeAfterHours: number | undefined;
  /** the front end was already built, by whoever could write the program's directory */
  isBuilt: boolean;
  steps: Steps;
  /** asks for the ordered stop */
  stop: AbortController;
};

/**
 * Decides what a first start has to decide, and finds what a later one had decided. The record is written last: what is
 * refused here binds a hive to nothing.
 * @throws Refusal for what the operator has to change; the signal's reason when it is aborted meanwhile.
 */
export async function prepare(start: Start): Promise<{ place: Place; source: ForgeSource }> {
  const { home, program, steps } = start;
  steps.note(`git ${checkGit()}, Node ${process.versions.node}, home ${home.root}`);
  const decided = await decide(start);
  const { forge, dashboardPort, nudgeAfterHours } = decided;
  await checkPorts(decided);
  const source = await openForge(forge, { home, program });
  if (!start.isBuilt && needsBuild(program)) await steps.run("Building the dashboard", () => buildFrontEnd(program));
  await tellOfMail(home, forge, steps);
  await prepareForge(source, start); // first: what it refuses must not leave a compiler running
  await compile(program);
  const runtime = openRuntime(home.root);
  writeRecord(home.record, { ...decided, runtime: runtime.root });
  const sandbox = openWebSandbox({
    node: process.execPath,
    program,
    assets: assetsOf(program),
    socketDirectory: dirname(runtime.web),
  });
  return {
    place: {
      home: homeOf(home, forge),
      runtime,
      program,
      forge: source.forge,
      dashboardPort,
      nudgeAfterHours,
      sandbox,
    },
    source,
  };
}

type Decided = Omit<UpRecord, "runtime">;

async function decide({ home, program, external, ports, nudgeAfterHours, steps, stop }: Start): Promise<Decided> {
  const known = readRecord(home.record);
  const forge = await chooseForge(known?.forge, { external, port: ports.forge }, async () => {
    const { obtainForgejo } = await import("./obtain-forgejo.ts"); // few starts need it, and OpenPGP is much to load
    return obtainForgejo(program, steps, stop.signal);
  });
  return {
    forge,
    dashboardPort: ports.dashboard ?? known?.dashboardPort ?? (await choosePort(defaultPorts.dashboard)),
    nudgeAfterHours: nudgeAfterHours ?? known?.nudgeAfterHours,
  };
}

async function checkPorts({ forge, dashboardPort }: Decided): Promise<void> {
  if (forge.kind !== "external")
    await checkPort(forge.port, "its forge", "Stop that program: clone URLs name this port, so the hive keeps it.");
  await checkPort(dashboardPort, "its dashboard", "Stop that program, or choose another with --dashboard-port.");
}

async function prepareForge({ title, prepare }: ForgeSource, { steps, stop }: Start): Promise<void> {
  if (prepare) await steps.run(`Checking ${title}`, (step) => orAborted(prepare(step), stop.signal));
}
