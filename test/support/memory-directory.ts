/** Where a test keeps what it throws away: in memory, where there is room, as most of what it waits for is the disk's sync. */
import { accessSync, constants, mkdtempSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const memory = "/dev/shm";
/** A container's default of 64 MiB would be too little. */
const roomBytes = 2 * 1024 ** 3;

/** The bench measures with the disk that a hive has. */
const isTest = process.env["VITEST"] !== undefined;

function hasRoom(): boolean {
  try {
    accessSync(memory, constants.W_OK);
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize >= roomBytes;
  } catch {
    return false; // not a Linux, or not ours to write to
  }
}

/** A new directory, with a path short enough for sockets. @param prefix of its name */
export const newMemoryDirectory = (prefix: string): string =>
  mkdtempSync(join(isTest && hasRoom() ? memory : tmpdir(), prefix));
