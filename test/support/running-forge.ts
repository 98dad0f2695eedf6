/** A forge of a test's own: on a free loopback port, in a directory of its own, gone with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { newMemoryDirectory } from "./memory-directory.ts";

export type RunningForge = {
  kind: "embedded" | "managed";
  url: string;
  adminTokenFile: string;
  /** Ends it as `kill -9` does; its data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type ForgeProgram = { argv: readonly string[]; env: Record<string, string>; adminTokenFile: string };

/** @param program what to run, made ready for a directory and a port; called once */
export async function startForge(
  kind: RunningForge["kind"],
  program: (directory: string, port: number) => Promise<ForgeProgram>,
): Promise<RunningForge> {
  const directory = newMemoryDirectory("hive-forge-");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { argv, env, adminTokenFile } = await program(directory, port);
  let child: ChildProcess | null = null;
  const start = async () => {
    child = await startChild(argv, env, directory, url);
  };
  const kill = async () => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  };
  await start();
  return {
    kind,
    url,
    adminTokenFile,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function startChild(
  argv: readonly string[],
  env: Record<string, string>,
  cwd: string,
  url: string,
): Promise<ChildProcess> {
  const [command = "", ...rest] = argv;
  const child = spawn(command, rest, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => (said = `${said}${text}`.slice(-4000)));
  const answers = () =>
    fetch(`${url}/api/healthz`).then(
      (response) => response.ok,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`the forge ended with ${child.exitCode}: ${said}`);
    await delay(50); // it has no other way to say that it serves
  }
  return child;
}
