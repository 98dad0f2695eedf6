/** A Forgejo of ours: what it is given, where it listens, and what is kept before a newer one runs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Process } from "../../src/contract/routes.ts";
import { openForge } from "../../src/hive/up/choose-forge.ts";
import { Fleet } from "../../src/hive/up/fleet.ts";
import type { ForgeSource } from "../../src/hive/up/forge.ts";
import { type Forgejo, findForgejo, managedForge } from "../../src/hive/up/forgejo.ts";
import { type Home, openHome } from "../../src/hive/up/home.ts";
import { choosePort } from "../../src/hive/up/ports.ts";
import { newProgram } from "../support/forgejo.ts";
import { withToken } from "../support/raw-forge.ts";

const found = await findForgejo();
let top: string;
let home: Home;
let program: string;
let port: number;

beforeEach(async () => {
  top = mkdtempSync("/tmp/hive-managed-");
  home = openHome(join(top, "home"));
  program = newProgram(top);
  port = await choosePort(0);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(top, { recursive: true, force: true });
});

/** A Forgejo that calls itself another version; @param also shell that it runs before the real one. */
function calledSo(real: Forgejo, version: string, also = ""): Forgejo {
  const path = join(top, `cache/hyperhive/forgejo/${version}/forgejo`);
  mkdirSync(join(path, ".."), { recursive: true });
  const says = `[ "$1" = --version ] && { echo "Forgejo version ${version}+gitea-1.22.0 built with a test"; exit; }`;
  writeFileSync(path, `#!/bin/sh\n${says}\n${also}\nexec ${real.path} "$@"\n`, { mode: 0o755 });
  return { path, version };
}

const source = (forgejo: Forgejo) => managedForge({ home, program, port }, forgejo);

async function prepare(forgejo: Forgejo): Promise<string[]> {
  const said: string[] = [];
  await source(forgejo).prepare?.({ say: (detail) => said.push(detail) });
  return said;
}

/** Runs it for as long as the caller needs it, supervised as in a hive. */
async function running({ spec }: ForgeSource) {
  if (!spec) throw new Error("a Forgejo of ours has something to run");
  const rows: Process[] = [];
  let tell = () => undefined as unknown;
  const fleet = new Fleet(home.logs, (row) => {
    rows.push(row);
    tell();
  });
  await fleet.start([spec], new AbortController().signal);
  return {
    rows,
    pid: () => fleet.rows()[0]?.pid ?? 0,
    /** resolves when a row fits */
    until: (fits: (row: Process) => boolean) =>
      new Promise<void>((resolve) => {
        tell = () => rows.some(fits) && resolve();
        tell();
      }),
    [Symbol.asyncDispose]: () => fleet.stop(),
  };
}

const whoIsAdmin = async () => {
  const admin = withToken(`http://127.0.0.1:${port}`, readFileSync(home.adminToken, "utf8").trim());
  return (await admin.call("GET", "/user")) as { login: string; is_admin: boolean };
};
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Local addresses, in the kernel's notation, at which somebody listens on a port. */
function listeners(): string[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === "0A" && local?.endsWith(`:${port.toString(16).toUpperCase()}`))
      .map(([, local]) => local?.split(":")[0] ?? ""),
  );
}

test.skipIf(!found)(
  "it listens on loopback alone, keeps its secrets to its owner, and comes back when killed",
  async () => {
    if (!found) return;
    await prepare(found);
    await using forge = await running(source(found));
    expect(listeners()).toEqual(["0100007F"]);
    expect(await whoIsAdmin()).toMatchObject({ login: "hive-admin", is_admin: true });
    for (const file of ["app.ini", "secrets.json", "admin-token", "version"])
      expect([file, modeOf(join(home.forge, file))]).toEqual([file, "600"]);
    process.kill(forge.pid(), "SIGKILL");
    await forge.until(({ health, restarts }) => health === "ready" && restarts === 1);
    expect(await whoIsAdmin()).toMatchObject({ login: "hive-admin" });
  },
);

