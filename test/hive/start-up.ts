/** `hive up` as a user runs it: the command itself, in a home of its own, with the embedded forge. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { cacheOfTests } from "../support/cache.ts";

export const bin = new URL("../../src/hive/bin.mjs", import.meta.url).pathname;

/** No Forgejo is found. */
const environment = {
  ...process.env,
  HIVE_FORGEJO_BIN: "",
  HIVE_FORGEJO_MIRROR: "off",
  XDG_CACHE_HOME: cacheOfTests,
};

type Ended = { code: number | null; out: string; err: string };

/** Runs a command to its end. */
export async function hive(argv: string[], env: Record<string, string> = {}, program = bin): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...argv], {
    env: { ...environment, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = collect(child);
  const [code] = await once(child, "close");
  return { code, ...texts };
}

function collect(child: ChildProcess): { out: string; err: string } {
  const texts = { out: "", err: "" };
  child.stdout?.on("data", (chunk) => {
    texts.out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    texts.err += chunk;
  });
  return texts;
}

/** A home that does not exist yet, in a place that the hive's own user can reach. */
export function newHome() {
  const top = mkdtempSync("/tmp/hive-up-");
  chmodSync(top, 0o755);
  return {
    top,
    home: join(top, "home"),
    [Symbol.dispose]: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** Starts a hive and waits for its links. */
export async function startUp(home: string, env: Record<string, string> = {}, program = bin) {
  const child = spawn(process.execPath, [program, "up", "--home", home], {
    env: { ...environment, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = collect(child);
  const exited = once(child, "exit");
  const isUp = expect.poll(() => texts.out, { timeout: 90_000, interval: 50 }).toContain("The hive is up.");
  await Promise.race([
    isUp,
    exited.then(([code]) => {
      throw new Error(`hive up ended with code ${code}: ${texts.out}${texts.err}`);
    }),
  ]);
  return { child, texts, exited };
}

/** The one process that another has started. */
export function childOf(pid: number): number {
  const child = readdirSync("/proc").find((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid);
  if (!child) throw new Error(`process ${pid} has no child`);
  return Number(child);
}

/** The processes that descend from one, itself included. */
export function familyOf(pid: number): number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((name) => [Number(name), parentOf(Number(name))]));
  const isOfFamily = (member: number): boolean => {
    for (let at: number | undefined = member; at; at = parents.get(at)) if (at === pid) return true;
    return false;
  };
  return [...parents.keys()].filter(isOfFamily);
}

/** Those of the processes that still run. */
export const stillRunning = (pids: number[]): number[] => pids.filter((pid) => parentOf(pid) !== undefined);

/** undefined for a process that has ended. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : Number(parent);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
