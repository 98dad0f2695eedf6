import { resolve } from "node:path";
import { Fault } from "../../contract/fault.ts";
import { stopSignal } from "../../daemon/stop.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Forgejo, findForgejo } from "../up/forgejo.ts";
import { askMirrors, installedForgejo, installForgejo } from "../up/install-forgejo.ts";
import { mirrorOf, mirrorsOfEnvironment, type Release, readRelease } from "../up/release.ts";
import { openSteps } from "../up/steps.ts";

const program = resolve(import.meta.dirname, "../../..");
/** Somebody asked for it, and waits. */
const answerWithinMs = 30_000;

/** Installs the pinned Forgejo, if it is not there. @throws Refusal or Fault that says what to do. */
export async function forgeInstall(options: { mirror?: string[] }): Promise<number> {
  const release = readRelease(program, options.mirror?.map(mirrorOf) ?? mirrorsOfEnvironment() ?? []);
  const before = installedForgejo(release);
  const { path, version } = before ?? (await install(release));
  process.stdout.write(`Forgejo ${version} is ${before ? "there already" : "installed"}: ${path}\n`);
  const used = await findForgejo();
  if (used && used.path !== path)
    process.stdout.write(`A hive takes ${used.path} (${used.version}): HIVE_FORGEJO_BIN and PATH come first.\n`);
  return exitCodes.ok;
}

async function install(release: Release): Promise<Forgejo> {
  const signal = stopSignal();
  try {
    const offer = await askMirrors(release, answerWithinMs, signal);
    return await installForgejo(offer, openSteps(process.stdout), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Fault("Stopped. What has arrived is kept: the next time goes on with it.");
  }
}
