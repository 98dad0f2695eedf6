import type { IncomingMessage } from "node:http";
import { Refusal } from "../contract/refusal.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The body of a JSON request as text, byte for byte as it came.
 * @throws Refusal `unsupported_media_type`, `too_large` (as soon as it is known), `bad_request` when it is no UTF-8.
 */
export async function readJsonText(request: IncomingMessage, limitBytes: number): Promise<string> {
  if (!/^application\/json *(;|$)/i.test(request.headers["content-type"] ?? ""))
    throw new Refusal("unsupported_media_type", "Only JSON is taken here.", "Send content-type: application/json.");
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  try {
    return decoder.decode(Buffer.concat(chunks));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Refusal("bad_request", "The body is not UTF-8.", "Send UTF-8.");
  }
}

const tooLarge = (limitBytes: number) =>
  new Refusal("too_large", `The body is over ${limitBytes} bytes.`, "Send less at once.");

/** @throws Refusal `bad_request` when the text is no JSON; no text at all stands for `{}`. */
export function parseJson(text: string): unknown {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal("bad_request", "The body is not JSON.", "Correct the request.");
  }
}
