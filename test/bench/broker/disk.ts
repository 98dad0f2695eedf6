/** The floor of everything durable: a bare 4 KiB overwrite and fdatasync, on the disk that a hive has. */
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { percentile } from "../figure.ts";

const blockBytes = 4096;
/** Overwritten in turn: a file that grows costs the file system more than its data. */
const blocks = 1024;
/** TMPFS_MAGIC, statfs(2) */
const inMemory = 0x01021994;

/** A directory of the bench's own, with a path short enough for sockets. @throws Error where there is no disk below it */
export function newDiskDirectory(): { path: string; remove(): void } {
  if (statfsSync(tmpdir()).type === inMemory) throw new Error(`${tmpdir()} lies in memory: set TMPDIR to a real disk.`);
  const path = mkdtempSync(join(tmpdir(), "hive-bench-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export type DiskSpeed = { perSecond: number; p50Ms: number };

/** Opens a file to sync; `measure` syncs for so long. */
export function openFloor(directory: string): { measure(ms: number): DiskSpeed; close(): void } {
  const descriptor = openSync(join(directory, "floor"), "w+");
  const block = Buffer.alloc(blockBytes, 1);
  writeSync(descriptor, Buffer.alloc(blockBytes * blocks));
  fsyncSync(descriptor);
  let next = 0;
  return {
    measure(ms) {
      const tookMs: number[] = [];
      const began = performance.now();
      for (let now = began; now - began < ms; ) {
        writeSync(descriptor, block, 0, blockBytes, (next++ % blocks) * blockBytes);
        fdatasyncSync(descriptor);
        const after = performance.now();
        tookMs.push(after - now);
        now = after;
      }
      return { perSecond: (tookMs.length / (performance.now() - began)) * 1000, p50Ms: percentile(tookMs, 0.5) };
    },
    close: () => closeSync(descriptor),
  };
}
