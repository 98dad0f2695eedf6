/** The one database file and its one writing connection. */
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { Refusal } from "../../contract/refusal.ts";
import { isLocked, storageFault } from "./storage.ts";
import { type Disk, realDisk } from "./sync.ts";
import { type Database, grouping } from "./write.ts";

const migrations = readdirSync(join(import.meta.dirname, "migrations"))
  .filter((name) => name.endsWith(".sql"))
  .sort();

/**
 * Opens the database, brought to this program's schema; one transaction per migration, a copy of the file before the first.
 * No other process opens it so until this one has ended, or closed it.
 * @param tell told when it can't be written, with a sentence, and with null when it can be again
 * @param disk as it is; the bench has a slow one
 * @throws Refusal `database_in_use` when another one has it, `database_too_new` when a newer program has written it; Fault
 *   while its disk is full, read-only, or fails
 */
export function openDatabase(path: string, tell?: (problem: string | null) => void, disk: Disk = realDisk): Database {
  const lock = lockOut(path);
  try {
    const db = grouping(openFile(path), tell, { disk });
    return {
      ...db,
      async close() {
        await db.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw storageFault(error) ?? error;
  }
}

function openFile(path: string): Sqlite.Database {
  const isNew = !existsSync(path);
  const sqlite = new Sqlite(path);
  sqlite.pragma("journal_mode = WAL");
  sqlite.pragma("foreign_keys = OFF"); // the one there is would be looked up for each entry, which comes with its message
  sqlite.pragma("cache_size = -32768"); // in KiB, taken as it is needed: the default of 2 MiB is less than what is open in a busy hive
  sqlite.pragma("busy_timeout = 5000");
  migrate(sqlite, path, isNew); // which may sort millions of rows, and needs files for that
  sqlite.pragma("temp_store = MEMORY"); // each savepoint's undo journal would be a file, written twice as much as the WAL
  return sqlite;
}

/**
 * A lock of the operating system, which ends with the process, however that ended. On a file of its own: on the database's
 * it would keep readers out, too.
 */
function lockOut(path: string): Sqlite.Database {
  const lock = new Sqlite(`${path}-lock`, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (!isLocked(error)) throw storageFault(error) ?? error;
    throw new Refusal(
      "database_in_use",
      `${path} is in use: another hived runs on it.`,
      "Stop that one first; there is one for each home.",
    );
  }
}

function migrate(sqlite: Sqlite.Database, path: string, isNew: boolean): void {
  const version = Number(sqlite.pragma("user_version", { simple: true }));
  if (version > migrations.length) {
    sqlite.close();
    throw new Refusal(
      "database_too_new",
      `${path} was written by a newer hive (schema ${version}; this one knows ${migrations.length}).`,
      "Install that version again, or restore a backup from before the upgrade.",
    );
  }
  const due = migrations.slice(version);
  if (due.length > 0 && !isNew) {
    sqlite.pragma("wal_checkpoint(TRUNCATE)");
    copyFileSync(path, `${path}.schema-${version}`);
  }
  for (const [index, name] of due.entries()) {
    sqlite.transaction(() => {
      sqlite.exec(readFileSync(join(import.meta.dirname, "migrations", name), "utf8"));
      sqlite.pragma(`user_version = ${version + index + 1}`);
    })();
  }
}