test.skipIf(!found)("made ready again, it keeps its secrets, its token and its settings", async () => {
  if (!found) return;
  await prepare(found);
  const read = () =>
    ["app.ini", "secrets.json", "admin-token"].map((file) => readFileSync(join(home.forge, file), "utf8"));
  const before = read();
  writeFileSync(join(home.forge, "app.ini"), "[server]\nHTTP_ADDR = 0.0.0.0\n");
  expect(await prepare(found)).toEqual([]);
  expect(read()).toEqual(before);
});

test.skipIf(!found)(
  "a dump is kept before a newer Forgejo runs, once, and that one serves what was there",
  async () => {
    if (!found) return;
    await prepare(found);
    const newer = calledSo(found, "99.0.0");
    expect(await prepare(newer)).toEqual([`keeping what Forgejo ${found.version} has left, before 99.0.0 changes it`]);
    const dumps = join(home.forge, "dumps");
    const name = `${found.version}-before-99.0.0.tar.gz`;
    expect(readdirSync(dumps)).toEqual([name]);
    const kept = execFileSync("tar", ["-tzf", join(dumps, name)], { encoding: "utf8" }).split("\n");
    expect(kept).toEqual(expect.arrayContaining(["forgejo-db.sql", "app.ini", "data/forgejo.db"]));
    expect(modeOf(dumps)).toBe("700");
    expect(readFileSync(join(home.forge, "version"), "utf8")).toBe("99.0.0\n");
    {
      await using _ = await running(source(newer));
      expect(await whoIsAdmin()).toMatchObject({ login: "hive-admin" });
    }
    const { mtimeMs } = statSync(join(dumps, name));
    expect(await prepare(newer)).toEqual([]);
    expect(statSync(join(dumps, name)).mtimeMs).toBe(mtimeMs);
  },
);

test.skipIf(!found)("where the newer Forgejo cannot dump the old database, its data is copied", async () => {
  if (!found) return;
  await prepare(found);
  const newer = calledSo(found, "99.0.0", `case " $* " in *" dump "*) echo "no such table: new" >&2; exit 1; esac`);
  expect((await prepare(newer)).at(-1)).toBe("forgejo dump failed: no such table: new; copying its data instead");
  const copy = join(home.forge, "dumps", `${found.version}-before-99.0.0`);
  expect(readFileSync(join(copy, "forgejo.db"))).toEqual(readFileSync(join(home.forge, "data/forgejo.db")));
});

test.skipIf(!found)("a backup that was cut off is made anew", async () => {
  if (!found) return;
  await prepare(found);
  const dumps = join(home.forge, "dumps");
  mkdirSync(join(dumps, "unfinished.tar.gz"), { recursive: true });
  await prepare(calledSo(found, "99.0.0"));
  expect(readdirSync(dumps)).toEqual([`${found.version}-before-99.0.0.tar.gz`]);
});

test.skipIf(!found)("no older Forgejo runs on the database, and a newer one in the cache goes before it", async () => {
  if (!found) return;
  await prepare(found);
  writeFileSync(join(home.forge, "version"), "98.0.0\n");
  const open = () => openForge({ kind: "managed", port }, { home, program });
  vi.stubEnv("HIVE_FORGEJO_BIN", found.path);
  await expect(open()).rejects.toMatchObject({
    code: "forgejo_too_old",
    message: `The forge's database is of Forgejo 98.0.0, and ${found.path} is the older ${found.version}.`,
    next: expect.stringContaining("hive forge install"),
  });
  vi.stubEnv("HIVE_FORGEJO_BIN", "");
  vi.stubEnv("XDG_CACHE_HOME", join(top, "cache"));
  calledSo(found, found.version);
  await expect(open()).rejects.toMatchObject({ code: "forgejo_too_old" });
  const newer = calledSo(found, "99.0.0");
  expect((await open()).title).toBe(`Forgejo 99.0.0 (${newer.path})`);
  writeFileSync(join(home.forge, "version"), "the newest\n");
  await expect(open()).rejects.toMatchObject({ code: "version_unreadable" });
});
