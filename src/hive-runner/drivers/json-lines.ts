/** JSON lines that a program writes which may do anything: what is no JSON is passed over, and no line fills the memory. */
import type { Readable } from "node:stream";

/** Far more than a coding agent has to say in one line: a picture that a tool has read. In bytes. */
export const longestLine = 16 * 1024 * 1024;

/** Calls back for each line that is JSON, until the stream ends or is destroyed; then resolves. Never rejects. */
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
  stream.on("data", (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      finish();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("end", finish);
  stream.once("close", resolve);
  stream.on("error", () => stream.destroy());
  return promise;
}

/** What a line says; undefined where it is no JSON. */
export function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // a warning of a library, or half a line: nothing that is said to us
  }
}
