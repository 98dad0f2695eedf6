/** `hive forge install` and a first `hive up`, as commands, on a real Forgejo that a mirror on this machine serves. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { newKey, openMirror } from "./release-server.ts";
import { hive, newHome, startUp } from "./start-up.ts";

const root = new URL("../..", import.meta.url).pathname;
const found = await findForgejo();

/** The dashboard may not be built yet. */
const isThere = (part: string) => existsSync(join(root, part));

/** The program, but for the release that it pins. */
function programWith(release: object, top: string): string {
  const copy = join(top, "program");
  mkdirSync(copy);
  for (const part of ["src", "forge", "seeds", "templates", "dist", "vite.config.ts"].filter(isThere))
    cpSync(join(root, part), join(copy, part), { recursive: true, preserveTimestamps: true });
  for (const file of ["package.json", "package-lock.json", "tsconfig.json"])
    copyFileSync(join(root, file), join(copy, file));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, "forge/release.json"), JSON.stringify(release));
  return join(copy, "src/hive/bin.mjs");
}

test.skipIf(!found)("a Forgejo is installed once by command, and by a first start that finds none", async () => {
  if (!found) return;
  using place = newHome();
  await using mirror = await openMirror(readFileSync(found.path), await newKey(), found.version);
  const bin = programWith({ ...mirror.release, mirrors: ["http://127.0.0.1:1"] }, place.top);
  const env = { HIVE_FORGEJO_MIRROR: mirror.url, XDG_CACHE_HOME: join(place.top, "cache") };
  const install = (...argv: string[]) => hive(["forge", "install", ...argv], env, bin);

  const path = join(place.top, `cache/hyperhive/forgejo/${found.version}/forgejo`);
  const first = await install();
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toContain(`Forgejo ${found.version} is installed: ${path}\n`);
  expect(await install()).toEqual({ code: 0, out: `Forgejo ${found.version} is there already: ${path}\n`, err: "" });
  expect(mirror.ranges).toEqual([""]);

  // Another cache, in which there is none: that of the hive's own user, or an empty one.
  // Compiled modules would stay, of a program that does not.
  const own = { ...env, XDG_CACHE_HOME: join(place.home, ".cache"), NODE_DISABLE_COMPILE_CACHE: "1" };
  const { texts, child, exited } = await startUp(place.home, own, bin);
  expect(texts.out).toContain(`✓ Installing Forgejo ${found.version}`);
  expect(texts.out).not.toContain("embedded forge");
  const { out } = await hive(["status", "--json", "--home", place.home]);
  expect(JSON.parse(out)).toMatchObject({ forge: { kind: "managed", problem: null } });
  expect(mirror.ranges).toEqual(["", ""]);
  child.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});

test("an installation that is refused, or finds nobody, says so with its own exit code", async () => {
  using place = newHome();
  await using mirror = await openMirror(Buffer.from("no Forgejo"), await newKey(), "15.0.9");
  const bin = programWith(mirror.release, place.top);
  const env = { XDG_CACHE_HOME: join(place.top, "cache") };
  const install = (...argv: string[]) => hive(["forge", "install", ...argv], env, bin);
  const refused = await install("--mirror", mirror.url);
  expect(refused.code).toBe(78);
  expect(refused.err).toMatch(/^hive: \S+ is not Forgejo 15\.0\.9 as it was released: .*\n {6}It was deleted .*\n$/);
  const nobody = await install("--mirror", `${mirror.url}/elsewhere`);
  expect(nobody.code).toBe(69);
  expect(nobody.err).toMatch(/^hive: http:\S+\/elsewhere\/v15\.0\.9\/forgejo-15\.0\.9-test\.asc answered 404\n$/);
  expect(await install("--mirror", "forgejo")).toMatchObject({ code: 78 });
});
