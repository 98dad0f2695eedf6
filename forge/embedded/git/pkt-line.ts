/** Git's framing: four hex digits of length, themselves included, then the bytes; 0000 ends a section. */

export const FLUSH = Buffer.from("0000");

export function packet(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, "0")), body]);
}

/** Takes the first whole packet off `bytes`. Undefined: more bytes are needed; text undefined: a flush. */
export function takePacket(bytes: Buffer): { text: string | undefined; rest: Buffer } | undefined {
  if (bytes.length < 4) return undefined;
  const digits = bytes.toString("latin1", 0, 4);
  const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (length === 0) return { text: undefined, rest: bytes.subarray(4) };
  if (!(length >= 4)) throw new Error(`not a packet: ${JSON.stringify(digits)}`);
  if (bytes.length < length) return undefined;
  return { text: bytes.toString("utf8", 4, length), rest: bytes.subarray(length) };
}
