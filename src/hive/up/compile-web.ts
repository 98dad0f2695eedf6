/**
 * Compiled modules for hive-web, which may write no file and so cannot keep them by itself. They save it 200 ms of each
 * start and 20 MiB for good (measured: no type has to be stripped by it). Nothing depends on them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, readIfThere } from "./home.ts";
import { newestOf } from "./newest.ts";
import { node } from "./node.ts";

const sources = ["package.json", "src/contract", "src/rpc", "src/daemon", "src/hive-web"];
const modules = ["hive-web/serve.ts", "hive-web/probe.ts", "contract/programs.ts", "daemon/stop.ts"];

/** Where they lie; hive-web gets them to read. */
export const compiledWebOf = (home: Home): string => join(home.cache, "compiled-web");

/** Makes them, by a process that loads the same modules, unless they were made of what the modules are now. */
export async function compileWeb({ home, program }: { home: Home; program: string }): Promise<void> {
  const compiled = compiledWebOf(home);
  const made = join(compiled, "made-of");
  const newest = newestOf(sources.map((source) => join(program, source)));
  const state = `${program} ${newest} ${process.version}`;
  mkdirSync(compiled, { recursive: true, mode: 0o700 });
  if (readIfThere(made) === state) return;
  for (const old of readdirSync(compiled)) rmSync(join(compiled, old), { recursive: true });
  const script = modules.map((module) => `await import(${JSON.stringify(join(program, "src", module))});`).join("");
  const [path = "", ...flags] = node;
  const child = spawn(path, [...flags, "--input-type=module", "-e", script], {
    env: { NODE_COMPILE_CACHE: compiled },
    stdio: "ignore",
  });
  const [code] = await once(child, "exit");
  if (code === 0) writeFileSync(made, state);
}
