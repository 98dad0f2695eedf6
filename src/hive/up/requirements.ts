/** What must be on the machine before a hive can start. */
import { spawnSync } from "node:child_process";
import { Refusal } from "../../contract/refusal.ts";

/** The embedded forge merges with `git merge-tree --write-tree`; Forgejo 15 asks for 2.34.1 (modules/git/git.go). */
const oldestGit = "2.38.0";

/** The version of git on PATH. @throws Refusal `git_missing` or `git_too_old`. */
export function checkGit(): string {
  const { stdout, error } = spawnSync("git", ["--version"], { encoding: "utf8" });
  const next = `Install git ${oldestGit} or later, and start again.`;
  if (error) throw new Refusal("git_missing", "git was not found on PATH.", next);
  const version = stdout.match(/\d+\.\d+(\.\d+)?/)?.[0] ?? "0";
  if (!isAtLeast(version, oldestGit)) throw new Refusal("git_too_old", `git ${version} is too old.`, next);
  return version;
}

/** Compares dotted numbers; missing parts count as 0. */
export function isAtLeast(version: string, wanted: string): boolean {
  const have = version.split(".").map(Number);
  for (const [index, part] of wanted.split(".").map(Number).entries()) {
    const mine = have[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}
