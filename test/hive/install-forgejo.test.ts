/** The pinned Forgejo is downloaded, proved, and installed; what is not proved is never run. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { reformatKey } from "openpgp";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refusal } from "../../src/contract/refusal.ts";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { askMirrors, installForgejo } from "../../src/hive/up/install-forgejo.ts";
import { readRelease } from "../../src/hive/up/release.ts";
import { openSteps, type Steps } from "../../src/hive/up/steps.ts";
import { type Mirror, newKey, openMirror, program, sha256, signatureOf, version } from "./release-server.ts";

let cache: string;
let said: string;
let steps: Steps;
const never = new AbortController().signal;
const key = await newKey();

beforeEach(() => {
  cache = mkdtempSync("/tmp/hive-cache-");
  vi.stubEnv("XDG_CACHE_HOME", cache);
  vi.stubEnv("HIVE_FORGEJO_BIN", "");
  said = "";
  const write = (text: string) => {
    said += text;
    return true;
  };
  steps = openSteps({ isTTY: false, columns: 80, write } as unknown as Parameters<typeof openSteps>[0]);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

const directory = () => join(cache, "hyperhive/forgejo", version);
const install = async ({ release }: Mirror, signal = never) =>
  installForgejo(await askMirrors(release, 3_000, signal), steps, signal);
const left = () => (existsSync(directory()) ? readdirSync(directory()) : []);

/** A program that would tell on itself if it were ever run. */
function trap(): Buffer {
  return Buffer.from(`#!/bin/sh\ntouch ${cache}/was-run\necho 'forgejo version ${version}'\n`);
}

async function expectNotGenuine(mirror: Mirror, why: RegExp): Promise<void> {
  const error = await install(mirror).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refusal);
  expect(error).toMatchObject({
    code: "forgejo_not_genuine",
    message: expect.stringMatching(why),
    next: expect.stringContaining("never run"),
  });
  expect(left()).toEqual([]);
  expect(existsSync(join(cache, "was-run"))).toBe(false);
}

test("a genuine release is installed, told step by step, and found afterwards", async () => {
  await using mirror = await openMirror(program(version, 30_000_000), key);
  const installed = await install(mirror);
  expect(installed).toEqual({ path: join(directory(), "forgejo"), version });
  expect(left()).toEqual(["forgejo"]);
  expect(statSync(installed.path).mode & 0o777).toBe(0o755);
  expect(await findForgejo()).toEqual(installed);
  expect(said).toMatch(/Installing Forgejo 15\.0\.9 …\n.*from 127\.0\.0\.1:\d+\n.*: 0 of 28 MiB\n/);
  expect(said).toMatch(/28 of 28 MiB\n.*: checking its checksum and its signature\n.*\n✓ Installing Forgejo 15\.0\.9/);
});

test("a second installation finds it done, and asks for nothing", async () => {
  await using mirror = await openMirror(program(), key);
  const first = await install(mirror);
  const { mtimeMs } = statSync(first.path);
  expect(await install(mirror)).toEqual(first);
  expect(mirror.ranges).toEqual([""]);
  expect(statSync(first.path).mtimeMs).toBe(mtimeMs);
});

test("of two installations at once, one downloads and the other finds it done", async () => {
  await using mirror = await openMirror(program(), key);
  const [one, other] = await Promise.all([install(mirror), install(mirror)]);
  expect(one).toEqual(other);
  expect(mirror.ranges).toEqual([""]);
});

test("what was tampered with is refused, deleted, and never run", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.files.set(mirror.file, trap());
  await expectNotGenuine(mirror, /its checksum is [0-9a-f]{64}, not [0-9a-f]{64}/);
  mirror.files.set(`${mirror.file}.sha256`, sha256(trap())); // the mirror's own checksum proves nothing
  await expectNotGenuine(mirror, /[Ss]igned digest did not match/);
});

test("a checksum that is pinned is what counts, whatever the mirror says", async () => {
  await using mirror = await openMirror(program(), key);
  for (const platform of Object.values(mirror.release.platforms)) platform.sha256 = "0".repeat(64);
  await expectNotGenuine(mirror, /not 0{64}/);
});

test("what another key has signed is refused", async () => {
  await using mirror = await openMirror(trap(), key);
  mirror.files.set(`${mirror.file}.asc`, await signatureOf(trap(), await newKey()));
  await expectNotGenuine(mirror, /Could not find signing key/);
});

test("a key with another fingerprint is not taken, whatever it has signed", async () => {
  const other = await newKey();
  await using mirror = await openMirror(trap(), other);
  mirror.release.key.fingerprint = key.getFingerprint();
  await expect(install(mirror)).rejects.toThrow(`release-key.asc is not the key ${key.getFingerprint()}`);
  expect(mirror.ranges).toEqual([]);
  expect(left()).toEqual([]);
});

test("the key is taken from wherever it can be had", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.release.key.urls.unshift(`${mirror.url}/no-such-key`, `${mirror.url}${mirror.file}`);
  expect(await install(mirror)).toMatchObject({ version });
});

test("what the key has signed after its end is refused, and what it had signed before is good", async () => {
  const hour = 3_600_000;
  const made = new Date(Date.now() - 10 * hour);
  const old = await newKey({ date: made });
  const ended = { privateKey: old, userIDs: [{ name: "Releases" }], format: "object" as const };
  const { publicKey } = await reformatKey({ ...ended, date: made, keyExpirationTime: 3600 });
  await using mirror = await openMirror(program(), old);
  mirror.files.set("/release-key.asc", publicKey.armor());
  await expectNotGenuine(mirror, /expired/);
  mirror.files.set(`${mirror.file}.asc`, await signatureOf(program(), old, new Date(made.getTime() + hour / 2)));
  expect(await install(mirror)).toMatchObject({ version });
});

