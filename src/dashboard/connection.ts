/**
 * Keeps the store in step with the hive.
 *
 *   sign in (with a link, or from the forge) → load the state → stream of events ⇄ (the browser reconnects, after the last event it saw)
 *                              ▲                  │
 *                              └── resync, or the stream is closed for good
 *
 * A load that answers "not signed in" ends it; whoever opens a link begins anew.
 */
import { z } from "zod";
import { Fault } from "../contract/fault.ts";
import { EpochMs, type Sequence } from "../contract/names.ts";
import { Refusal, type RefusalBody } from "../contract/refusal.ts";
import { routes } from "../contract/routes.ts";
import { finishForgeSignIn, readState, signIn } from "./calls.ts";
import type { Entry } from "./entry.ts";
import type { Store } from "./store.ts";

const longestPauseMs = 10_000;

/** Runs until the signal is aborted, nobody is signed in, or the page has to be loaded again; the store says which. */
export async function keepInStep(store: Store, entry: Entry | null, signal: AbortSignal): Promise<void> {
  try {
    const refusal = entry === null ? null : await enter(store, entry, signal);
    await stayConnected(store, refusal, signal);
  } catch (error) {
    if (signal.aborted) return;
    const isOlder = error instanceof z.ZodError || error instanceof SyntaxError;
    const problem = isOlder
      ? "This page is older than the hive and does not understand what it sends."
      : "The page ran into a fault of its own; the browser's console says which.";
    store.connect({ kind: "halted", problem });
    throw error;
  }
}

/** What is wrong with the link, or with the forge's answer; null when it was good. */
async function enter(store: Store, entry: Entry, signal: AbortSignal): Promise<RefusalBody | null> {
  try {
    await retrying(store, signal, () =>
      entry.kind === "link" ? signIn(entry.secret) : finishForgeSignIn(entry.answer),
    );
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.toBody();
    throw error;
  }
}

/** A link that was no good is told only to who is not signed in anyway. */
async function stayConnected(store: Store, refusal: RefusalBody | null, signal: AbortSignal): Promise<void> {
  try {
    await retrying(store, signal, async (isUp) => {
      for (;;) {
        const state = await readState();
        if (signal.aborted) return;
        store.load(state);
        await readStream(store, { after: state.sequence, isUp, signal });
      }
    });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "not_signed_in") throw error;
    if (!signal.aborted) store.connect({ kind: "signed-out", refusal });
  }
}

/** Tries again after every fault, with a pause that doubles until the step has called `isUp`. */
async function retrying(store: Store, signal: AbortSignal, step: (isUp: () => void) => Promise<void>): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await step(() => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      failures += 1;
      noteLoss(store, error.message);
      await pause(Math.min(500 * 2 ** (failures - 1), longestPauseMs), signal);
    }
  }
}

function noteLoss(store: Store, problem: string): void {
  const { hive, connection } = store.view();
  if (!hive) store.connect({ kind: "connecting", problem });
  else if (connection.kind !== "lost") store.connect({ kind: "lost", since: EpochMs.parse(Date.now()) });
}

type Stream = { after: Sequence; isUp: () => void; signal: AbortSignal };

/**
 * Folds events in until the hive says `resync` or the signal is aborted.
 * @throws Fault when the browser gave the stream up: it comes again by itself after a break, but not after a refusal.
 */
function readStream(store: Store, { after, isUp, signal }: Stream): Promise<void> {
  const source = new EventSource(`/api/events?after=${after}`);
  return new Promise<void>((resolve, reject) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    source.onopen = () => {
      isUp();
      store.noteStorage(null);
      store.connect({ kind: "live" });
    };
    source.onmessage = ({ data }: MessageEvent<string>) => {
      try {
        const said = routes.watchEvents.response.parse(JSON.parse(data));
        if (said.kind === "resync") resolve();
        else if (said.kind === "storage") store.noteStorage(said.trouble);
        else store.receive(said.event);
      } catch (error) {
        reject(error);
      }
    };
    source.addEventListener("away", () => noteLoss(store, "The coordinator does not answer."));
    source.addEventListener("back", () => {
      store.noteStorage(null);
      store.connect({ kind: "live" });
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) reject(new Fault("The hive closed the stream of events."));
      else noteLoss(store, "The connection broke.");
    };
  }).finally(() => source.close());
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
