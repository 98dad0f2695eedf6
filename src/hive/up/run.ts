/** One life of a hive, as one ordinary user: from nothing to its links, and to its ordered stop. */
import { rmSync } from "node:fs";
import { Fault } from "../../contract/fault.ts";
import { type Process, routes, upRoutes } from "../../contract/routes.ts";
import type { ResponseOf } from "../../contract/table.ts";
import { systemClock } from "../../daemon/clock.ts";
import { stopped } from "../../daemon/stop.ts";
import { client } from "../../rpc/client.ts";
import { serve } from "../../rpc/serve.ts";
import { explain } from "../exit-codes.ts";
import { Fleet, orAborted } from "./fleet.ts";
import type { ForgeSource } from "./forge.ts";
import { readLinks } from "./links.ts";
import { tellMissed } from "./missed.ts";
import { prepare, type Start } from "./prepare.ts";
import { hivedSpec, type Place, runnerSpec, webSpec } from "./programs.ts";
import type { Hived } from "./reach.ts";
import type { Step, Steps } from "./steps.ts";

/**
 * Starts the hive, prints its links, and returns when it was stopped.
 * @throws Refusal for what the operator has to change; nothing of it runs any more then.
 */
export async function runHive(start: Start): Promise<void> {
  const { home, lock, steps, stop } = start;
  const { signal } = stop;
  const prepared = await prepare(start).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  if (!prepared) return;
  const { place, source } = prepared;
  const fleet = new Fleet(home.logs, reporter(steps, place.runtime));
  const upSocket = await serveUp(fleet, place.runtime.up, stop);
  try {
    // All of them side by side: who needs another that is not there yet tries again, as after any restart.
    const specs = [...(source.spec ? [source.spec] : []), hivedSpec(place), runnerSpec(place), webSpec(place)];
    const locked = specs.map((spec) => ({ ...spec, lock: lock.descriptor }));
    await steps.run(`Starting ${specs.map(({ name }) => name).join(", ")}`, () => fleet.start(locked, signal));
    void fleet.capLogs(signal);
    const { links, status } = await steps.run("Preparing the forge and starting the manager", (step) =>
      waitSettled(place, step, signal),
    );
    for (const warning of warnings(fleet, place, source, status)) steps.note(warning);
    steps.note(`\nThe hive is up.\n\n${links}\n  Ctrl-C stops it.\n`);
    await stopped(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop.abort();
    await steps.run("Stopping", () => fleet.stop());
    await upSocket.close();
    rmSync(place.runtime.root, { recursive: true, force: true });
  }
}

type Status = ResponseOf<typeof routes.readStatus>;

/** On the way of the forge's webhooks. */
const hookPath: ReadonlySet<string> = new Set(["forge", "hive-web"]);

/** Says when a child has ended by itself, and when it is back. */
function reporter(steps: Steps, runtime: Place["runtime"]): (row: Process) => void {
  const away = new Set<string>();
  return ({ name, health, problem, restarts }) => {
    if (health === "restarting") {
      away.add(name);
      steps.note(`${name} ${problem}; it is started again (${restarts})`);
    } else if (health === "ready" && away.delete(name)) {
      steps.note(`${name} is ready again`);
      if (hookPath.has(name)) void tellMissed(runtime.admin);
    }
  };
}

function serveUp(fleet: Fleet, path: string, stop: AbortController) {
  const handlers = {
    readProcesses: () => ({ processes: fleet.rows() }),
    stopHive: () => {
      stop.abort();
      return {};
    },
  };
  return serve(upRoutes, "up", path, handlers, {
    onBug: (error) => process.stderr.write(explain(error).text),
  });
}

/** Waits until the forge is provisioned and the manager can be spoken to, saying what is waited for. */
async function waitSettled(
  { runtime }: Place,
  step: Step,
  signal: AbortSignal,
): Promise<{ links: string; status: Status }> {
  const hived = client(routes, "admin", runtime.admin);
  try {
    for (;;) {
      const waitingFor = await orAborted(whatIsMissing(hived), signal);
      if (waitingFor === undefined) {
        const status = await orAborted(hived.readStatus({}), signal);
        return { links: await orAborted(readLinks(hived), signal), status };
      }
      step.say(waitingFor);
      await systemClock.wait(200, signal);
    }
  } finally {
    await hived.close();
  }
}

/** A failed manager is no reason to wait: the dashboard says more. */
const settledStates: ReadonlySet<string> = new Set(["idle", "working", "parked", "failed", "stopped"]);

async function whatIsMissing(hived: Hived): Promise<string | undefined> {
  try {
    const { forge, agents } = await hived.readStatus({});
    if (forge.problem !== null) return forge.problem;
    const manager = agents.find((agent) => agent.role === "manager");
    if (!manager) return "the manager is not there yet";
    if (settledStates.has(manager.state)) return undefined;
    return manager.problem ?? "the manager is being started";
  } catch (error) {
    if (error instanceof Fault) return "hived does not answer";
    throw error;
  }
}

/** What is weaker than it could be, said aloud at each start. */
function warnings(fleet: Fleet, { sandbox }: Place, source: ForgeSource, { agents, forge }: Status): string[] {
  const web = fleet.rows().find((row) => row.name === "hive-web");
  const isOpen = web?.note?.startsWith("isolated") !== true;
  const why = sandbox.missing ? ` (${sandbox.missing})` : "";
  const open = agents.filter((agent) => agent.runtime === "process").map((agent) => agent.name);
  return [
    ...(isOpen ? [`WARNING: hive-web is ${web?.note ?? "not isolated"}${why}.`] : []),
    ...(open.length > 0 ? [`WARNING: no isolation for ${open.join(", ")}: such an agent could approve itself.`] : []),
    ...(source.note ? [source.note] : []),
    ...(forge.hookProblem ? [forge.hookProblem] : []),
  ];
}
