/** How the commands reach a running hive. */
import { Refusal } from "../../contract/refusal.ts";
import { chooseHome, homeAt, type Runtime, runtimeAt } from "./home.ts";
import { isRunning } from "./lock.ts";
import { readRecord } from "./record.ts";

/** @throws Refusal `not_running`. */
export async function reachHive(askedHome: string | undefined): Promise<{ root: string; runtime: Runtime }> {
  const root = chooseHome(askedHome);
  const record = (await isRunning(root)) ? readRecord(homeAt(root).record) : undefined;
  if (!record) throw new Refusal("not_running", `The hive in ${root} does not run.`, "Start it with `npm start`.");
  return { root, runtime: runtimeAt(record.runtime) };
}
