/**
 * Downloads the pinned Forgejo into the cache. It gets its name there, under which it is found and run, only once its
 * checksum, its signature and its version are right; until then it is `forgejo.partial`, which an interrupted download
 * goes on with.
 */
import { createHash } from "node:crypto";
import { chmodSync, createReadStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PublicKey } from "openpgp";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { systemClock } from "../../daemon/clock.ts";
import { download, readText } from "./download.ts";
import { type Forgejo, forgejoCache, versionOf } from "./forgejo.ts";
import { takeLock } from "./lock.ts";
import { type Asset, assetOf, type Release } from "./release.ts";
import { findKey, whyNotSigned } from "./signature.ts";
import type { Step, Steps } from "./steps.ts";

/** What a release can be had and proved with: where the program is, its signature, and the pinned key. */
export type Offer = { release: Release; asset: Asset; url: string; signature: string; key: PublicKey };

/** The pinned Forgejo, if it is installed. */
export function installedForgejo({ version }: Release): Forgejo | undefined {
  const path = join(forgejoCache(), version, "forgejo");
  return existsSync(path) ? { path, version } : undefined;
}

/**
 * Asks all mirrors for the release's signature, and all who may have it for the key, at once.
 * @throws Fault with what each of them said, when none has answered well in that time.
 */
export async function askMirrors(release: Release, withinMs: number, signal: AbortSignal): Promise<Offer> {
  const asset = assetOf(release);
  const late = AbortSignal.timeout(withinMs);
  const decided = new AbortController();
  const within = AbortSignal.any([signal, late, decided.signal]);
  try {
    const [{ url, signature }, key] = await Promise.all([
      Promise.any(release.mirrors.map((mirror) => readSignature(`${mirror}/${asset.file}`, within))),
      Promise.any(release.key.urls.map((url) => readKey(url, release.key.fingerprint, within))),
    ]);
    return { release, asset, url, signature, key };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AggregateError)) throw error;
    if (late.aborted) throw new Fault(`not all that is needed has answered within ${withinMs / 1000} s`);
    throw new Fault(error.errors.map(({ message }: Error) => message).join("; "));
  } finally {
    decided.abort(); // the others need not answer any more
  }
}

async function readSignature(url: string, signal: AbortSignal): Promise<{ url: string; signature: string }> {
  const signature = await readText(`${url}.asc`, signal);
  if (!signature.startsWith("-----BEGIN PGP SIGNATURE-----")) throw new Fault(`${url}.asc is no signature`);
  return { url, signature };
}

async function readKey(url: string, fingerprint: string, signal: AbortSignal): Promise<PublicKey> {
  const key = await findKey(await readText(url, signal), fingerprint);
  if (key) return key;
  throw new Fault(`${url} is not the key ${fingerprint}`);
}

/**
 * Installs what a mirror offers; one installation at a time, whoever comes second finds it done.
 * @throws Refusal `forgejo_not_genuine`, `cache_full`, `cache_not_writable`; Fault when the line fails.
 */
export async function installForgejo(offer: Offer, steps: Steps, signal: AbortSignal): Promise<Forgejo> {
  const { version } = offer.release;
  const directory = join(forgejoCache(), version);
  return steps.run(`Installing Forgejo ${version}`, async (step) => {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o755 });
      return await alone(directory, step, signal, async () => {
        return installedForgejo(offer.release) ?? (await fetchAndCheck(offer, directory, step, signal));
      });
    } catch (error) {
      throw cacheRefusal(directory, error as NodeJS.ErrnoException);
    }
  });
}

async function alone<Result>(
  directory: string,
  step: Step,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    const lock = await takeLock(directory, step.say);
    if (lock) return work().finally(lock.release);
    step.say("waiting for another hive that installs it");
    await systemClock.wait(500, signal);
    signal.throwIfAborted();
  }
}

async function fetchAndCheck(offer: Offer, directory: string, step: Step, signal: AbortSignal): Promise<Forgejo> {
  const { release, asset, url, signature, key } = offer;
  const partial = join(directory, "forgejo.partial");
  const sha256 = asset.sha256 ?? (await readText(`${url}.sha256`, signal)).trim().split(/\s/)[0];
  step.say(`from ${new URL(url).host}`);
  await download(url, partial, step.progress, signal);
  step.say("checking its checksum and its signature");
  const found = await sha256Of(partial);
  if (found !== sha256) throw notGenuine(offer, partial, `its checksum is ${found}, not ${sha256}`);
  const why = await whyNotSigned(partial, signature, key);
  if (why !== null) throw notGenuine(offer, partial, why);
  // Genuine, so it may be run now; but an older release is genuine too, with all that was found in it since.
  chmodSync(partial, 0o755);
  const version = await versionOf(partial);
  if (version !== release.version)
    throw notGenuine(offer, partial, version ? `it is Forgejo ${version}` : "it does not run on this machine");
  const path = join(directory, "forgejo");
  renameSync(partial, path);
  step.say(path);
  return { path, version };
}

function notGenuine({ release, url }: Offer, partial: string, why: string): Refusal {
  rmSync(partial);
  return new Refusal(
    "forgejo_not_genuine",
    `${url} is not Forgejo ${release.version} as it was released: ${why}.`,
    "It was deleted and never run. Try again, or another mirror: HIVE_FORGEJO_MIRROR, or --mirror of `hive forge install`.",
  );
}

/** What the cache's disk refused, as a refusal; anything else stays what it is. */
function cacheRefusal(directory: string, error: NodeJS.ErrnoException): Error {
  if (error.code === "ENOSPC" || error.code === "EDQUOT")
    return new Refusal(
      "cache_full",
      `The disk of ${directory} is full.`,
      "Free 256 MiB, or name another cache in XDG_CACHE_HOME; what has arrived is kept.",
    );
  if (["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOENT"].includes(error.code ?? ""))
    return new Refusal(
      "cache_not_writable",
      `${directory} cannot be written (${error.code}).`,
      "Correct its owner, or name another cache in XDG_CACHE_HOME.",
    );
  return error;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest("hex");
}
