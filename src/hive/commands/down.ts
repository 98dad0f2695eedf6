import { Fault } from "../../contract/fault.ts";
import { upRoutes } from "../../contract/routes.ts";
import { systemClock } from "../../daemon/clock.ts";
import { client } from "../../rpc/client.ts";
import { exitCodes } from "../exit-codes.ts";
import { isRunning } from "../up/lock.ts";
import { reachHive } from "../up/reach.ts";

/** An ordered stop takes 5 s at most; agents' programs may get some more from their guards. */
const stopWithinMs = 15_000;

/** Stops a running hive, and returns when it is gone. @throws Refusal `not_running`; Fault when it does not stop. */
export async function down(options: { home?: string }): Promise<number> {
  const { root, runtime } = await reachHive(options.home);
  const hive = client(upRoutes, "up", runtime.up);
  try {
    await hive.stopHive({});
  } finally {
    await hive.close();
  }
  const late = AbortSignal.timeout(stopWithinMs);
  while (await isRunning(root)) {
    if (late.aborted) throw new Fault(`The hive in ${root} was asked to stop and still runs.`);
    await systemClock.wait(100, late);
  }
  process.stdout.write(`The hive in ${root} has stopped.\n`);
  return exitCodes.ok;
}
