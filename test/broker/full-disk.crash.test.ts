/**
 * A real hive whose database lies on a disk that fills up, and is then locked by another process: senders hear what is
 * wrong, what was accepted is kept and handled, and nobody has to start anything again.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routes } from "../../src/contract/routes.ts";
import { client } from "../../src/rpc/client.ts";
import { type BareHive, isQuiet, openBareHive } from "../support/bare-hive.ts";
import { holdLock } from "../support/lock.ts";
import { callTool } from "../support/mcp-client.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";

const MiB = 1024 ** 2;
const diskBytes = 112 * MiB;

/** Makes a directory a disk of its own. @returns what ends that; null where this user may not mount */
function mountDisk(directory: string): (() => void) | null {
  const disk = ["-t", "tmpfs", "-o", `size=${diskBytes},mode=0700`, "tmpfs", directory];
  const { status, stderr } = spawnSync("mount", disk, { encoding: "utf8" });
  if (status === 0) return () => execFileSync("umount", [directory]);
  console.warn(`NO DISK CAN BE MOUNTED, so none is filled: ${stderr}`);
  return null;
}

/** Whether there is one can be said only by trying. */
const canMount = (() => {
  const directory = newMemoryDirectory("hive-");
  const unmount = mountDisk(directory);
  unmount?.();
  rmSync(directory, { recursive: true });
  return unmount !== null;
})();

const script = `
rules:
  - name: wait
    when: { body: ^wait }
    steps: [{ run: "while ! test -e go; do sleep 0.02; done" }, { say: done }]
  - name: all
    steps: [{ say: done }]
`;
const yaml = (role: string) =>
  `role: ${role}\nharness: { driver: acp, profile: script }\nruntime: { driver: process }\nrecipients: ["*"]\n`;
const agents = {
  alice: { "agent.yaml": yaml("manager"), "script.yaml": script },
  bob: { "agent.yaml": yaml("worker"), "script.yaml": script },
};

let hive: BareHive;
let admin: ReturnType<typeof client<typeof routes, "admin">>;

beforeAll(async () => {
  hive = await openBareHive(agents, (home) => (canMount && mountDisk(home)) || (() => undefined));
  await Promise.all([hive.start("hived"), hive.start("hive-runner")]);
  admin = client(routes, "admin", hive.sockets.admin);
  await hive.until((sqlite) => sqlite.prepare(UP).pluck().get() === 2 && isQuiet(sqlite));
});
afterAll(async () => {
  await admin.close();
  await hive[Symbol.asyncDispose]();
});

const UP = "SELECT count(*) FROM agents WHERE state = 'idle'";
const stateOf = (message: number) =>
  hive.read((sqlite) => sqlite.prepare("SELECT state FROM inbox WHERE message = ?").pluck().get(message));

/** Sends as alice; the answer's text. */
const send = (body: string): Promise<string> => callTool(hive.socketOf("alice") ?? "", "send", { to: "bob", body });
const sent = async (body: string): Promise<number> => Number(/^Sent as message (\d+)\./.exec(await send(body))?.[1]);
const problem = async () => (await admin.readStatus({})).database;

/** Fills the disk, but for so many bytes. */
function fill(name: string, left: number): void {
  const { bavail, bsize } = statfsSync(hive.home);
  const file = openSync(join(hive.home, name), "w");
  const block = Buffer.alloc(bsize);
  try {
    for (let bytes = bavail * bsize - left; bytes > 0; bytes -= bsize) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
}

/** Gives back what the journal of the database has, so that whatever is written next needs room. */
function emptyJournal(): void {
  const sqlite = new Sqlite(join(hive.home, "hive.db"));
  sqlite.pragma("wal_checkpoint(TRUNCATE)");
  sqlite.close();
}

test.skipIf(!canMount)(
  "a disk that is nearly full takes no new message, and one that is full keeps what it has: all goes on with room",
  async () => {
    const waiting = await sent("wait for the disk");
    await hive.until(() => stateOf(waiting) === "leased");
    fill("most", 32 * MiB);
    expect(await send("hello")).toMatch(/^The disk of the hive is nearly full: new messages are not taken/);
    expect(await problem()).toMatch(/nearly full/);
    emptyJournal();
    fill("rest", 0);
    writeFileSync(join(hive.directory, "agents/bob/state/go"), "");
    await expect.poll(problem, { timeout: 20_000 }).toBe("The disk of the hive is full, so nothing can be stored.");
    expect(stateOf(waiting)).toBe("leased");
    for (const name of ["rest", "most"]) rmSync(join(hive.home, name));
    await hive.until(() => stateOf(waiting) === "handled");
    const next = await sent("hello again");
    await hive.until(() => stateOf(next) === "handled");
    await expect.poll(problem).toBe(null);
  },
);

test.skipIf(!canMount)(
  "a start that finds the disk full, or read-only, says so, and the next one goes on",
  async () => {
    await hive.kill("hived");
    emptyJournal();
    fill("all", 0);
    await expect(hive.start("hived")).rejects.toThrow("The disk of the hive is full, so nothing can be stored.");
    rmSync(join(hive.home, "all"));
    execFileSync("mount", ["-o", "remount,ro", hive.home]);
    await expect(hive.start("hived")).rejects.toThrow("it is read-only, or its disk is.");
    execFileSync("mount", ["-o", "remount,rw", hive.home]);
    await hive.start("hived");
    const message = await sent("hello");
    await hive.until(() => stateOf(message) === "handled");
  },
);

test("another process that locks the database makes senders wait, then say why; when it ends, all goes on", async () => {
  const lock = await holdLock(join(hive.home, "hive.db"), "BEGIN IMMEDIATE");
  const sending = send("hello");
  expect(await problem()).toBe(null); // hived serves all the same
  expect(await sending).toMatch(/Another process has locked the hive's database, so nothing can be stored/);
  expect(await problem()).toMatch(/locked/);
  await lock.letGo();
  const next = await sent("hello again");
  await hive.until(() => stateOf(next) === "handled");
  await expect.poll(problem).toBe(null);
});
