/**
 * What an agent does in a turn: gathered for a moment, so that a fast agent costs few calls, then told to whoever watches,
 * which is never waited for, and kept for the turn's record.
 */
import type { EpochMs } from "../contract/names.ts";
import {
  addToLog,
  bounded,
  emptyLog,
  type LiveBatch,
  type LiveEvent,
  lengthOf,
  type TurnLog,
} from "../contract/turn-log.ts";

const gatherMs = 75;
/** What is gathered in one moment, in characters; beyond it the rest is dropped. */
const mostCharacters = 256 * 1024;

export type Live = {
  push(event: LiveEvent): void;
  /** Tells what is gathered, be it nothing: that the turn lives. */
  beat(): void;
  /** all that has been told so far */
  log(): TurnLog;
  /** Tells what is left, and nothing later. */
  end(): void;
};

export function openLive(now: () => EpochMs, tell: (batch: LiveBatch) => void): Live {
  let log = emptyLog;
  let events: LiveEvent[] = [];
  let characters = 0;
  let timer: NodeJS.Timeout | undefined;
  const beat = () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = { number: log.newest + 1, at: now(), events };
    events = [];
    characters = 0;
    log = addToLog(log, batch);
    tell(batch);
  };
  const flush = () => {
    if (events.length > 0) beat();
  };
  return {
    beat,
    push(said) {
      const event = bounded(said);
      characters += lengthOf(event);
      if (characters > mostCharacters) return;
      const last = events.at(-1);
      if (last && last.kind !== "tool" && event.kind === last.kind) {
        events[events.length - 1] = { kind: last.kind, text: last.text + event.text };
      } else events.push(event);
      timer ??= setTimeout(flush, gatherMs);
    },
    log: () => log,
    end: flush,
  };
}
