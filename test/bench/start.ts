/** Area `start`: how soon hived serves, against a bare Node; what the processes of an idle hive hold in memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { freePort } from "../support/free-port.ts";
import { newDiskDirectory } from "./broker/disk.ts";
import { program, startHived } from "./broker/hived.ts";
import { bound, compare, type Figure } from "./figure.ts";

export async function* start(): AsyncIterable<Figure> {
  yield await compare({
    name: "hived ready / node -e 0",
    unit: "ms",
    rounds: 5,
    atMost: 15,
    ours: timeHived,
    floor: timeNode,
  });
  yield* memory();
}

async function timeNode(): Promise<number> {
  const began = performance.now();
  await once(spawn(process.execPath, ["-e", "0"]), "close");
  return performance.now() - began;
}

async function timeHived(): Promise<number> {
  const directory = newDiskDirectory();
  const hived = await startHived(directory.path);
  await hived.kill();
  directory.remove();
  return hived.readyMs;
}

const Status = z.object({ processes: z.array(z.object({ name: z.string(), pid: z.number().nullable() })) });

/** Starts a whole hive on the embedded forge, and reads what its processes hold once the tour has come to rest. */
async function* memory(): AsyncIterable<Figure> {
  const home = mkdtempSync(join(tmpdir(), "hive-bench-"));
  chmodSync(home, 0o755); // started by root, the hive runs as another user
  const bin = join(program, "src/hive/bin.mjs");
  // This PATH and this home, so that no Forgejo is found: what is measured is ours.
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: home,
    HIVE_HOME: join(home, "hive"),
    HIVE_FORGEJO_MIRROR: "off",
  };
  const up = spawn(process.execPath, [bin, "up", "--dashboard-port", String(await freePort())], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await lineWith(up, "Dashboard");
    const status = spawn(process.execPath, [bin, "status", "--json"], { env });
    const { processes } = Status.parse(JSON.parse(await textOf(status)));
    const sizes = processes.flatMap(({ name, pid }) => (pid === null ? [] : [{ name, ...treeMib(pid) }]));
    for (const { name, resident } of sizes)
      yield bound(`${name}, resident`, "MiB", resident, name === "forge" ? 260 : 150);
    const ours = sizes.filter(({ name }) => name.startsWith("hive"));
    const together = ours.reduce((sum, { proportional }) => sum + proportional, 0);
    yield bound("hived, hive-web and hive-runner, what they share counted once", "MiB", together, 300);
  } finally {
    up.kill("SIGTERM");
    await once(up, "close");
    rmSync(home, { recursive: true, force: true });
  }
}

async function lineWith(child: ChildProcess, word: string): Promise<void> {
  if (!child.stdout) throw new Error("the child was started without a pipe");
  for await (const line of createInterface(child.stdout)) if (line.includes(word)) return;
  throw new Error(`it ended without a line that has "${word}"`);
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) text += chunk;
  return text;
}

type Memory = { resident: number; proportional: number };

/** Memory of a process and, where it is a sandbox or a shell that stands before one, of its children. */
function treeMib(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) / 1024;
  const own = { resident: mib("Rss"), proportional: mib("Pss") };
  const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  if (name !== "bwrap" && name !== "sh") return own;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  return children
    .map((child) => treeMib(Number(child)))
    .reduce(
      (sum, one) => ({ resident: sum.resident + one.resident, proportional: sum.proportional + one.proportional }),
      own,
    );
}
