/**
 * The one connection to forge.db. Everything on it is synchronous, so a `write` is a transaction that nothing can
 * interleave with, and it has been synced to disk (WAL, synchronous FULL) when it returns.
 */
import { readFileSync } from "node:fs";
import BetterSqlite3 from "better-sqlite3";

/** What has made the schema, one after the other; SQLite's user_version counts how many a file has seen. */
const STEPS = ["schema.sql", "oauth.sql"];

type Value = string | number | null;
export type Parameters = Record<string, Value>;

export class Database {
  private readonly connection: BetterSqlite3.Database;
  private readonly statements = new Map<string, BetterSqlite3.Statement>();
  private readonly committed: (() => void)[] = [];

  constructor(connection: BetterSqlite3.Database) {
    this.connection = connection;
  }

  /** Every row of a query. The caller names the row's shape; SQL and shape stand in the same file. */
  all<Row>(sql: string, parameters: Parameters = {}): Row[] {
    return this.statement(sql).all(parameters) as Row[];
  }

  get<Row>(sql: string, parameters: Parameters = {}): Row | undefined {
    return this.statement(sql).get(parameters) as Row | undefined;
  }

  /** Runs a change; returns the new row's id and how many rows it touched. */
  run(sql: string, parameters: Parameters = {}): { id: number; changes: number } {
    const result = this.statement(sql).run(parameters);
    return { id: Number(result.lastInsertRowid), changes: result.changes };
  }

  /** One transaction; inside another one it simply joins it. Throwing undoes the outermost. */
  write<Result>(change: () => Result): Result {
    if (this.connection.inTransaction) return change();
    const result = this.connection.transaction(change).immediate();
    for (const listener of this.committed) listener();
    return result;
  }

  /** Calls `listener` after each commit of `write`. */
  onCommit(listener: () => void): void {
    this.committed.push(listener);
  }

  close(): void {
    this.connection.close();
  }

  private statement(sql: string): BetterSqlite3.Statement {
    const known = this.statements.get(sql);
    if (known) return known;
    const prepared = this.connection.prepare(sql);
    this.statements.set(sql, prepared);
    return prepared;
  }
}

/** The database cannot be used: another process has it, or a newer program made it. To try again is of no use. */
export class DatabaseRefusal extends Error {
  readonly code: "in_use" | "newer_database";

  constructor(code: DatabaseRefusal["code"], message: string) {
    super(message);
    this.name = "DatabaseRefusal";
    this.code = code;
  }
}

/**
 * Opens or creates the database file and keeps every other process out of it until this one ends, however it ends.
 * @throws DatabaseRefusal another forge runs on it, or a newer version of this program has written it
 */
export function openDatabase(file: string): Database {
  const connection = new BetterSqlite3(file, { timeout: 1000 });
  try {
    return new Database(prepared(connection, file));
  } catch (error) {
    connection.close();
    if (!(error instanceof BetterSqlite3.SqliteError) || error.code !== "SQLITE_BUSY") throw error;
    throw new DatabaseRefusal("in_use", `${file} is in use: another forge runs on this directory.`);
  }
}

function prepared(connection: BetterSqlite3.Database, file: string): BetterSqlite3.Database {
  connection.pragma("locking_mode = EXCLUSIVE"); // before the first access, which then takes the lock for good
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = FULL");
  connection.pragma("foreign_keys = ON");
  const version = Number(connection.pragma("user_version", { simple: true }));
  if (version > STEPS.length) {
    throw new DatabaseRefusal("newer_database", `${file} has schema ${version}, this program knows ${STEPS.length}.`);
  }
  for (const [index, step] of STEPS.entries()) if (index >= version) takeStep(connection, step, index + 1);
  return connection;
}

function takeStep(connection: BetterSqlite3.Database, step: string, version: number): void {
  const sql = readFileSync(new URL(`./${step}`, import.meta.url), "utf8");
  connection.transaction(() => {
    connection.exec(sql);
    connection.pragma(`user_version = ${version}`);
  })();
}
