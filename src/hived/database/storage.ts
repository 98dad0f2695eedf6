/** What the disk, or another process, can do to the database: told in sentences, and none of it our fault. */
import { statfsSync } from "node:fs";
import type { StorageTrouble } from "../../contract/facts.ts";
import { Fault } from "../../contract/fault.ts";
import { EpochMs } from "../../contract/names.ts";

/** By the beginning of SQLite's code, of which there are longer ones such as SQLITE_IOERR_FSYNC. */
const sentences: readonly [RegExp, string][] = [
  [/^SQLITE_(FULL|IOERR_SHMSIZE)/, "The disk of the hive is full, so nothing can be stored."],
  [/^SQLITE_(BUSY|LOCKED)/, "Another process has locked the hive's database, so nothing can be stored."],
  [/^SQLITE_READONLY/, "The hive's database can't be written: it is read-only, or its disk is."],
  [/^SQLITE_(IOERR|CANTOPEN)/, "The disk of the hive fails, so nothing can be stored."],
];

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException | undefined)?.code ?? "");

/** An error of SQLite that passes when its cause does, as the fault that it is; undefined for any other. */
export function storageFault(error: unknown): Fault | undefined {
  const code = codeOf(error);
  const sentence = sentences.find(([beginning]) => beginning.test(code))?.[1];
  return sentence === undefined ? undefined : new Fault(sentence, { cause: error });
}

const isFull = ({ cause }: Fault): boolean => codeOf(cause).startsWith("SQLITE_FULL");
export const isLocked = (error: unknown): boolean => codeOf(error).startsWith("SQLITE_BUSY");

/** So much of the disk is kept for what was accepted: turns must end, and their records be written. */
const reserveBytes = 64 * 1024 ** 2;

/** Whether less than the reserve is left on the disk of a directory. */
function isNearlyFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < reserveBytes;
}

/** How long an answer holds: asking the file system takes longer than sending a message does. */
const nearlyFullForMs = 100;

/** The same, asked now and then however often somebody wants to know. */
export function nearlyFullWatch(directory: string): () => boolean {
  let answer = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - askedAt > nearlyFullForMs) {
      answer = isNearlyFull(directory);
      askedAt = now;
    }
    return answer;
  };
}

const nearlyFull = "The disk of the hive is nearly full, so new messages are refused: make room.";

/** How often it is tried whether something can be stored again: nobody else may have anything to store. */
const probeEveryMs = 500;

export type Trouble = {
  /** why nothing, or nothing new, can be stored just now, as a sentence; null when all is well */
  problem(): string | null;
  /** why nothing can be stored, and since when */
  now(): StorageTrouble | null;
  note(fault: Fault): void;
  close(): void;
};

type Watched = {
  directory: string;
  /** stores something; rejects with a Fault when that is not possible */
  store(): Promise<unknown>;
  /** told when the database can't be written, with a sentence, and with null when it can be again */
  tell(problem: string | null): void;
};

/** Keeps whether a database can be written:  well → (a fault) → in trouble → (something was stored) → well. */
export function watchStorage({ directory, store, tell }: Watched): Trouble {
  let trouble: Fault | null = null;
  let since = EpochMs.parse(0);
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const probe = async () => {
    try {
      await store();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return probeLater();
    }
    if (trouble && isFull(trouble) && isNearlyFull(directory)) return probeLater(); // it takes a little now and then
    trouble = null;
    tell(null);
  };
  const probeLater = () => {
    if (!isClosed) timer = setTimeout(() => void probe(), probeEveryMs).unref();
  };
  return {
    problem: () => trouble?.message ?? (isNearlyFull(directory) ? nearlyFull : null),
    now: () => trouble && { problem: trouble.message, since },
    note(fault) {
      const before = trouble;
      if (!before) since = EpochMs.parse(Date.now());
      trouble = fault;
      if (!before) probeLater();
      if (fault.message !== before?.message) tell(fault.message);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
