/**
 * Durable before answered: closures queued within one tick of the event loop run in one transaction, and their callers hear
 * only after the commit's sync. So many senders share one sync. One that throws after it has written spoils nobody else's
 * write: the transaction is undone, and each runs again in a savepoint of its own, which would cost the others a third more.
 */
import { dirname } from "node:path";
import type { Database as Sqlite } from "better-sqlite3";
import type { StorageTrouble } from "../../contract/facts.ts";
import { openStatements, type Reader, type Statements, type Writer } from "./statements.ts";
import { isLocked, nearlyFullWatch, storageFault, watchStorage } from "./storage.ts";
import { type Disk, openSyncs, realDisk } from "./sync.ts";

export type { Addition, Reader } from "./statements.ts";

/** What a write runs on. All calls are synchronous; what it does outside of the database may be done twice. */
export type Transaction = Writer & {
  /** called after the commit, in order; for waking whoever waits, never for what must not be lost */
  afterCommit(tell: () => void): void;
};

export type Database = {
  /**
   * Runs the closure in the next commit; resolves with its result after the sync, rejects with what it threw, or with a
   * Fault when nothing can be stored just now: then nothing of its commit was.
   */
  write<Result>(closure: (tx: Transaction) => Result, options?: WriteOptions): Promise<Result>;
  /** Reads what is committed, at once. */
  read<Result>(closure: (reader: Reader) => Result): Result;
  /** Why nothing, or nothing new, can be stored just now, as a sentence; null when all is well. */
  problem(): string | null;
  /** Why nothing can be stored just now, and since when; null when something can be. */
  trouble(): StorageTrouble | null;
  /** Calls back when that has changed, until the signal is aborted. */
  watchTrouble(tell: () => void, signal: AbortSignal): void;
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

/** Runs closures one after the other; undefined when one threw after it had written: then all of them have to be undone. */
function runTogether(sqlite: Sqlite, statements: Statements, writes: readonly Queued[]): Outcome[] | undefined {
  let calls: (() => void)[] = [];
  const tx: Transaction = { ...statements, afterCommit: (call) => void calls.push(call) };
  const outcomes: Outcome[] = [];
  const began = performance.now();
  for (const write of writes) {
    statements.hasWritten();
    try {
      outcomes.push({ write, calls, result: write.closure(tx) });
    } catch (error) {
      if (!sqlite.inTransaction) throw error;
      if (statements.hasWritten()) return undefined;
      outcomes.push({ write, calls: [], error });
    }
    calls = [];
    if (performance.now() - began > longestGroupMs) break;
  }
  try {
    statements.flush();
  } catch (error) {
    if (!sqlite.inTransaction) throw error;
    return undefined;
  }
  return outcomes;
}

/** The same, each in a savepoint of its own: what throws is undone by itself. */
function runEachAlone(sqlite: Sqlite, statements: Statements, writes: readonly Queued[]): Outcome[] {
  const outcomes: Outcome[] = [];
  const began = performance.now();
  for (const write of writes) {
    outcomes.push(runAlone(sqlite, statements, write));
    if (performance.now() - began > longestGroupMs) break;
  }
  return outcomes;
}

/** Runs a closure in a savepoint of the transaction that is open; what it throws is its outcome. */
function runAlone(sqlite: Sqlite, statements: Statements, write: Queued): Outcome {
  const calls: (() => void)[] = [];
  statements.run("SAVEPOINT one");
  try {
    const result = write.closure({ ...statements, afterCommit: (call) => void calls.push(call) });
    statements.flush();
    statements.run("RELEASE one");
    return { write, calls, result };
  } catch (error) {
    statements.undo();
    // A full disk makes SQLite roll the whole transaction back: then there is no savepoint any more, nor a commit.
    if (!sqlite.inTransaction) throw error;
    statements.run("ROLLBACK TO one");
    statements.run("RELEASE one");
    return { write, calls: [], error };
  }
}

/** What begins a transaction; it says false when another process writes just now, and is worth waiting for. */
function openBegin({ run }: Statements, patienceMs: number): (mayWait: boolean) => boolean {
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
  const statements = openStatements(sqlite);
  const begin = openBegin(statements, patienceMs);
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
  const watchers = new Set<() => void>();
  const tellAll = (problem: string | null) => {
    tell(problem);
    for (const watcher of [...watchers]) watcher();
  };
  const trouble = watchStorage({ directory, store, tell: tellAll });
  const settle = (outcome: Outcome) => {
    if ("error" in outcome) {
      const fault = storageFault(outcome.error);
      if (fault) trouble.note(fault);
      outcome.write.reject(fault ?? outcome.error);
    } else outcome.write.resolve(outcome.result);
    for (const call of outcome.calls) call();
  };
  let isClosing = false;
  const undo = () => {
    statements.undo();
    if (sqlite.inTransaction) statements.run("ROLLBACK");
  };
  /** Runs as many of them as there is time for, in a transaction that stays open; null when they have to wait. */
  const runIn = (writes: Queued[]): Outcome[] | null => {
    if (!begin(!isClosing)) return null;
    const outcomes = runTogether(sqlite, statements, writes);
    if (outcomes) return outcomes;
    undo();
    if (!begin(!isClosing)) return null;
    return runEachAlone(sqlite, statements, writes);
  };
  /** Commits as many of them as there is time for, or none; null when they have to wait. */
  const commit = (writes: Queued[], isWaited: boolean): Outcome[] | null => {
    try {
      syncs.before(isWaited);
      const outcomes = runIn(writes);
      if (outcomes) {
        statements.flush();
        statements.run("COMMIT");
      }
      return outcomes;
    } catch (error) {
      undo();
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
    read: (closure) => closure(statements), // in one piece, as nobody but us writes, and we do not while it runs
    write: enqueue,
    problem: trouble.problem,
    trouble: trouble.now,
    watchTrouble(watcher, signal) {
      watchers.add(watcher);
      signal.addEventListener("abort", () => watchers.delete(watcher), { once: true });
    },
    isNearlyFull: nearlyFullWatch(directory),
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
