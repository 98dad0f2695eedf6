import { resolve } from "node:path";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { routes } from "../../contract/routes.ts";
import { stopSignal } from "../../daemon/stop.ts";
import { client } from "../../rpc/client.ts";
import { exitCodes } from "../exit-codes.ts";
import { type ExternalForge, externalForgeOf } from "../up/external.ts";
import { chooseHome, homeAt, openHome, runtimeAt } from "../up/home.ts";
import { readLinks } from "../up/links.ts";
import { isRunning, takeLock } from "../up/lock.ts";
import type { AskedPorts } from "../up/prepare.ts";
import { readRecord } from "../up/record.ts";
import { checkGit } from "../up/requirements.ts";
import { handOver } from "../up/root.ts";
import { runHive } from "../up/run.ts";
import { openSteps } from "../up/steps.ts";

type UpOptions = {
  home?: string;
  forgeUrl?: string;
  adminTokenFile?: string;
  forgePort?: number;
  dashboardPort?: number;
  nudgeAfter?: number;
  user?: string;
};

const program = resolve(import.meta.dirname, "../../..");
/** npm, a terminal and we ourselves may each pass the same Ctrl-C on; only a later one means "at once". */
const sameSignalMs = 1_000;

/** Runs until it is stopped. @throws Refusal for what the operator has to change. */
export async function up(options: UpOptions): Promise<number> {
  const root = chooseHome(options.home);
  if (await isRunning(root)) return showRunning(root);
  const external = externalOf(options);
  checkGit();
  const steps = openSteps(process.stdout);
  const { forgePort, dashboardPort, nudgeAfter, user } = options;
  const ports = { forge: forgePort, dashboard: dashboardPort };
  if (process.getuid?.() === 0) {
    const command = ["up", ...argumentsOf(external, ports, nudgeAfter)];
    await handOver({ root, program, command, reads: external?.adminTokenFile, user, steps });
    return exitCodes.ok;
  }
  if (user !== undefined)
    throw new Refusal(
      "not_root",
      "Only root can start a hive as another user.",
      "Leave --user away, or start as root.",
    );
  const home = openHome(root);
  const lock = await takeLock(home.root, steps.note);
  if (!lock) return showRunning(home.root);
  const isBuilt = process.env["HIVE_PREPARED"] !== undefined;
  await runHive({
    home,
    lock,
    program,
    external,
    ports,
    nudgeAfterHours: nudgeAfter,
    isBuilt,
    steps,
    stop: stopController(),
  });
  return exitCodes.ok;
}

function externalOf({ forgeUrl, adminTokenFile }: UpOptions) {
  return forgeUrl === undefined || adminTokenFile === undefined ? undefined : externalForgeOf(forgeUrl, adminTokenFile);
}

const argumentsOf = (
  external: ExternalForge | undefined,
  { forge, dashboard }: AskedPorts,
  nudgeAfter: number | undefined,
): string[] => [
  ...(external ? ["--forge-url", external.url, "--admin-token-file", external.adminTokenFile] : []),
  ...(forge === undefined ? [] : ["--forge-port", String(forge)]),
  ...(dashboard === undefined ? [] : ["--dashboard-port", String(dashboard)]),
  ...(nudgeAfter === undefined ? [] : ["--nudge-after", String(nudgeAfter)]),
];

/** Started twice: the links of the one that runs are what the operator wants. @throws Fault while it has none yet. */
async function showRunning(root: string): Promise<number> {
  const record = readRecord(homeAt(root).record);
  const hived = client(routes, "admin", runtimeAt(record?.runtime ?? "").admin);
  try {
    process.stdout.write(`The hive in ${root} runs already.\n\n${await readLinks(hived)}\n`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(
      `The hive in ${root} runs already, but hived does not answer yet. Wait, or look at \`hive status\`.`,
    );
  } finally {
    await hived.close();
  }
}

/** Aborted by what stops a program of ours, and by whoever else asks; a second Ctrl-C leaves the rest to the lifelines. */
function stopController(): AbortController {
  const stop = new AbortController();
  const signal = stopSignal();
  let firstAt = Number.POSITIVE_INFINITY;
  process.on("SIGINT", () => {
    firstAt = Math.min(firstAt, performance.now());
    if (performance.now() - firstAt > sameSignalMs) process.exit(exitCodes.bug);
  });
  signal.addEventListener("abort", () => stop.abort(), { once: true });
  return stop;
}
