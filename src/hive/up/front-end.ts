/** The dashboard's files: built by the first start of a checkout, and again when their sources are newer. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../../contract/refusal.ts";
import { newestOf } from "./newest.ts";
import { assetsOf } from "./programs.ts";

const sources = ["src/dashboard", "src/contract", "vite.config.ts"];

/** Whether there is nothing that could be served, or it is older than what it is made from. */
export function needsBuild(program: string): boolean {
  const built = statSync(join(assetsOf(program), "index.html"), { throwIfNoEntry: false });
  if (!built) return true;
  return newestOf(sources.map((source) => join(program, source))) > built.mtimeMs;
}

/**
 * Builds it with Vite.
 * @throws Refusal `not_built` with the last lines of what Vite said.
 */
export async function buildFrontEnd(program: string): Promise<void> {
  const vite = join(program, "node_modules/vite/bin/vite.js");
  const build = spawn(process.execPath, [vite, "build", "--logLevel", "warn"], {
    cwd: program,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [build.stdout, build.stderr])
    stream.on("data", (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-2_000);
    });
  const [code] = await once(build, "close");
  if (code === 0) return;
  throw new Refusal(
    "not_built",
    `The dashboard could not be built: ${said.trim()}`,
    "Run `npm install`, and try again.",
  );
}
