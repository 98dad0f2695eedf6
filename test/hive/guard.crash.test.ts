import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { guarded, spawnOnLifeline } from "../../src/daemon/guard.ts";

const guardModule = new URL("../../src/daemon/guard.ts", import.meta.url).href;
const started: number[] = [];

afterEach(() => {
  for (const pid of started.splice(0)) {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
});

test("the program keeps its input, output and exit code, and does not see the lifeline", async () => {
  const script = 'read -r word; echo "$word"; { true <&3; } 2>/dev/null && echo "has a lifeline"; exit 7';
  const { child } = spawnOnLifeline(guarded(["/bin/sh", "-c", script]), { env: {}, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin?.end("hello\n");
  const output = textOf(child);
  expect(await once(child, "close")).toEqual([7, null]);
  expect(await output).toBe("hello\n");
});

test("a signal reaches the program itself", async () => {
  const script = 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done';
  const { child } = spawnOnLifeline(guarded(["/bin/sh", "-c", script]), { env: {}, stdio: ["ignore", "pipe", "pipe"] });
  await linesOf(child, 1);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([9, null]);
});

test("a program that cannot be started says so with the shell's exit code", async () => {
  const { child } = spawnOnLifeline(guarded(["/no/such/program"]), { env: {}, stdio: ["ignore", "pipe", "pipe"] });
  expect(await once(child, "exit")).toEqual([127, null]);
});

test("without a lifeline nothing is started", async () => {
  const [program = "", ...parameters] = guarded(["/bin/echo", "started"]);
  const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"] });
  const output = textOf(child);
  expect(await once(child, "close")).toEqual([125, null]);
  expect(await output).toBe("");
});

test("when the parent is killed, everything that the program started ends, whatever group it is in", async () => {
  const parent = `
    const { guarded, spawnOnLifeline } = await import(${JSON.stringify(guardModule)});
    spawnOnLifeline(guarded(["/bin/sh", "-c", ${JSON.stringify(family)}]), {
      env: process.env, stdio: ["ignore", "inherit", "inherit"],
    });
    setInterval(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", parent], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pids = (await linesOf(child, 3)).map(Number);
  started.push(...pids);
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  child.kill("SIGKILL");
  await Promise.all(pids.map(hasEnded));
});

test("when the program itself is killed, what it left behind ends", async () => {
  const { child } = spawnOnLifeline(guarded(["/bin/sh", "-c", family]), {
    env: {},
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pids = (await linesOf(child, 3)).map(Number);
  started.push(...pids);
  child.kill("SIGKILL");
  await Promise.all(pids.map(hasEnded));
});

/** Prints three processes: itself, a child that ignores SIGTERM, and one in a session of its own. */
const family = `
  echo $$
  /bin/sh -c 'trap "" TERM; echo $$; while :; do sleep 60; done' &
  setsid /bin/sh -c 'echo $$; while :; do sleep 60; done' &
  wait`;

async function textOf(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) text += chunk;
  return text;
}

/** The first lines that a child prints. */
async function linesOf(child: ChildProcess, count: number): Promise<string[]> {
  if (!child.stdout) throw new Error("the child has no stdout");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) break;
  }
  return lines;
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return false;
    throw error;
  }
}

/** A process that is no child of ours can only be looked at. */
const hasEnded = (pid: number) => expect.poll(() => isAlive(pid), { timeout: 8_000, interval: 50 }).toBe(false);
