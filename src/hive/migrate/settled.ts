/** Forgejo learns of a push, and looks for conflicts, after it has answered: what is to follow has to wait. */
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { systemClock } from "../../daemon/clock.ts";
import type { Api } from "./api.ts";

const lookEveryMs = 250;
const settledWithinMs = 30_000;

/** Until the forge knows that a repository, to which something was pushed, is not empty. @param path in the API */
export const untilFilled = (to: Api, path: string): Promise<void> =>
  settled(path, async () => !(await to.ask(z.object({ empty: z.boolean() }), "GET", path)).empty);

/** Looks again and again. @throws Fault when it takes too long */
export async function settled(what: string, look: () => Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(settledWithinMs);
  while (!(await look())) {
    if (late.aborted) throw new Fault(`The new forge does not come to an end with what ${what} was given.`);
    await systemClock.wait(lookEveryMs, late);
  }
}
