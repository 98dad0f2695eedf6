/** What every part of the embedded forge is handed: its database, git, clock and address. */
import path from "node:path";
import type { Logger } from "pino";
import type { Database } from "./database/open.ts";
import type { ForgeEvent } from "./domain/events.ts";
import type { Git } from "./git/run.ts";
import type { KeyedLocks } from "./git/semaphore.ts";
import type { Housekeeping } from "./housekeeping.ts";

export interface Forge {
  db: Database;
  git: Git;
  /** Address that clients use, without a slash at its end; never taken from a request's Host header. */
  url: string;
  reposDir: string;
  /** By repository id: held while refs are read, judged and moved. */
  locks: KeyedLocks;
  housekeeping: Housekeeping;
  now: () => number;
  /** As in the config. */
  passwordCost: number;
  /** Called by domain/events.ts, inside the transaction that makes the event true. */
  onEvent: (event: ForgeEvent) => void;
  log: Logger;
}

/** Absolute path of a bare repository. By id, so that no rename moves it and no name ever becomes part of a path. */
export function repoDir(forge: Forge, repo: { id: number }): string {
  return path.join(forge.reposDir, `${repo.id}.git`);
}
