/**
 * Whether an external forge's webhooks reach us: nothing in its API tells, so a hook of our own is tried in a repository of
 * our own, and taken away again. Any delivery is the proof, whenever it comes.
 */
import type { EpochMs } from "../../contract/names.ts";
import { isRefused } from "./errors.ts";
import type { ForgeHealthKeeper } from "./health.ts";
import { hookSecret } from "./hooks.ts";
import type { LayoutParts } from "./layout.ts";
import { questionsRepo } from "./plan.ts";

type Parts = LayoutParts & { health: ForgeHealthKeeper; signal: AbortSignal };

/** A push to its main wakes nobody. */
const place = { kind: "repo" as const, repo: questionsRepo };

/** Forgejo sends within milliseconds; on a busy machine it may take a while. */
const deliveredWithinMs = 5_000;
const againMs = 5 * 60_000;
const againWhenWellMs = 60 * 60_000;

const follows = "so the hive looks for changes every 30 seconds instead of hearing of them at once";
const unreached = (hookUrl: string) =>
  `The forge's webhooks do not reach ${hookUrl}, ${follows}: a forge on this machine needs ALLOWED_HOST_LIST = loopback under [webhook] in its app.ini and a restart, one on another machine cannot reach it.`;
const switchedOff = `The forge has its webhooks switched off, ${follows}: take DISABLE_WEBHOOKS out of [security] in its app.ini, and restart it.`;

/** Work `try-hook`, on an external forge. @throws ForgeUnavailable while the forge is silent */
export async function tryHook(parts: Parts): Promise<{ again: EpochMs }> {
  const { core, health } = parts;
  const problem = await findProblem(parts);
  health.noteHook(problem);
  return { again: (core.clock.now() + (problem === null ? againWhenWellMs : againMs)) as EpochMs };
}

async function findProblem(parts: Parts): Promise<string | null> {
  const { forge, hookUrl, secrets } = parts;
  const admin = forge.as("hive-admin");
  try {
    const left = await admin.listHooks(place); // by a crash in between
    for (const { id, config } of left) if (config.url === hookUrl) await admin.deleteHook(place, id);
    const id = await admin.createHook(place, { url: hookUrl, secret: hookSecret(secrets), events: ["push"] });
    try {
      const isDelivered = waitForDelivery(parts);
      await admin.tryHook(questionsRepo, id);
      return (await isDelivered) ? null : unreached(hookUrl);
    } finally {
      await admin.deleteHook(place, id);
    }
  } catch (error) {
    if (!isRefused(error, 403)) throw error;
    return switchedOff;
  }
}

async function waitForDelivery({ core, health, signal }: Parts): Promise<boolean> {
  const over = new AbortController();
  const late = core.clock.wait(deliveredWithinMs, AbortSignal.any([signal, over.signal])).then(() => false);
  const isDelivered = await Promise.race([health.nextDelivery().then(() => true), late]);
  over.abort();
  return isDelivered;
}
