/** The one database file and its one writing connection. */
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { Refusal } from "../../contract/refusal.ts";
import { type Database, grouping } from "./write.ts";

const migrations = readdirSync(join(import.meta.dirname, "migrations"))
  .filter((name) => name.endsWith(".sql"))
  .sort();

/**
 * Opens the database, brought to this program's schema; one transaction per migration, a copy of the file before the first.
 * @throws Refusal `database_too_new` when a newer program has written it.
 */
export function openDatabase(path: string): Database {
  const isNew = !existsSync(path);
  const sqlite = new Sqlite(path);
  sqlite.pragma("journal_mode = WAL");
  sqlite.pragma("synchronous = FULL");
  sqlite.pragma("foreign_keys = ON");
  sqlite.pragma("busy_timeout = 5000");
  migrate(sqlite, path, isNew);
  return grouping(sqlite);
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
