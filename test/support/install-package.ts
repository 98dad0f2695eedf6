/** A real coding agent, from npm into a cache: one exact version, so that a test says what it was seen to do. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "hyperhive");

export type Pinned = {
  package: string;
  version: string;
  /** below node_modules; what an install script would do is not needed for it, and not done */
  program: string;
};

/**
 * The program's path, installed when it is not there. Null, said loudly, where npm has it not.
 * Several may do it at once: the first that has finished counts.
 * @param name of its directory in the cache
 */
export async function installPackage(name: string, pinned: Pinned): Promise<string | null> {
  const directory = join(cache, name, pinned.version);
  const programIn = (root: string) => join(root, "node_modules", pinned.program);
  if (existsSync(programIn(directory))) return programIn(directory);
  mkdirSync(join(cache, name), { recursive: true });
  const unfinished = mkdtempSync(join(cache, name, ".new-"));
  const wanted = `${pinned.package}@${pinned.version}`;
  try {
    const args = ["install", "--prefix", unfinished, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
    await promisify(execFile)("npm", [...args, wanted], { timeout: 240_000 });
    if (existsSync(programIn(unfinished))) renameSync(unfinished, directory);
  } catch (error) {
    if (!existsSync(programIn(directory))) announce(wanted, error as Error);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return existsSync(programIn(directory)) ? programIn(directory) : null;
}

const announce = (wanted: string, { message }: Error) =>
  process.stderr.write(`\n*** ${wanted} IS NOT TESTED: npm could not install it ***\n${message.slice(0, 500)}\n\n`);
