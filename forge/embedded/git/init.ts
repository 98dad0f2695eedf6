/** A bare repository, as `git init` makes it, in a folder that nobody else knows yet. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";

/** @param branch the one that a clone checks out; it need not exist */
export function initRepository(dir: string, branch: string): void {
  for (const folder of ["objects/info", "objects/pack", "refs/heads", "refs/tags"])
    mkdirSync(path.join(dir, folder), { recursive: true });
  writeFileSync(path.join(dir, "config"), CONFIG);
  writeFileSync(path.join(dir, "HEAD"), `ref: refs/heads/${branch}\n`);
}

/** Writes a branch without git's locks. */
export function placeBranch(dir: string, branch: string, commit: string): void {
  const file = path.join(dir, "refs", "heads", branch);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${commit}\n`, { flush: true });
}
