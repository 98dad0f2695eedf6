/**
 * Durable before answered: closures queued within one tick of the event loop run in one transaction, each in its own
 * savepoint, and their callers hear only after the commit's sync. So many senders share one sync, a refusal spoils
 * nobody else's write, and nothing that was answered can be lost.
 */
import type { Database as Sqlite, Statement } from "better-sqlite3";

type Parameters = Record<string, string | number | null>;

/** What SQL runs on, inside a write or as a read. All calls are synchronous. */
export type Transaction = {
  all<Row>(sql: string, parameters?: Parameters): Row[];
  get<Row>(sql: string, parameters?: Parameters): Row | undefined;
  run(sql: string, parameters?: Parameters): { changes: number; id: number };
  /** called after the commit, in order; for waking whoever waits, never for what must not be lost */
  afterCommit(tell: () => void): void;
};

/** What reads: the same, without a promise about who else writes meanwhile. */
export type Reader = Pick<Transaction, "all" | "get">;

export type Database = {
  /** Runs the closure in the next commit; resolves with its result after the sync, rejects with what it threw. */
  write<Result>(closure: (tx: Transaction) => Result): Promise<Result>;
  /** Reads what is committed, at once, in one snapshot. */
  read<Result>(closure: (reader: Reader) => Result): Result;
  /** Commits what is queued, then closes the file. */
  close(): Promise<void>;
};

type Queued = {
  closure: (tx: Transaction) => unknown;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};
type Outcome = { write: Queued; tell: (() => void)[] } & ({ result: unknown } | { error: unknown });

/** Caps the time that one commit holds the event loop: over a thousand closures wait for each other noticeably. */
const largestGroup = 1000;

/** Makes a connection, which nobody else may write through, into a database that commits in groups. */
export function grouping(sqlite: Sqlite): Database {
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const statement = statements.get(sql) ?? sqlite.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const reader: Reader = {
    all: <Row>(sql: string, parameters: Parameters = {}) => prepare(sql).all(parameters) as Row[],
    get: <Row>(sql: string, parameters: Parameters = {}) => prepare(sql).get(parameters) as Row | undefined,
  };
  const runOne = (write: Queued): Outcome => {
    const tell: (() => void)[] = [];
    const run = (sql: string, parameters: Parameters = {}) => {
      const { changes, lastInsertRowid } = prepare(sql).run(parameters);
      return { changes, id: Number(lastInsertRowid) };
    };
    prepare("SAVEPOINT one").run();
    try {
      const result = write.closure({ ...reader, run, afterCommit: (call) => tell.push(call) });
      prepare("RELEASE one").run();
      return { write, tell, result };
    } catch (error) {
      // A full disk makes SQLite roll the whole transaction back: then there is no savepoint any more, nor a commit.
      if (!sqlite.inTransaction) throw error;
      prepare("ROLLBACK TO one").run();
      prepare("RELEASE one").run();
      return { write, tell: [], error };
    }
  };
  const commit = (writes: Queued[]): Outcome[] => {
    try {
      prepare("BEGIN IMMEDIATE").run();
      const outcomes = writes.map(runOne);
      prepare("COMMIT").run();
      return outcomes;
    } catch (error) {
      if (sqlite.inTransaction) prepare("ROLLBACK").run();
      return writes.map((write) => ({ write, tell: [], error }));
    }
  };
  const queue: Queued[] = [];
  const flush = () => {
    const writes = queue.splice(0, largestGroup);
    if (queue.length > 0) setImmediate(flush);
    if (writes.length === 0) return;
    for (const outcome of commit(writes)) {
      if ("error" in outcome) outcome.write.reject(outcome.error);
      else outcome.write.resolve(outcome.result);
      for (const tell of outcome.tell) tell();
    }
  };
  return {
    read: (closure) => sqlite.transaction(() => closure(reader))(),
    write<Result>(closure: (tx: Transaction) => Result) {
      if (queue.length === 0) setImmediate(flush);
      return new Promise<Result>((resolve, reject) => {
        queue.push({ closure, resolve: resolve as (result: unknown) => void, reject });
      });
    },
    async close() {
      while (queue.length > 0) flush();
      sqlite.close();
    },
  };
}
