/** The real Claude Code, from npm into a cache: one exact version, so that a test says what it was seen to do. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The newest that was tried with the driver. */
export const claudeVersion = "2.1.332";

const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "hyperhive/claude-code");

/** The native program: npm brings it as a package of the platform, and what its scripts would do with that is not needed. */
const programIn = (directory: string) =>
  join(directory, `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`);

/**
 * The program's path, installed when it is not there; some 400 MB. Null, said loudly, where npm has it not.
 * Several may do it at once: the first that has finished counts.
 */
export async function installClaude(): Promise<string | null> {
  const program = programIn(join(cache, claudeVersion));
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(join(cache, ".new-"));
  try {
    const args = ["install", "--prefix", unfinished, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
    await promisify(execFile)("npm", [...args, `@anthropic-ai/claude-code@${claudeVersion}`], { timeout: 240_000 });
    if (existsSync(programIn(unfinished))) renameSync(unfinished, join(cache, claudeVersion));
  } catch (error) {
    if (!existsSync(program)) announce(error as Error);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return existsSync(program) ? program : null;
}

const announce = ({ message }: Error) =>
  process.stderr.write(
    `\n*** THE REAL CLAUDE CODE IS NOT TESTED: npm could not install @anthropic-ai/claude-code ${claudeVersion} ***\n${message.slice(0, 500)}\n\n`,
  );
