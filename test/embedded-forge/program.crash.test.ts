import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { Caller, configOf, expectStatus, newUser } from "./test-forge.ts";

let home: string;
let port: number;
const children: ChildProcess[] = [];

beforeEach(async () => {
  home = mkdtempSync(path.join(tmpdir(), "forge-"));
  port = await freePort();
});

afterEach(async () => {
  const ends = children
    .filter((child) => child.exitCode === null && child.signalCode === null)
    .map((child) => once(child, "exit"));
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(ends);
  rmSync(home, { recursive: true, force: true });
});

/** The program, and the one line that it says. */
async function run(change: object = {}) {
  const main = new URL("../../forge/embedded/main.ts", import.meta.url).pathname;
  const config = JSON.stringify({ ...configOf(home), port, ...change });
  const child = spawn(process.execPath, [main, config], {
    stdio: ["ignore", "pipe", "ignore", "pipe"],
    env: { ...process.env, HIVE_LIFELINE: "1" },
  });
  children.push(child);
  if (!child.stdout) throw new Error("the program has no stdout");
  const [line] = await once(createInterface(child.stdout), "line");
  return { child, said: JSON.parse(String(line)) };
}

const exitOf = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
};
const tokenFile = () => path.join(home, "admin-token");
const admin = () => new Caller(`http://127.0.0.1:${port}`, `token ${readFileSync(tokenFile(), "utf8").trim()}`);

test("it says that it serves, keeps the admin's token from other users, and stops in time when it is told to", async () => {
  const { child, said } = await run();
  expect(said).toEqual({ ready: true });
  expect(statSync(tokenFile()).mode & 0o777).toBe(0o600);
  expect((await admin().get("/user")).body.login).toBe("root-of-all");
  const start = performance.now();
  child.kill("SIGTERM");
  expect(await exitOf(child)).toBe(0);
  expect(performance.now() - start).toBeLessThan(2000);
});

test("it ends with its lifeline", async () => {
  const { child } = await run();
  child.stdio[3]?.destroy();
  expect(await exitOf(child)).toBe(0);
});

test("what was answered before a kill -9 is there after the next start", async () => {
  const { child } = await run();
  await expectStatus(201, admin().post("/admin/users", newUser("alice")));
  await expectStatus(201, admin().post("/user/repos", { name: "notes", private: true, auto_init: true }));
  await expectStatus(201, admin().post("/repos/root-of-all/notes/issues", { title: "Still here" }));
  child.kill("SIGKILL");
  await exitOf(child);
  expect((await run()).said).toEqual({ ready: true });
  expect((await admin().get("/users/alice")).status).toBe(200);
  expect((await admin().get("/repos/root-of-all/notes/issues")).body).toMatchObject([{ title: "Still here" }]);
  expect((await admin().get("/repos/root-of-all/notes/raw/README.md")).body).toBe("# notes\n");
});

test("a token file that was lost is written anew with a token that works, and the lost one does not", async () => {
  const { child } = await run();
  const lost = readFileSync(tokenFile(), "utf8").trim();
  child.kill("SIGTERM");
  await exitOf(child);
  rmSync(tokenFile());
  await run();
  expect(readFileSync(tokenFile(), "utf8").trim()).not.toBe(lost);
  expect((await admin().get("/user")).status).toBe(200);
  expect((await new Caller(`http://127.0.0.1:${port}`, `token ${lost}`).get("/user")).status).toBe(401);
});

test("a second process on the same directory, or the same port, is refused with a sentence and changes nothing", async () => {
  await run();
  const again = await run({ port: await freePort() });
  expect(again.said.refusal).toMatchObject({ code: "in_use", next: expect.any(String) });
  expect(await exitOf(again.child)).toBe(78);
  const elsewhere = path.join(home, "elsewhere");
  const taken = await run({ dataDir: elsewhere, adminTokenFile: path.join(elsewhere, "token") });
  expect(taken.said.refusal).toMatchObject({ code: "port_taken" });
  expect(await exitOf(taken.child)).toBe(78);
  expect((await admin().get("/user")).status).toBe(200);
  expect(existsSync(tokenFile())).toBe(true);
});
