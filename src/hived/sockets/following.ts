/** A stream that goes on for as long as somebody reads it, and sleeps while there is nothing to tell. */
import type { Batches } from "../../rpc/serve.ts";

export type Frames<Row> = { id: number | null; data: Row }[];

/** How long a stream goes on: until the signal is aborted, the reader goes away, or `isAllowed` says no. */
export type Until = { signal: AbortSignal; isAllowed: () => boolean };

export type Follower = {
  /** Asks for another look at what there is to tell. */
  wake(): void;
  /** Ends the stream after what is told now. */
  end(): void;
  /** aborted with the stream */
  ended: AbortSignal;
};

/**
 * @param open called for each reader; what it returns is asked for the next frames, and again after a `wake` when there were
 *   none
 */
export function following<Row>(
  until: Until,
  open: (follower: Follower) => () => Frames<Row> | Promise<Frames<Row>>,
): Batches<Row> {
  return { [Symbol.asyncIterator]: () => follow(until, open) };
}

/** Written out, as a generator that waits would hear of its reader's going only after the next event. */
function follow<Row>(
  { signal, isAllowed }: Until,
  open: (follower: Follower) => () => Frames<Row> | Promise<Frames<Row>>,
): AsyncIterator<Frames<Row>> {
  const ending = new AbortController();
  let bell = Promise.withResolvers<void>();
  const wake = () => bell.resolve();
  const end = () => {
    ending.abort();
    wake();
  };
  signal.addEventListener("abort", end, { once: true, signal: ending.signal });
  const nextFrames = open({ wake, end, ended: ending.signal });
  const over = { done: true as const, value: undefined };
  return {
    async next() {
      while (!ending.signal.aborted && !signal.aborted && isAllowed()) {
        bell = Promise.withResolvers<void>();
        const frames = await nextFrames();
        if (frames.length > 0) return { done: false, value: frames };
        await bell.promise;
      }
      end();
      return over;
    },
    async return() {
      end();
      return over;
    },
  };
}
