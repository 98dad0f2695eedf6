/** A Forgejo for a new hive where none is found: downloaded, if a mirror answers at once. */
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { askMirrors, installForgejo, type Offer } from "./install-forgejo.ts";
import { mirrorsOfEnvironment, readRelease } from "./release.ts";
import type { Steps } from "./steps.ts";
import { findOnPath } from "./web-sandbox.ts";

const answerWithinMs = 3_000;

/**
 * Installs a Forgejo, or says in one line why it can't. What fails once a mirror has answered ends the start: a hive stays
 * with its forge, so it must not get the embedded one for a line that broke off.
 * @returns whether there is a Forgejo now
 * @throws Refusal or Fault of the installation, with what to do
 */
export async function obtainForgejo(program: string, steps: Steps, signal: AbortSignal): Promise<boolean> {
  const offer = await findOffer(program, signal);
  if (typeof offer === "string") {
    steps.note(`No Forgejo was found (HIVE_FORGEJO_BIN, PATH, the cache), and ${offer}: the embedded forge is used.`);
    return false;
  }
  await installForgejo(offer, steps, signal).catch((error: unknown) => {
    if (!(error instanceof Fault)) throw error;
    throw new Refusal(
      "download_failed",
      `Forgejo could not be downloaded: ${error.message}.`,
      "Start again to go on where it broke off, or with HIVE_FORGEJO_MIRROR=off for the embedded forge.",
    );
  });
  return true;
}

/** An offer, or why there is none, as a part of a sentence. */
async function findOffer(program: string, signal: AbortSignal): Promise<Offer | string> {
  const mirrors = mirrorsOfEnvironment();
  if (mirrors === null) return "HIVE_FORGEJO_MIRROR is off";
  if (!findOnPath("bash")) return "bash, which it needs, is not on PATH";
  try {
    return await askMirrors(readRelease(program, mirrors), answerWithinMs, signal);
  } catch (error) {
    if (error instanceof Fault) return `none could be downloaded (${error.message})`;
    if (error instanceof Refusal && error.code === "no_forgejo_for_platform")
      return "none is published for this machine";
    throw error;
  }
}
