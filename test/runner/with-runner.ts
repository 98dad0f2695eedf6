/** A runner in this process, with a fake hived at the other end of a real link, and script agents as real processes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Launch, LaunchSpec, Place } from "../../src/contract/launch.ts";
import type { AgentName, LaunchId, ObjectId } from "../../src/contract/names.ts";
import type { Clock } from "../../src/daemon/clock.ts";
import { systemClock } from "../../src/daemon/clock.ts";
import { type Runner, startRunner } from "../../src/hive-runner/runner.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { specFor } from "../../src/hived/runtimes/choose.ts";
import { secretsFor } from "../../src/hived/runtimes/secrets.ts";
import { type FakeHived, newLaunchId, openFakeHived } from "./fake-hived.ts";

export type Stage = {
  directory: string;
  hived: FakeHived;
  runner: Runner;
  /** Puts another hived in the place of the one that was closed. */
  anotherHived(): Promise<FakeHived>;
  [Symbol.asyncDispose](): Promise<void>;
};

export const someTree = "a".repeat(40) as ObjectId;
const someForge = { url: "http://127.0.0.1:9", token: "t0ken", email: "agent@hive.invalid" };

/** @param isTried whether the sandboxes are tried: tests that need none are quicker without */
export async function withRunner(clock: Clock = systemClock, isTried = false): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  const runnerSocket = join(directory, "runner.sock");
  let boot = 1;
  const first = await openFakeHived(runnerSocket, boot);
  const config = {
    runnerSocket,
    agentsRoot: join(directory, "agents"),
    sharedRoot: join(directory, "shared"),
    docsRoot: join(directory, "docs"),
    launchesRoot: join(directory, "launches"),
    privateRoot: join(directory, "private"),
    program: process.cwd(),
  };
  const place: Place = { ...config, node: process.execPath, runtimes: ["process"], missing: {} };
  const log = pino({ level: "silent" });
  const runner = await startRunner(config, isTried ? { clock, log } : { clock, log, place });
  const stage: Stage = {
    directory,
    hived: first,
    runner,
    async anotherHived() {
      boot += 1;
      stage.hived = await openFakeHived(runnerSocket, boot);
      return stage.hived;
    },
    async [Symbol.asyncDispose]() {
      await runner.stop();
      await stage.hived.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await first.holds.next();
  return stage;
}

type Wanted = {
  runtime?: "process" | "bubblewrap";
  role?: "worker" | "manager";
  /** what to run instead of the script agent */
  argv?: string[];
  /** `harness.command` of agent.yaml */
  command?: string[];
  limits?: Partial<LaunchSpec["limits"]>;
  session?: string | null;
  launch?: LaunchId;
  mcpServers?: LaunchSpec["driver"]["mcpServers"];
  forge?: typeof someForge;
};

/** Prepares an agent with a script, as hived does, and makes a launch of it. */
export async function prepare(
  { hived }: Stage,
  name: string,
  script: string,
  {
    runtime = "process",
    role = "worker",
    argv,
    command,
    limits,
    session = null,
    launch = newLaunchId(),
    mcpServers = [],
    forge = someForge,
  }: Wanted = {},
): Promise<Launch> {
  const agent = name as AgentName;
  const files = [{ path: "script.yaml", content: Buffer.from(script).toString("base64"), executable: false }];
  await hived.runner("prepareAgent", { agent, tree: someTree, files });
  const config = AgentConfig.parse({
    role,
    harness: { driver: "acp", profile: "script", ...(command && { command }) },
    runtime: { driver: runtime },
  });
  const spec = specFor({ name: agent, role, session, config, tree: someTree }, hived.place(), launch, forge);
  return {
    launch,
    agent,
    tree: someTree,
    secrets: secretsFor(agent, forge, hived.place()),
    spec: {
      ...spec,
      argv: argv ?? spec.argv,
      driver: { ...spec.driver, mcpServers },
      limits: { ...spec.limits, ...limits },
    },
  };
}

/** Waits in a turn until the file `go` is in the agent's state directory; what waits is shown as "wait". */
export const waitingScript =
  'rules: [{ name: wait, steps: [{ title: wait, run: "echo $$ >pid; while ! test -e go; do sleep 0.02; done" }, { say: done }] }]';

/** Resolves when the agent shows a step of that title. */
export async function shown({ hived }: Stage, title: string): Promise<void> {
  for (let event = await hived.live.next(); event.kind !== "tool" || event.title !== title; )
    event = await hived.live.next();
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Resolves when a process is gone: the kernel tells nobody but its parent, so this looks. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
}
