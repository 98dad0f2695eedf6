/** How the commands reach a running hive. */
import { Refusal } from "../../contract/refusal.ts";
import { routes } from "../../contract/routes.ts";
import { client } from "../../rpc/client.ts";
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

export type Hived = ReturnType<typeof client<typeof routes, "admin">>;

/** Calls hived as the admin, and hangs up. @throws Refusal `not_running`, or as hived says it */
export async function withHived<Result>(
  { home }: { home?: string },
  work: (hived: Hived) => Promise<Result>,
): Promise<Result> {
  const { runtime } = await reachHive(home);
  const hived = client(routes, "admin", runtime.admin);
  try {
    return await work(hived);
  } finally {
    await hived.close();
  }
}
