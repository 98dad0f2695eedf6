/**
 * Downloads the pinned Forgejo into the cache. It gets its name there, under which it is found and run, only once its
 * checksum, its signature and its version are right; until then it is `forgejo.partial`, which an interrupted download
 * goes on with.
 */
import { createHash } from "node:crypto";
import { chmodSync, createReadStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { systemClock } from "../../daemon/clock.ts";
import { download, readText } from "./download.ts";
import { type Forgejo, forgejoCache, versionOf } from "./forgejo.ts";
import { takeLock } from "./lock.ts";
import { type Asset, assetOf, type Release } from "./release.ts";
import { findKey, whyNotSigned } from "./signature.ts";
import type { Step, Steps } from "./steps.ts";

/** A mirror that answers: where the program is, and its signature. */
export type Offer = { release: Release; asset: Asset; url: string; signature: string };

/** The pinned Forgejo, if it is installed. */
export function installedForgejo({ version }: Release): Forgejo | undefined {
  const path = join(forgejoCache(), version, "forgejo");
  return existsSync(path) ? { path, version } : undefined;
}

/**
 * Asks all mirrors at once for the release's signature.
 * @throws Fault with what each of them said, when none has answered well in that time.
 */
export async function askMirrors(release: Release, withinMs: number, signal: AbortSignal): Promise<Offer> {
  const asset = assetOf(release);
  const late = AbortSignal.timeout(withinMs);
  const decided = new AbortController();
  const within = AbortSignal.any([signal, late, decided.signal]);
  const asked = release.mirrors.map(async (mirror) => {
    const url = `${mirror}/${asset.file}`;
    const signature = await readText(`${url}.asc`, within);
    if (!signature.startsWith("-----BEGIN PGP SIGNATURE-----")) throw new Fault(`${url}.asc is no signature`);
    return { release, asset, url, signature };
  });
  const answer = await Promise.any(asked).catch((error: AggregateError) => error);
  decided.abort(); // the others need not answer any more
  signal.throwIfAborted();
  if (!(answer instanceof AggregateError)) return answer;
  throw new Fault(
    late.aborted
      ? `no mirror answered within ${withinMs / 1000} s`
      : answer.errors.map(({ message }: Error) => message).join("; "),
  );
}

/**
 * Installs what a mirror offers; one installation at a time, whoever comes second finds it done.
 * @throws Refusal `forgejo_not_genuine`, `key_unavailable`, `cache_full`, `cache_not_writable`; Fault when the line fails.
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
  const { release, asset, url } = offer;
  const partial = join(directory, "forgejo.partial");
  const key = await obtainKey(release, signal); // first: without it the rest is in vain
  const sha256 = asset.sha256 ?? (await readText(`${url}.sha256`, signal)).trim().split(/\s/)[0];
  step.say(`from ${new URL(url).host}`);
  await download(url, partial, step.progress, signal);
  step.say("checking its checksum and its signature");
  const found = await sha256Of(partial);
  if (found !== sha256) throw notGenuine(offer, partial, `its checksum is ${found}, not ${sha256}`);
  const why = await whyNotSigned(partial, offer.signature, key);
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

/** @throws Refusal `key_unavailable` when no address gives the key with the pinned fingerprint. */
async function obtainKey({ key, mirrors }: Release, signal: AbortSignal) {
  const said: string[] = [];
  for (const url of key.urls) {
    const text = await readText(url, signal).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
      said.push(error.message);
    });
    if (text === undefined) continue;
    const found = await findKey(text, key.fingerprint);
    if (found) return found;
    said.push(`${url} has another key`);
  }
  throw new Refusal(
    "key_unavailable",
    `Forgejo's release key ${key.fingerprint} cannot be had (${said.join("; ")}).`,
    `Try again later, or put the key beside your mirror's files as ${mirrors[0]}/release-key.asc.`,
  );
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
