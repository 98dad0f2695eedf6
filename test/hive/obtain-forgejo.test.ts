/** A new hive without a Forgejo: what it downloads, and when it takes the embedded forge instead. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { obtainForgejo } from "../../src/hive/up/obtain-forgejo.ts";
import { openSteps } from "../../src/hive/up/steps.ts";
import { program as binary, type Mirror, newKey, openMirror, version } from "./release-server.ts";

const key = await newKey();
let top: string;
let said: string;

beforeEach(() => {
  top = mkdtempSync("/tmp/hive-obtain-");
  vi.stubEnv("XDG_CACHE_HOME", join(top, "cache"));
  vi.stubEnv("HIVE_FORGEJO_BIN", "");
  vi.stubEnv("HIVE_FORGEJO_MIRROR", undefined);
  said = "";
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(top, { recursive: true });
});

/** As a first start does it, for a program that pins this release. */
function obtain({ release }: Mirror): Promise<boolean> {
  mkdirSync(join(top, "forge"), { recursive: true });
  writeFileSync(join(top, "forge/release.json"), JSON.stringify(release));
  const write = (text: string) => {
    said += text;
    return true;
  };
  const steps = openSteps({ isTTY: false, columns: 80, write } as unknown as Parameters<typeof openSteps>[0]);
  return obtainForgejo(top, steps, new AbortController().signal);
}

const embedded = (why: string) =>
  `No Forgejo was found (HIVE_FORGEJO_BIN, PATH, the cache), and ${why}: the embedded forge is used.\n`;

test("a release that can be had is installed", async () => {
  await using mirror = await openMirror(binary(), key);
  expect(await obtain(mirror)).toBe(true);
  expect(await findForgejo()).toMatchObject({ version });
});

test("the mirrors of HIVE_FORGEJO_MIRROR are asked instead, for the key too, which must still be the pinned one", async () => {
  await using pinned = await openMirror(binary(), key);
  await using other = await openMirror(binary(), key);
  vi.stubEnv("HIVE_FORGEJO_MIRROR", ` http://127.0.0.1:1/nobody ${other.url}/ `);
  expect(await obtain(pinned)).toBe(true);
  expect(pinned.ranges).toEqual([]);
  expect(other.ranges).toEqual([""]);
  vi.stubEnv("HIVE_FORGEJO_MIRROR", "ftp://mirror");
  await expect(obtain(pinned)).rejects.toMatchObject({ code: "bad_mirror" });
});

test("a host that is down leaves the embedded forge, in one line that says why", async () => {
  await using mirror = await openMirror(binary(), key);
  const gone = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => gone.once("listening", resolve));
  const { port } = gone.address() as { port: number };
  await new Promise((resolve) => gone.close(resolve));
  mirror.release.mirrors = [`http://127.0.0.1:${port}`];
  expect(await obtain(mirror)).toBe(false);
  expect(said).toBe(embedded(`none could be downloaded (127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port})`));
});

test("a key that cannot be had leaves the embedded forge: without it nothing can be proved", async () => {
  await using mirror = await openMirror(binary(), key);
  mirror.files.delete("/release-key.asc");
  expect(await obtain(mirror)).toBe(false);
  expect(said).toBe(embedded(`none could be downloaded (${mirror.url}/release-key.asc answered 404)`));
  expect(mirror.ranges).toEqual([]);
});

test("a host that takes longer than 3 s leaves the embedded forge", async () => {
  await using mirror = await openMirror(binary(), key);
  mirror.isSilent = true;
  const startedAt = performance.now();
  expect(await obtain(mirror)).toBe(false);
  expect(performance.now() - startedAt).toBeGreaterThan(2_900);
  expect(said).toBe(embedded("none could be downloaded (not all that is needed has answered within 3 s)"));
});

test("nothing is asked for when that is switched off, or when Forgejo would miss bash", async () => {
  await using mirror = await openMirror(binary(), key);
  vi.stubEnv("HIVE_FORGEJO_MIRROR", "off");
  expect(await obtain(mirror)).toBe(false);
  expect(said).toBe(embedded("HIVE_FORGEJO_MIRROR is off"));
  vi.stubEnv("HIVE_FORGEJO_MIRROR", undefined);
  vi.stubEnv("PATH", top);
  said = "";
  expect(await obtain(mirror)).toBe(false);
  expect(said).toBe(embedded("bash, which it needs, is not on PATH"));
});

test("a machine for which none is published gets the embedded forge", async () => {
  await using mirror = await openMirror(binary(), key);
  mirror.release.platforms = {};
  expect(await obtain(mirror)).toBe(false);
  expect(said).toBe(embedded("none is published for this machine"));
});

test("what goes wrong once a host has answered ends the start: a hive would keep the embedded forge for ever", async () => {
  await using mirror = await openMirror(binary(), key);
  mirror.files.set(mirror.file, "something else");
  await expect(obtain(mirror)).rejects.toMatchObject({ code: "forgejo_not_genuine" });
  mirror.files.delete(`${mirror.file}.sha256`);
  await expect(obtain(mirror)).rejects.toMatchObject({
    code: "download_failed",
    next: expect.stringContaining("HIVE_FORGEJO_MIRROR=off"),
  });
});
