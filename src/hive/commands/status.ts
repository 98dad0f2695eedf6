import type { Agent } from "../../contract/agent.ts";
import type { ForgeHealth, WorkTrouble } from "../../contract/facts.ts";
import { Fault } from "../../contract/fault.ts";
import type { Pair } from "../../contract/pair.ts";
import { Refusal } from "../../contract/refusal.ts";
import { type Process, routes, upRoutes } from "../../contract/routes.ts";
import { client } from "../../rpc/client.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Runtime } from "../up/home.ts";
import { reachHive } from "../up/reach.ts";
import { needsSomebody, troubleLines } from "./troubles.ts";

/** What `--json` prints while the hive runs; docs/cli.md describes it for whoever reads it with a program. */
type Status = {
  running: true;
  home: string;
  processes: Process[];
  /** why nothing, or nothing new, can be stored; null when all is well, and while hived does not answer */
  database: string | null;
  /** null while hived does not answer */
  forge: ForgeHealth | null;
  dashboardUrl: string | null;
  agents: Agent[] | null;
  restingPairs: Pair[];
  /** work that was given up, or fails again and again */
  troubles: WorkTrouble[];
  problem: string | null;
};

/** Shows a running hive. @throws Refusal `not_running`; with `--json` that is printed instead. */
export async function status(options: { home?: string; json?: boolean }): Promise<number> {
  try {
    const { root, runtime } = await reachHive(options.home);
    const found = await readAll(root, runtime);
    process.stdout.write(options.json ? `${JSON.stringify(found, null, 2)}\n` : statusText(found));
    return isWell(found) ? exitCodes.ok : exitCodes.unwell;
  } catch (error) {
    if (!(options.json && error instanceof Refusal && error.code === "not_running")) throw error;
    process.stdout.write(`${JSON.stringify({ running: false, problem: error.message }, null, 2)}\n`);
    return exitCodes.notRunning;
  }
}

async function readAll(root: string, runtime: Runtime): Promise<Status> {
  const up = client(upRoutes, "up", runtime.up);
  const hived = client(routes, "admin", runtime.admin);
  try {
    const { processes } = await up.readProcesses({});
    const known = { running: true as const, home: root, processes };
    const unknown = { database: null, forge: null, dashboardUrl: null, agents: null, restingPairs: [], troubles: [] };
    try {
      return { ...known, ...(await hived.readStatus({})), problem: null };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { ...known, ...unknown, problem: "hived does not answer" };
    }
  } finally {
    await Promise.all([up.close(), hived.close()]);
  }
}

const isWell = ({ processes, database, forge, agents, troubles }: Status) =>
  database === null &&
  forge?.problem === null &&
  processes.every((process_) => process_.health === "ready") &&
  agents !== null &&
  !needsSomebody({ agents, troubles });

export function statusText(status: Status): string {
  const { home, processes, database, forge, dashboardUrl, agents, problem } = status;
  const troubles = troubleLines({ ...status, agents: agents ?? [] });
  const lines = [
    `home       ${home}`,
    ...(database === null ? [] : [`database   ${database}`]),
    `dashboard  ${dashboardUrl ?? problem}`,
    `forge      ${forge ? [forge.url, forge.kind, forge.version, forge.problem, catchUpText(forge)].filter(Boolean).join(", ") : problem}`,
    ...(forge?.hookProblem ? [`webhooks   ${forge.hookProblem}`] : []),
    "",
    ...columns(processes.map(processRow)),
    ...(agents && agents.length > 0 ? ["", ...columns(agents.map(agentRow))] : []),
    ...(troubles.length > 0 ? ["", ...troubles] : []),
  ];
  return `${lines.join("\n")}\n`;
}

const catchUpText = ({ catchingUp }: ForgeHealth): string | null =>
  catchingUp && `looking at what has changed (${catchingUp.done} of ${catchingUp.of})`;

const processRow = ({ name, health, pid, restarts, problem, note }: Process) => [
  name,
  health,
  pid === null ? "" : `pid ${pid}`,
  restarts === 0 ? "" : `${restarts} restarts`,
  problem ?? note ?? "",
];

const agentRow = ({ name, role, state, runtime, problem }: Agent) => [name, role, state, runtime ?? "", problem ?? ""];
