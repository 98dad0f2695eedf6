/** JSON lines that a program writes which may do anything: what is no JSON is passed over, and no line fills the memory. */
import type { Readable } from "node:stream";
import { setImmediate as nextRound } from "node:timers/promises";

/** Far more than a coding agent has to say in one line: a picture that a tool has read. In bytes. */
export const longestLine = 16 * 1024 * 1024;

/** How long the lines of one program are read while others wait: short ones cost most, and worse when they are no JSON. */
const longestMs = 5;

/** Called between two lines of a chunk: a promise when others are to have their turn first. */
export function openTurns(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < longestMs) return undefined;
    return nextRound().then(() => {
      began = performance.now();
    });
  };
}

/** Calls back for each line that is a JSON object, until the stream ends or is destroyed; then resolves. Never rejects. */
export function readJsonLines(stream: Readable, onValue: (value: unknown) => void): Promise<void> {
  let pieces: Buffer[] = [];
  let length = 0; // also of what is not kept
  const finish = () => {
    const line = length <= longestLine ? Buffer.concat(pieces).toString("utf8") : "";
    pieces = [];
    length = 0;
    const value = parsed(line);
    if (value !== undefined) onValue(value);
  };
  const keep = (piece: Buffer) => {
    length += piece.length;
    if (length <= longestLine) pieces.push(piece);
    else pieces = [];
  };
  const take = async (chunk: Buffer) => {
    let start = 0;
    const othersTurn = openTurns();
    for (let end = chunk.indexOf(10); end >= 0 && !stream.destroyed; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      finish();
      start = end + 1;
      const others = othersTurn();
      if (others) await others;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  };
  stream.on("data", async (chunk: Buffer) => {
    stream.pause();
    await take(chunk);
    stream.resume();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("end", finish);
  stream.once("close", resolve);
  stream.on("error", () => stream.destroy());
  return promise;
}

/** What a line says; undefined where it is no JSON object. */
export function parsed(line: string): unknown {
  if (!/^\s*\{/.test(line)) return undefined; // what can't be parsed costs much more
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // a warning of a library, or half a line: nothing that is said to us
  }
}
