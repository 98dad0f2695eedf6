/** A child's log: it writes to the file by itself, so that it can go on saying why it ends when we are gone. */
import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from "node:fs";
import { z } from "zod";

const capBytes = 10 * 1024 * 1024;
const tailBytes = 8 * 1024;

/** Opens a log to append to; the caller closes it once a child has inherited it. */
export function openLogFile(path: string): { descriptor: number; close(): void; offset: number } {
  const descriptor = openSync(path, "a", 0o600);
  return { descriptor, offset: fstatSync(descriptor).size, close: () => closeSync(descriptor) };
}

/**
 * Moves a log that has grown too large to `<path>.1`. Its writers append, so they go on at the beginning of the emptied
 * file; what they write between copy and cut is lost.
 */
export function capLogFile(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= capBytes) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

const LogLine = z.object({
  msg: z.string(),
  level: z.number().optional(),
  err: z.object({ message: z.string() }).optional(),
});

/** The line since `offset` that most likely says why a program ended; empty when it said nothing. */
export function lastWords(path: string, offset: number): string {
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    const from = Math.max(size - tailBytes, Math.min(offset, size));
    const buffer = Buffer.alloc(size - from);
    readSync(descriptor, buffer, 0, buffer.length, from);
    return pick(buffer.toString("utf8").split("\n").filter(Boolean)).slice(0, 300);
  } finally {
    closeSync(descriptor);
  }
}

function pick(lines: string[]): string {
  const loud = lines.findLast((line) => /\b\w*Error\b|\[F\]|\[E\]|fatal|panic/i.test(line));
  return readable(loud ?? lines.at(-1) ?? "");
}

/** The sentence of a JSON log line; any other line as it is. */
function readable(line: string): string {
  if (!line.startsWith("{")) return line.trim();
  try {
    const { msg, err } = LogLine.parse(JSON.parse(line));
    return err ? `${msg}: ${err.message}` : msg;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return line;
    throw error;
  }
}
