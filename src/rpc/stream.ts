/** The client of a stream row: server-sent events as they come, for whoever passes them on or reads them. */
import type { Pool } from "undici";
import { Fault } from "../contract/fault.ts";
import { openPool, post } from "./client.ts";

const endOfEvent = "\n\n";

type Options = { session?: string; signal: AbortSignal };

/** Connections for streams alone: each is held as long as its stream, and may be silent for hours. */
export const openStreamPool = (socketPath: string): Pool => openPool(socketPath, { connections: 256, bodyTimeout: 0 });

/**
 * Opens a stream; it yields the events as they are on the wire, as many at once as arrived together, never a part of one.
 * Whoever reads slowly slows the other side down, which then keeps its events where they are.
 * @throws Refusal as the other side said it; Fault when it cannot be reached, or (from the iterator) when the stream breaks
 *   or ends before the signal is aborted.
 */
export async function openFrames(
  pool: Pool,
  name: string,
  request: unknown,
  options: Options,
): Promise<AsyncIterable<string>> {
  const answer = await post(pool, name, request, options);
  return frames(answer.body.setEncoding("utf8"), name, options.signal);
}

async function* frames(body: AsyncIterable<string>, name: string, signal: AbortSignal): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of body) {
      rest += chunk;
      const end = rest.lastIndexOf(endOfEvent) + endOfEvent.length;
      if (end < endOfEvent.length) continue;
      yield rest.slice(0, end);
      rest = rest.slice(end);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw new Fault(`the stream of ${name} broke`, { cause: error });
  }
  if (!signal.aborted) throw new Fault(`the stream of ${name} ended`);
}

/** The id of the last event among such frames that has one, for resuming after it. */
export function lastId(text: string): number | null {
  const ids = text.match(/^id: \d+$/gm);
  return ids ? Number(ids.at(-1)?.slice("id: ".length)) : null;
}
