/**
 * Durable before answered: closures queued within one tick of the event loop run in one transaction, each in its own
 * savepoint, and their callers hear only after the commit's sync. So many senders share one sync, a refusal spoils
 * nobody else's write, and nothing that was answered can be lost.
 */
import { dirname } from "node:path";
import type { Database as Sqlite, Statement } from "better-sqlite3";
import { isLocked, isNearlyFull, storageFault, watchStorage } from "./storage.ts";
import { type Disk, openSyncs, realDisk } from "./sync.ts";

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
  /**
   * Runs the closure in the next commit; resolves with its result after the sync, rejects with what it threw, or with a
   * Fault when nothing can be stored just now: then nothing of its commit was.
   */
  write<Result>(closure: (tx: Transaction) => Result, options?: WriteOptions): Promise<Result>;
  /** Reads what is committed, at once, in one snapshot. */
  read<Result>(closure: (reader: Reader) => Result): Result;
  /** Why nothing, or nothing new, can be stored just now, as a sentence; null when all is well. */
  problem(): string | null;
  /** Whether what is left on the disk is kept for what was accepted. */
  isNearlyFull(): boolean;
  /** Commits what is queued, then closes the file. */
  close(): Promise<void>;
};

/** @property isDurable false: resolves after the commit, which is on the disk with the next one: for what a crash may undo */
type WriteOptions = { isDurable: boolean };

type Queued = {
  isDurable: boolean;
  closure: (tx: Transaction) => unknown;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};
const isWaitedFor = ({ isDurable }: Queued): boolean => isDurable;

type Outcome = { write: Queued; calls: (() => void)[] } & ({ result: unknown } | { error: unknown });

/** How long the closures of one commit may hold the event loop; what is left goes with the next one, a sync later. */
const longestGroupMs = 10;

/** How long a write waits for another process that has locked the database, while everything else goes on. */
const lockPatienceMs = 5_000;
const lockPauseMs = 20;

/**
 * Built with STAT4, as here, SQLite plans a statement anew for each value of a parameter on which its plan could depend: for
 * twenty microseconds, where running it takes two (measured, 3.54.1). Of an expression, if only `+:name`, it asks no value.
 */
const plannedOnce = (sql: string): string => sql.replaceAll(/(?<=[\s(,=<>]):(?=[a-z])/gi, "+:");

/** What runs SQL on a connection, each text prepared once. */
function preparing(sqlite: Sqlite) {
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const statement = statements.get(sql) ?? sqlite.prepare(plannedOnce(sql));
    statements.set(sql, statement);
    return statement;
  };
  const reader: Reader = {
    all: <Row>(sql: string, parameters: Parameters = {}) => prepare(sql).all(parameters) as Row[],
    get: <Row>(sql: string, parameters: Parameters = {}) => prepare(sql).get(parameters) as Row | undefined,
  };
  const run: Transaction["run"] = (sql, parameters = {}) => {
    const { changes, lastInsertRowid } = prepare(sql).run(parameters);
    return { changes, id: Number(lastInsertRowid) };
  };
  return { reader, run };
}
type Prepared = ReturnType<typeof preparing>;

/** Runs a closure in a savepoint of the transaction that is open; what it throws is its outcome. */
function runOne(sqlite: Sqlite, { reader, run }: Prepared, write: Queued): Outcome {
  const calls: (() => void)[] = [];
  run("SAVEPOINT one");
  try {
    const result = write.closure({ ...reader, run, afterCommit: (call) => calls.push(call) });
    run("RELEASE one");
    return { write, calls, result };
  } catch (error) {
    // A full disk makes SQLite roll the whole transaction back: then there is no savepoint any more, nor a commit.
    if (!sqlite.inTransaction) throw error;
    run("ROLLBACK TO one");
    run("RELEASE one");
    return { write, calls: [], error };
  }
}

