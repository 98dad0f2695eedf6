import { lstatSync } from "node:fs";
import { resolve } from "node:path";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { stopSignal } from "../../daemon/stop.ts";
import { exitCodes } from "../exit-codes.ts";
import { migrate } from "../migrate/migrate.ts";
import { findForgejo } from "../up/forgejo.ts";
import { chooseHome, homeAt, openHome } from "../up/home.ts";
import { isRunning, takeLock } from "../up/lock.ts";
import { readRecord, type UpRecord } from "../up/record.ts";
import { checkGit } from "../up/requirements.ts";
import { handOver } from "../up/root.ts";
import { openSteps } from "../up/steps.ts";

type Options = { home?: string; dryRun?: boolean };

const program = resolve(import.meta.dirname, "../../..");

/**
 * Moves a stopped hive from its embedded forge to a Forgejo.
 * @throws Refusal `hive_runs`, `no_embedded_forge`, `forgejo_missing`; Fault when it was stopped, or a forge fails
 */
export async function forgeMigrate({ home: asked, dryRun: isDryRun = false }: Options): Promise<number> {
  const root = chooseHome(asked);
  if (await isRunning(root)) throw runs(root);
  const record = embeddedRecord(root);
  checkGit();
  const forgejo = await findForgejo();
  if (!forgejo)
    throw new Refusal(
      "forgejo_missing",
      "No Forgejo is found to move to (HIVE_FORGEJO_BIN, PATH, the cache).",
      "Run `hive forge install`, or name its binary in HIVE_FORGEJO_BIN; bash must be on PATH too.",
    );
  const steps = openSteps(process.stdout);
  if (process.getuid?.() === 0) {
    const command = ["forge", "migrate", ...(isDryRun ? ["--dry-run"] : [])];
    await handOver({ root, program, command, reads: undefined, user: String(lstatSync(root).uid), steps });
    return exitCodes.ok;
  }
  const signal = stopSignal();
  const home = openHome(root);
  const lock = await takeLock(home.root, steps.note);
  if (!lock) throw runs(root);
  try {
    await migrate({ home, lock, program, record, forgejo, isDryRun, steps, signal });
    return exitCodes.ok;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Fault("Stopped. The hive has its embedded forge as before; the next time begins anew.");
  } finally {
    lock.release();
  }
}

const runs = (root: string) =>
  new Refusal("hive_runs", `The hive in ${root} runs.`, "Stop it with `hive down`, and then move it.");

function embeddedRecord(root: string): UpRecord & { forge: { kind: "embedded" } } {
  const record = readRecord(homeAt(root).record);
  if (record?.forge.kind === "embedded") return { ...record, forge: record.forge };
  const what = record
    ? `has ${record.forge.kind === "managed" ? "a Forgejo" : "an external forge"} already`
    : "was never started";
  throw new Refusal("no_embedded_forge", `The hive in ${root} ${what}.`, "Only an embedded forge can be moved.");
}
