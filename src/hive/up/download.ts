/** Downloads over HTTP: small texts whole, a large file so that it goes on where it broke off. */
import { rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { EnvHttpProxyAgent, fetch, type Response } from "undici";
import { Fault } from "../../contract/fault.ts";
import { systemClock } from "../../daemon/clock.ts";
import { backoffMs, describe } from "../../daemon/fault.ts";

/** A line that is silent for so long is given up. */
const silentMs = 30_000;
const mostTextBytes = 1024 * 1024;
/** A Forgejo has about 120 MiB. */
const mostFileBytes = 512 * 1024 * 1024;
/** In a row and without a byte more: then a person should know. */
const mostFailures = 4;

/** Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY: a server often has no other way out. */
const dispatcher = new EnvHttpProxyAgent({ headersTimeout: silentMs, bodyTimeout: silentMs });

/** A text of at most 1 MiB. @throws Fault with the address; the signal's reason when it is aborted. */
export async function readText(url: string, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of bodyOf(await get(url, {}, signal), url, signal)) {
    bytes += part.length;
    if (bytes > mostTextBytes) throw new Fault(`${url} sends too much`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

type Progress = (doneBytes: number, totalBytes: number | undefined) => void;

/**
 * Downloads to a file. What is there of an earlier attempt is kept and gone on with; whether it fits what comes, the
 * caller's checksum tells.
 * @throws Fault when the line fails again and again, and what has arrived stays; the system's error, such as ENOSPC.
 */
export async function download(url: string, path: string, progress: Progress, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ; ) {
    const before = sizeOf(path);
    try {
      return await downloadRest(url, path, progress, signal);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      failures = sizeOf(path) > before ? 1 : failures + 1;
      if (failures >= mostFailures) throw error;
      await systemClock.wait(backoffMs(failures), signal);
      signal.throwIfAborted();
    }
  }
}

async function downloadRest(url: string, path: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const have = sizeOf(path);
  const answer = await get(url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
  if (answer.status === 416) {
    await answer.body?.cancel();
    if (answer.headers.get("content-range") === `bytes */${have}`) return; // all of it had arrived
    rmSync(path);
    throw new Fault(`${url} has less than had arrived of it`);
  }
  const isRest = answer.status === 206 && answer.headers.get("content-range")?.startsWith(`bytes ${have}-`) === true;
  if (answer.status === 206 && !isRest) throw new Fault(`${url} answers with another part than was asked for`);
  const start = isRest ? have : 0;
  const length = Number(answer.headers.get("content-length") ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : start + length;
  const file = await open(path, isRest ? "a" : "w", 0o600);
  try {
    await writeAll(file, bodyOf(answer, url, signal), (bytes) => {
      if (start + bytes > mostFileBytes) throw new Fault(`${url} sends too much`);
      progress(start + bytes, total);
    });
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, body: AsyncIterable<Uint8Array>, written: (bytes: number) => void) {
  let bytes = 0;
  for await (const part of body) {
    await file.writeFile(part);
    bytes += part.length;
    written(bytes);
  }
}

/** @throws Fault unless it answers 200, 206 or 416. */
async function get(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  const asked = { signal, dispatcher, headers: { ...headers, "accept-encoding": "identity" } };
  const answer = await fetch(url, asked).catch((error: unknown) => {
    throw faultOf(url, error, signal);
  });
  if ([200, 206, 416].includes(answer.status)) return answer;
  await answer.body?.cancel();
  throw new Fault(`${url} answered ${answer.status}`);
}

async function* bodyOf({ body }: Response, url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of body ?? []) yield part as Uint8Array;
  } catch (error) {
    throw faultOf(url, error, signal); // of the line alone: what the reader throws does not come by here
  }
}

/** Whatever fetch rejects with is the line's doing (refused, cut off, a certificate), but for our own abort. */
function faultOf(url: string, error: unknown, signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : new Fault(`${new URL(url).host}: ${reasonOf(error)}`, { cause: error });
}

const reasonOf = (error: unknown) =>
  error instanceof Error && error.cause instanceof Error ? describe(error.cause) : describe(error);

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
