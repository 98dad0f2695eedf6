/**
 * The page's streams, of events and of a running turn: one stream of hived per client, passed on as it comes, one write for what arrived together.
 * Nothing is kept here: a client that reads slowly slows its stream of hived down, where the events lie in the log, and one
 * that reads nothing is dropped; it resumes by the id of the last event that it saw, or is told to `resync`. Two events are
 * our own, named and without an id: `away` when hived does not answer, and `back` when it does again.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Pool } from "undici";
import { Refusal } from "../contract/refusal.ts";
import { systemClock } from "../daemon/clock.ts";
import { backoffMs, isOutsideFault } from "../daemon/fault.ts";
import { lastId, openFrames } from "../rpc/stream.ts";

const pingMs = 15_000;
/** While hived restarts the client is kept, and hived asked again after so long at most. */
const longestPauseMs = 2_000;
const maxStreamsPerSession = 32;

/** A stream of hived; `place` is the number of the last event that the page has seen, where the stream has numbers. */
type Stream = { name: "watchEvents" | "watchTurn"; place: number; requestAt(place: number): unknown };

export type Streams = {
  /** Answers with that stream until the client or `signal` ends it. */
  open(stream: Stream, response: ServerResponse, session: string): Promise<void>;
};

export function openStreams(pool: Pool, stopping: AbortSignal): Streams {
  const open = new Map<string, number>();
  const count = (session: string, change: 1 | -1) => {
    const now = (open.get(session) ?? 0) + change;
    if (now > 0) open.set(session, now);
    else open.delete(session);
  };
  return {
    async open(stream, response, session) {
      if ((open.get(session) ?? 0) >= maxStreamsPerSession)
        throw new Refusal("too_many_streams", "Too many pages of this session are open.", "Close some of them.");
      count(session, 1);
      try {
        await relay(pool, { stream, session, response, stopping });
      } finally {
        count(session, -1);
      }
    },
  };
}

/** The events after the place that the request names. */
export const eventsAskedFor = (request: IncomingMessage): Stream => ({
  name: "watchEvents",
  place: placeOf(request),
  requestAt: (after) => ({ after }),
});

/** What an agent does in the turn that the request names; it has no places: who comes again gets all of it. */
export function turnAskedFor(request: IncomingMessage): Stream {
  const turn = new URL(request.url ?? "/", "http://hive").searchParams.get("id");
  return { name: "watchTurn", place: 0, requestAt: () => ({ turn }) };
}

/** A browser that reconnects sends the id of the last event that it saw; a fresh page asks from its snapshot's number. */
function placeOf(request: IncomingMessage): number {
  const asked =
    request.headers["last-event-id"] ?? new URL(request.url ?? "/", "http://hive").searchParams.get("after");
  const after = typeof asked === "string" && /^\d{1,15}$/.test(asked) ? Number(asked) : Number.NaN;
  if (Number.isSafeInteger(after)) return after;
  throw new Refusal("bad_request", "The stream needs the number of the last event seen.", "Reload the page.");
}

type Relay = { stream: Stream; session: string; response: ServerResponse; stopping: AbortSignal };

async function relay(pool: Pool, { stream, session, response, stopping }: Relay): Promise<void> {
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, stopping]);
  response.on("close", () => closing.abort());
  let { place } = stream;
  let isAway = false;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const events = await openFrames(pool, stream.name, stream.requestAt(place), { session, signal });
      begin(response);
      if (isAway) response.write(own("back"));
      isAway = false;
      for await (const text of events) {
        failures = 0;
        place = lastId(text) ?? place;
        if (!response.write(text)) await once(response, "drain", { signal });
      }
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof Refusal && response.headersSent) break; // signed out: the browser comes again and is told so
      if (!isOutsideFault(error)) throw error;
      begin(response); // an EventSource that got anything but 200 would never come again
      if (!isAway) response.write(own("away"));
      isAway = true;
      failures += 1;
      await systemClock.wait(backoffMs(failures, longestPauseMs), signal);
    }
  }
  response.end();
}

/** An event that is not hived's; a browser passes none on that has no data. */
const own = (name: "away" | "back") => `event: ${name}\ndata: {}\n\n`;

/** Sends the head of the answer, and pings from now on; a client whose last ping is still unsent is dropped. */
function begin(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
  response.write("retry: 1000\n\n");
  let isPingUnsent = false;
  const ping = setInterval(() => {
    if (isPingUnsent) return void response.destroy();
    isPingUnsent = true;
    response.write(": ping\n\n", () => {
      isPingUnsent = false;
    });
  }, pingMs);
  response.once("close", () => clearInterval(ping));
}
