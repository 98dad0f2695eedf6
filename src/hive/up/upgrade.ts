/**
 * Which version of Forgejo the database is of, and a backup before a newer one touches it: what a newer version has
 * migrated, an older one can't read.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { type Home, homeRefusal, readIfThere } from "./home.ts";
import type { Step } from "./steps.ts";

const noteOf = (home: Home) => join(home.forge, "version");

/** The newest Forgejo that may have written the database; undefined before the first start. @throws Refusal `version_unreadable`. */
export function databaseVersion(home: Home): string | undefined {
  const noted = readIfThere(noteOf(home))?.trim();
  if (noted === undefined || /^\d+\.\d+\.\d+$/.test(noted)) return noted;
  throw new Refusal(
    "version_unreadable",
    `${noteOf(home)} holds no version of Forgejo.`,
    "Write into it the version that the forge was last run with, such as 15.0.9.",
  );
}

/**
 * Backs the forge up if a newer Forgejo is about to run, and notes that one before it can touch the database. The forge
 * must not run meanwhile. A crash in between makes the backup anew at the next start.
 * @param version of the Forgejo that is about to run
 * @param run runs a command of it on the forge's configuration; rejects with a Fault
 */
export async function keepBefore(
  home: Home,
  version: string,
  run: (argv: string[]) => Promise<unknown>,
  step: Pick<Step, "say">,
): Promise<void> {
  const used = databaseVersion(home);
  if (used === version) return;
  if (used !== undefined && existsSync(home.adminToken)) {
    step.say(`keeping what Forgejo ${used} has left, before ${version} changes it`);
    await keep(home, `${used}-before-${version}`, run, step);
  }
  writeFileSync(`${noteOf(home)}.new`, `${version}\n`, { mode: 0o600, flush: true });
  renameSync(`${noteOf(home)}.new`, noteOf(home));
}

/**
 * A dump, and where Forgejo can't make one a copy of its data: a new version reads an old database by the new one's
 * tables, and may miss some (models/db/engine.go, DumpDatabase).
 */
async function keep(home: Home, name: string, run: (argv: string[]) => Promise<unknown>, step: Pick<Step, "say">) {
  const directory = join(home.forge, "dumps");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unfinished = join(directory, "unfinished.tar.gz"); // the name decides the kind of archive, too
  rmSync(unfinished, { force: true, recursive: true });
  try {
    const what = ["--file", unfinished, "--type", "tar.gz", "--tempdir", directory, "--skip-log", "--skip-index"];
    await run(["dump", "--quiet", ...what]);
    renameSync(unfinished, join(directory, `${name}.tar.gz`));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    step.say(`${error.message}; copying its data instead`);
    const copy = join(directory, name);
    rmSync(copy, { recursive: true, force: true });
    rmSync(unfinished, { force: true });
    await cp(join(home.forge, "data"), unfinished, { recursive: true }).catch((failure: NodeJS.ErrnoException) => {
      throw homeRefusal(home.root, failure);
    });
    renameSync(unfinished, copy);
  }
}
