import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Refusal } from "../../src/contract/refusal.ts";
import type { Process } from "../../src/contract/routes.ts";
import { Child, type ChildSpec } from "../../src/hive/up/child.ts";
import { bindListener } from "../../src/hive/up/ports.ts";

let top: string;
let rows: Process[];
const children: Child[] = [];

beforeEach(() => {
  top = mkdtempSync("/tmp/hive-child-");
  rows = [];
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.stop();
  rmSync(top, { recursive: true });
});

/** A program of ours, as short as can be: it says that it serves, and stops when its lifeline ends. */
const good = `
  const { Socket } = await import("node:net");
  new Socket({ fd: 3 }).resume().on("close", () => process.exit(0));
  console.log(JSON.stringify({ ready: true, note: "all is well" }));
  setInterval(() => undefined, 60_000);`;

function start(script: string, spec: Partial<ChildSpec> = {}): Child {
  const path = join(top, "program.mjs");
  writeFileSync(path, script);
  const child = new Child(
    {
      name: "program",
      command: () => ({ argv: [process.execPath, path], env: {} }),
      isForeign: false,
      readyWithinMs: 20_000,
      stopWithinMs: 2_000,
      ...spec,
    },
    join(top, "program.log"),
    (row) => rows.push(row),
  );
  children.push(child);
  child.start();
  return child;
}

/** Never 0, which would stand for the tests' own process group. */
function pidOf(child: Child): number {
  const { pid } = child.row();
  if (!pid) throw new Error("the program does not run");
  return pid;
}

const becomes = (child: Child, row: Partial<Process>) =>
  expect.poll(() => child.row(), { timeout: 20_000, interval: 20 }).toMatchObject(row);

test("a program is ready when it says so, with what it says of itself", async () => {
  const child = start(good);
  await child.ready;
  expect(child.row()).toMatchObject({ health: "ready", restarts: 0, note: "all is well", problem: null });
  await child.stop();
  expect(child.row()).toMatchObject({ health: "stopped", pid: null });
});

test("a program that is killed is started again, and counted", async () => {
  const child = start(good);
  await child.ready;
  const pid = pidOf(child);
  process.kill(pid, "SIGKILL");
  await becomes(child, { health: "ready", restarts: 1 });
  expect(child.row().pid).not.toBe(pid);
  expect(rows.find((row) => row.health === "restarting")?.problem).toBe("was killed by SIGKILL");
});

test("a program that fails again and again is tried for ever, and its last words are shown", async () => {
  const child = start('console.error("Error: no such luck"); console.error("Node.js"); process.exit(4)');
  await becomes(child, { restarts: 3 });
  expect(rows.find((row) => row.health === "restarting")?.problem).toBe("ended with code 4: Error: no such luck");
  expect(readFileSync(join(top, "program.log"), "utf8").match(/no such luck/g)?.length).toBeGreaterThanOrEqual(3);
});

test("a program that cannot be started at all is tried again", async () => {
  const child = start("", { command: () => ({ argv: ["/no/such/program"], env: {} }) });
  await becomes(child, { restarts: 1 });
  expect(rows.find((row) => row.health === "restarting")?.problem).toBe("ended with code ENOENT");
});

test("a program gets a listener by its descriptor, anew for each of its starts", async () => {
  const serving = `
    const { createServer } = await import("node:net");
    createServer((socket) => socket.end(String(process.pid))).listen({ fd: 4 });
    ${good}`;
  const first = await bindListener(0);
  const port = first.port;
  first.release();
  const child = start(serving, {
    async command() {
      const { descriptor, release } = await bindListener(port);
      return { argv: [process.execPath, join(top, "program.mjs")], env: {}, inherited: [descriptor], release };
    },
  });
  const whoAnswers = async () => {
    let text = "";
    for await (const chunk of connect(port, "127.0.0.1")) text += chunk;
    return Number(text);
  };
  await child.ready;
  const pid = pidOf(child);
  expect(await whoAnswers()).toBe(pid);
  process.kill(pid, "SIGKILL");
  await becomes(child, { health: "ready", restarts: 1 });
  expect(await whoAnswers()).toBe(pidOf(child));
});

const refusing = `
  console.log(JSON.stringify({ refusal: { code: "database_too_new", message: "It is too new.", next: "Update." } }));
  process.exit(78);`;

test("a program that refuses its first start is not started again: its sentence is for the operator", async () => {
  const child = start(refusing);
  await expect(child.ready).rejects.toEqual(new Refusal("database_too_new", "It is too new.", "Update."));
  expect(child.row()).toMatchObject({ health: "stopped", restarts: 0, problem: "It is too new." });
});

test("a refusal after it has served is tried again: what was there may come back", async () => {
  const child = start(good);
  await child.ready;
  writeFileSync(join(top, "program.mjs"), refusing);
  process.kill(pidOf(child), "SIGKILL");
  await becomes(child, { restarts: 2, problem: "It is too new." });
  writeFileSync(join(top, "program.mjs"), good);
  await becomes(child, { health: "ready", problem: null });
});

test("a program that is not ready in time is killed and started again", async () => {
  const child = start("setInterval(() => undefined, 60_000)", { readyWithinMs: 300 });
  await becomes(child, { restarts: 1 });
  expect(rows.find((row) => row.health === "restarting")?.problem).toBe("was not ready within 0.3 s");
});

test("a program that ignores its stop is killed after its time", async () => {
  const deaf = `
    process.on("SIGTERM", () => undefined);
    console.log(JSON.stringify({ ready: true }));
    setInterval(() => undefined, 60_000);`;
  const child = start(deaf, { stopWithinMs: 300 });
  await child.ready;
  const pid = pidOf(child);
  const startedAt = performance.now();
  await child.stop();
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a stop during a backoff is not held up by it", async () => {
  const child = start("process.exit(1)");
  await becomes(child, { restarts: 3 });
  const startedAt = performance.now();
  await child.stop();
  expect(performance.now() - startedAt).toBeLessThan(500);
});

test("a foreign program is ready when it answers, and stopped by its guard", async () => {
  const script = 'trap "echo bye; exit 0" TERM; echo hello; while :; do sleep 0.05; done';
  const child = start("", {
    isForeign: true,
    command: () => ({ argv: ["/bin/sh", "-c", script], env: {} }),
    waitReady: () => expect.poll(() => readFileSync(join(top, "program.log"), "utf8")).toBe("hello\n"),
  });
  await child.ready;
  await child.stop();
  expect(readFileSync(join(top, "program.log"), "utf8")).toMatch(/^hello\n(Terminated\n)?bye\n$/); // its shell tells of its sleep
});
