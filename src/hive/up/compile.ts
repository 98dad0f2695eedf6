/**
 * Compiled modules of our programs, made by the first start of a version. A program that finds them strips no types: it
 * starts 200 ms sooner and holds some 20 MiB less for good (measured). They belong to the program, not to a home: every
 * hive of a user has them from the one directory that NODE_COMPILE_CACHE names (bin.mjs says which; of a hive started by
 * root, root.ts). What runs in a sandbox gets it to read: nobody writes there what somebody more trusted executes.
 * Nothing depends on them.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { basename, dirname, join } from "node:path";
import { sandboxUser } from "../../daemon/bubblewrap.ts";
import { readIfThere } from "./home.ts";
import { newestOf } from "./newest.ts";
import { node } from "./node.ts";

/** Together they import all that our programs consist of, and to import them starts nothing. */
const modules = [
  "src/hived/start.ts",
  "src/hived/mcp/session.ts",
  "src/hive-runner/runner.ts",
  "src/hive-web/serve.ts",
  "src/hive-web/probe.ts",
  "src/hive/commands/mcp.ts",
  "src/hive/commands/up.ts",
  "src/script-agent/tools.ts",
  "src/script-agent/turn.ts",
  "forge/embedded/app.ts",
];
const sources = ["package.json", "src", "forge"];
/** Loaded by the script agent, the first two only when it has something to call. */
const packages = [
  "@modelcontextprotocol/sdk/client/index.js",
  "@modelcontextprotocol/sdk/client/stdio.js",
  "@agentclientprotocol/sdk",
];

/** Makes them, unless they were made of what the modules are now. */
export async function compile(program: string): Promise<void> {
  const directory = getCompileCacheDir(); // that of this Node and user: Node names it in NODE_COMPILE_CACHE
  if (directory === undefined) return;
  const made = join(directory, `made-of-${createHash("sha256").update(program).digest("hex").slice(0, 12)}`);
  const newest = String(newestOf(sources.map((source) => join(program, source))));
  if (readIfThere(made) === newest) return;
  shareWithSandboxes(directory);
  const wanted = [...modules.map((module) => join(program, module)), ...packages];
  const script = wanted.map((module) => `await import(${JSON.stringify(module)});`).join("");
  const [path = "", ...flags] = node;
  const child = spawn(path, [...flags, "--input-type=module", "-e", script], {
    cwd: program, // where the packages are found
    env: { NODE_COMPILE_CACHE: dirname(directory) },
    stdio: "ignore",
  });
  const [code] = await once(child, "exit");
  if (code === 0) writeFileSync(made, newest);
}

/** Node looks in a directory whose name ends with the number of its user (24.21), and in a sandbox that is another one. */
function shareWithSandboxes(directory: string): void {
  const inside = directory.replace(/\d+$/, String(sandboxUser));
  try {
    symlinkSync(basename(directory), inside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
