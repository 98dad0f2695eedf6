/** What this machine offers to agents, found out by trying: a sandbox counts only after it was broken out of in vain. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { ForgeClient, type Place, systemPath } from "../contract/launch.ts";
import type { RunnerConfig } from "../contract/programs.ts";
import { type Mount, sandboxed } from "../daemon/bubblewrap.ts";

/** Tries each runtime and tells the place; none that failed a probe is in it. */
export async function findPlace(config: RunnerConfig): Promise<Place> {
  const { agentsRoot, sharedRoot, docsRoot, launchesRoot, privateRoot, program } = config;
  const node = await realpath(process.execPath);
  const compiled = process.env["NODE_COMPILE_CACHE"];
  const place: Place = {
    ...{ agentsRoot, sharedRoot, docsRoot, launchesRoot, privateRoot, node, program },
    ...(compiled === undefined ? {} : { compiled }),
    runtimes: ["process"],
    missing: {},
  };
  const clients = await findClients(systemPath);
  if (clients) place.clients = clients;
  const problem = await testBubblewrap({ directory: agentsRoot, node });
  if (problem === null) return { ...place, runtimes: ["process", "bubblewrap"] };
  return { ...place, missing: { bubblewrap: problem } };
}

/** The forge's clients in those directories; undefined when there is none. A link is followed: where it lies may be in no sandbox. */
export async function findClients(path: string): Promise<Place["clients"]> {
  const found: NonNullable<Place["clients"]> = {};
  for (const client of ForgeClient.options)
    for (const directory of path.split(":")) {
      const program = await realpath(join(directory, client)).catch(() => null);
      if (program !== null) found[client] ??= program;
    }
  return Object.keys(found).length > 0 ? found : undefined;
}

const Probes = z.record(z.string(), z.boolean());
const probeTimeoutMs = 20_000;

/**
 * Runs the probes in a sandbox like an agent's.
 * @param directory where the probe's own directories are made and removed: it must lie where agents' directories do
 * @param bubblewrap the program, for a test that has none
 * @returns what is wrong with it, or null
 */
export async function testBubblewrap({ directory, node, bubblewrap }: Probed): Promise<string | null> {
  const own = await mkdtemp(join(directory, ".probe-"));
  try {
    await mkdir(join(own, "state"));
    await mkdir(join(own, "other"));
    await writeFile(join(own, "other", "secret"), "not for you", { mode: 0o644 });
    const mounts: Mount[] = [
      { kind: "readable", from: node, at: node },
      { kind: "writable", from: join(own, "state"), at: "/agents/probe/state" },
    ];
    const inside = { env: { PATH: "/usr/local/bin:/usr/bin:/bin" }, cwd: "/agents/probe/state", mounts };
    const script = probeScript(join(own, "other", "secret"));
    const argv = sandboxed({ hostname: "probe", network: "shared", system: "programs", ...inside }, [
      node,
      "-e",
      script,
    ]);
    return verdictOf(await run(bubblewrap ?? argv[0] ?? "bwrap", argv.slice(1)));
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

type Probed = { directory: string; node: string; bubblewrap?: string };
type Ran = { code: number | null; out: string; err: string } | { failed: string };

async function run(program: string, args: string[]): Promise<Ran> {
  const child = spawn(program, args, { env: {}, stdio: ["ignore", "pipe", "pipe"], timeout: probeTimeoutMs });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    const [out, err] = await output;
    return { code, out, err };
  } catch (error) {
    return { failed: (error as NodeJS.ErrnoException).code === "ENOENT" ? "it is not installed" : String(error) };
  }
}

function verdictOf(ran: Ran): string | null {
  if ("failed" in ran) return ran.failed;
  if (ran.code !== 0) return `it does not start: ${ran.err.trim().split("\n").at(-1) || `code ${ran.code}`}`;
  const failed = Object.entries(Probes.parse(JSON.parse(ran.out))).filter(([, isAsWanted]) => !isAsWanted);
  return failed.length === 0 ? null : `its self-test failed: ${failed.map(([probe]) => probe).join(", ")}`;
}

/** Runs inside; prints what is as wanted. A user namespace is tried with bubblewrap itself, which is surely there. */
const probeScript = (hostFile: string): string => `
  const { readFileSync, readdirSync, writeFileSync } = require("node:fs");
  const { spawnSync } = require("node:child_process");
  const fails = (tried) => { try { tried(); return false; } catch { return true; } };
  const succeeds = (tried) => !fails(tried);
  const exit = (program, ...args) => spawnSync(program, args).status;
  console.log(JSON.stringify({
    "own state is writable": succeeds(() => writeFileSync("probe", "x")),
    "a file of the host and another's state are not visible": fails(() => readFileSync(${JSON.stringify(hostFile)})),
    "the root is read-only": fails(() => writeFileSync("/probe", "x")) && fails(() => writeFileSync("/usr/probe", "x")),
    "the host's processes are not visible": readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).length < 5,
    "a new user namespace is closed": exit("bwrap", "--unshare-user", "--ro-bind", "/", "/", "true") !== 0,
    "no capability": /^CapEff:\\s*0+$/m.test(readFileSync("/proc/self/status", "utf8")),
    "git runs": exit("git", "--version") === 0,
  }));`;