/** What begins a transaction; it says false when another process writes just now, and is worth waiting for. */
function openBegin(run: Prepared["run"], patienceMs: number): (mayWait: boolean) => boolean {
  let lockedAt: number | null = null;
  return (mayWait) => {
    try {
      run("BEGIN IMMEDIATE");
      lockedAt = null;
      return true;
    } catch (error) {
      if (!isLocked(error)) throw error;
      lockedAt ??= performance.now();
      if (!mayWait || performance.now() - lockedAt > patienceMs) throw error;
      return false;
    }
  };
}

/**
 * Makes a connection, which nobody else may write through, into a database that commits in groups.
 * @param tell told when it can't be written, with a sentence, and with null when it can be again
 * @param options.patienceMs for a lock; a test has less
 */
export function grouping(
  sqlite: Sqlite,
  tell: (problem: string | null) => void = () => undefined,
  { patienceMs = lockPatienceMs, disk = realDisk }: { patienceMs?: number; disk?: Disk } = {},
): Database {
  sqlite.pragma("busy_timeout = 0"); // SQLite would wait for a lock in the event loop
  const prepared = preparing(sqlite);
  const { reader, run } = prepared;
  const begin = openBegin(run, patienceMs);
  const queue: Queued[] = [];
  const enqueue: Database["write"] = <Result>(
    closure: (tx: Transaction) => Result,
    { isDurable }: WriteOptions = { isDurable: true },
  ) => {
    if (queue.length === 0) setImmediate(flush);
    return new Promise<Result>((resolve, reject) => {
      queue.push({ closure, isDurable, resolve: resolve as (result: unknown) => void, reject });
    });
  };
  const directory = dirname(sqlite.name);
  const syncs = openSyncs(sqlite, disk);
  const version = sqlite.pragma("user_version", { simple: true });
  const store = () => enqueue(() => sqlite.pragma(`user_version = ${version}`)); // as it is, which needs a page all the same
  const trouble = watchStorage({ directory, store, tell });
  const settle = (outcome: Outcome) => {
    if ("error" in outcome) {
      const fault = storageFault(outcome.error);
      if (fault) trouble.note(fault);
      outcome.write.reject(fault ?? outcome.error);
    } else outcome.write.resolve(outcome.result);
    for (const call of outcome.calls) call();
  };
  let isClosing = false;
  /** Commits as many of them as there is time for, or none; null when they have to wait. */
  const commit = (writes: Queued[], isWaited: boolean): Outcome[] | null => {
    try {
      syncs.before(isWaited);
      if (!begin(!isClosing)) return null;
      const outcomes: Outcome[] = [];
      const began = performance.now();
      for (const write of writes) {
        outcomes.push(runOne(sqlite, prepared, write));
        if (performance.now() - began > longestGroupMs) break;
      }
      run("COMMIT");
      return outcomes;
    } catch (error) {
      if (sqlite.inTransaction) run("ROLLBACK");
      return writes.map((write) => ({ write, calls: [], error }));
    }
  };
  /** What comes while one commit is waited for goes with the next one. */
  let waiting: Promise<void> | null = null;
  const flush = () => {
    if (waiting || queue.length === 0) return;
    const writes = [...queue];
    const isWaited = writes.some(isWaitedFor);
    const outcomes = commit(writes, isWaited);
    if (!outcomes) return void setTimeout(flush, lockPauseMs);
    queue.splice(0, outcomes.length);
    const answer = () => {
      waiting = null;
      if (queue.length > 0) setImmediate(flush);
      for (const outcome of outcomes) settle(outcome);
    };
    waiting = syncs.after(isWaited)?.then(answer) ?? null;
    if (!waiting) answer();
  };
  return {
    read(closure) {
      if (sqlite.inTransaction) return closure(reader);
      run("BEGIN");
      try {
        return closure(reader);
      } finally {
        if (sqlite.inTransaction) run("COMMIT");
      }
    },
    write: enqueue,
    problem: trouble.problem,
    isNearlyFull: () => isNearlyFull(directory),
    async close() {
      isClosing = true;
      trouble.close();
      while (waiting || queue.length > 0) {
        if (waiting) await waiting;
        flush();
      }
      sqlite.close();
      syncs.close();
    },
  };
}
