/**
 * How a commit comes to be kept. Where a sync is quick, it is SQLite's own, within the commit. Where it would hold up all else
 * that the event loop does, commits are not synced, and SQLite's log, which they are in, is, in the thread pool.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Database as Sqlite } from "better-sqlite3";
import { isOutsideFault } from "../../daemon/fault.ts";

/** A value, so that the bench can have a slow one. */
export type Disk = {
  /** how long a sync takes in a directory, in milliseconds */
  measureSync(directory: string): number;
  /** Resolves when what was written to an open file is kept. */
  sync(descriptor: number): Promise<void>;
};

const tries = 5;
const page = Buffer.alloc(4096);

/** The median of a few overwrites; 0 where nothing can be written just now: whoever writes next will say so. */
function measureSync(directory: string): number {
  const path = join(directory, "sync-probe");
  try {
    const descriptor = openSync(path, "w");
    const overwrite = () => {
      const began = performance.now();
      writeSync(descriptor, page, 0, page.length, 0);
      fdatasyncSync(descriptor);
      return performance.now() - began;
    };
    try {
      overwrite(); // the first one makes the file longer, which costs more
      return Array.from({ length: tries }, overwrite).sort((a, b) => a - b)[(tries - 1) / 2] ?? 0;
    } finally {
      closeSync(descriptor);
      rmSync(path);
    }
  } catch (error) {
    if (!isOutsideFault(error)) throw error;
    return 0;
  }
}

export const realDisk: Disk = { measureSync, sync: promisify(fdatasync) };

/** A sync that takes longer is waited for in the thread pool. */
const longestInLoopMs = 1;

/**
 * In pages of SQLite's log, four times its default: a checkpoint syncs twice within a commit, and writes again what many commits
 * have changed. Reading so much at a start takes 30 ms.
 */
const rareCheckpoint = 4_000;

export type Syncs = {
  /** Before a transaction begins: whether anybody waits until it is kept. */
  before(isWaitedFor: boolean): void;
  /**
   * After its commit: resolves when it is kept; null when it is, or nobody waits. Rejects when the disk fails, and then
   * nobody knows what it has: the process has to end, and the next one reads what is there.
   */
  after(isWaitedFor: boolean): Promise<void> | null;
  close(): void;
};

/** Finds out, once, which way is the better one for the disk that a database lies on. */
export function openSyncs(sqlite: Sqlite, disk: Disk): Syncs {
  const isSlow = disk.measureSync(dirname(sqlite.name)) > longestInLoopMs;
  sqlite.pragma(`wal_autocheckpoint = ${rareCheckpoint}`);
  let wal: number | undefined;
  let synchronous = "";
  return {
    before(isWaitedFor) {
      const wanted = isWaitedFor && !isSlow ? "FULL" : "NORMAL";
      if (wanted !== synchronous) sqlite.pragma(`synchronous = ${wanted}`);
      synchronous = wanted;
    },
    after(isWaitedFor) {
      if (!isSlow || !isWaitedFor) return null;
      wal ??= openSync(`${sqlite.name}-wal`, "r"); // the same file until the last connection is closed
      return disk.sync(wal);
    },
    close() {
      if (wal !== undefined) closeSync(wal);
    },
  };
}