test("an older release under the new one's name is refused, though its signature is good", async () => {
  await using mirror = await openMirror(program("15.0.3"), key);
  await expectNotGenuine(mirror, /it is Forgejo 15\.0\.3/);
});

test("a signature that is none, and a checksum that is missing, are named", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.files.set(`${mirror.file}.asc`, "-----BEGIN PGP SIGNATURE-----\nnonsense");
  await expectNotGenuine(mirror, /what should be its signature is none/);
  mirror.files.delete(`${mirror.file}.sha256`);
  await expect(install(mirror)).rejects.toThrow(`${mirror.file}.sha256 answered 404`);
});

test("a line that breaks is taken up again where it broke, without a word lost", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.breaksAfter = [1_000_000, 500_000];
  const { path } = await install(mirror);
  const [whole, ...starts] = mirror.ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0));
  expect(starts).toHaveLength(2);
  expect([whole, ...starts]).toEqual([0, ...starts].toSorted((a, b) => a - b));
  expect(starts[0]).toBeGreaterThan(0);
  expect(sha256(readFileSync(path))).toBe(sha256(program()));
});

test("an interrupted download is kept, and the next start goes on with it", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.breaksAfter = [1_000_000];
  mirror.stalls = true;
  const stop = new AbortController();
  const broken = install(mirror, stop.signal);
  await expect.poll(() => left().includes("forgejo.partial") && sizeOfPartial()).toBe(1_000_000);
  stop.abort(new Error("Ctrl-C"));
  await expect(broken).rejects.toThrow("Ctrl-C");
  expect(left()).toEqual(["forgejo.partial"]);
  expect(await install(mirror)).toMatchObject({ version });
  expect(mirror.ranges.at(-1)).toBe("bytes=1000000-");
  expect(left()).toEqual(["forgejo"]);
});

const sizeOfPartial = () => statSync(join(directory(), "forgejo.partial")).size;

test("a part that is whole already is not fetched again, and one of something else is found out", async () => {
  await using mirror = await openMirror(program(), key);
  mkdirSync(directory(), { recursive: true });
  writeFileSync(join(directory(), "forgejo.partial"), program());
  expect(await install(mirror)).toMatchObject({ version });
  rmSync(directory(), { recursive: true });
  mkdirSync(directory(), { recursive: true });
  writeFileSync(join(directory(), "forgejo.partial"), "#!/bin/sh\necho of another release\n");
  await expectNotGenuine(mirror, /its checksum/);
  expect(await install(mirror)).toMatchObject({ version });
});

test("a mirror that never sends the end is given up, and what has arrived is kept", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.breaksAfter = [1_000_000, 0, 0, 0];
  await expect(install(mirror)).rejects.toThrow(/^127\.0\.0\.1:\d+: /);
  expect(left()).toEqual(["forgejo.partial"]);
  expect(sizeOfPartial()).toBeGreaterThan(0);
});

test("a mirror that is cut short and says nothing of it is found out by the checksum", async () => {
  await using mirror = await openMirror(program(), key);
  mirror.files.set(mirror.file, program().subarray(0, 2_000_000));
  await expectNotGenuine(mirror, /its checksum/);
});

test("a full disk is named, and what has arrived is kept", async (context) => {
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", cache]);
  if (mounted.status !== 0) return context.skip("needs to mount a small disk");
  try {
    await using mirror = await openMirror(program(), key);
    const error = await install(mirror).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "cache_full", next: expect.stringContaining("what has arrived is kept") });
    expect(left()).toEqual(["forgejo.partial"]);
    expect(sizeOfPartial()).toBeGreaterThan(100_000);
  } finally {
    spawnSync("umount", [cache]);
  }
});

test("a cache that cannot be written is named", async () => {
  await using mirror = await openMirror(program(), key);
  writeFileSync(join(cache, "hyperhive"), "a file");
  await expect(install(mirror)).rejects.toMatchObject({ code: "cache_not_writable" });
});

test("mirrors are asked all at once: one that is down and one that is silent hold up nobody", async () => {
  await using mirror = await openMirror(program(), key);
  await using silent = await openMirror(program(), key);
  silent.isSilent = true;
  const down = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => down.once("listening", resolve));
  const { port } = down.address() as { port: number };
  await new Promise((resolve) => down.close(resolve));
  const nobody = `http://127.0.0.1:${port}`;
  const mirrors = [nobody, silent.url, mirror.url];
  expect((await askMirrors({ ...mirror.release, mirrors }, 60_000, never)).url).toBe(`${mirror.url}${mirror.file}`);
  await expect(askMirrors({ ...mirror.release, mirrors: [nobody] }, 3_000, never)).rejects.toThrow("ECONNREFUSED");
  await expect(askMirrors(silent.release, 100, never)).rejects.toThrow(
    "not all that is needed has answered within 0.1 s",
  );
  mirror.files.set(`${mirror.file}.asc`, "<html>Welcome to our wireless network");
  await expect(askMirrors(mirror.release, 3_000, never)).rejects.toThrow("is no signature");
});

test("the release that is pinned names its mirrors, its key, and what it knows of its checksums", () => {
  const root = new URL("../..", import.meta.url).pathname;
  const release = readRelease(root);
  expect(release.platforms).toHaveProperty("linux-x64.name", "linux-amd64");
  expect(release.key.urls.join(" ").toLowerCase()).toContain(release.key.fingerprint);
  expect(readRelease(root, ["https://mirror.example/forgejo"])).toEqual({
    ...release,
    mirrors: ["https://mirror.example/forgejo"],
    key: { ...release.key, urls: ["https://mirror.example/forgejo/release-key.asc", ...release.key.urls] },
  });
});
