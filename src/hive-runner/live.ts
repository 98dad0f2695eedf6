/** What an agent does, for whoever watches: gathered for a moment, so that a fast agent costs few calls. Never waited for. */
import type { LiveEvent } from "../contract/link.ts";

const gatherMs = 75;
/** What is gathered while nobody takes it, in characters; beyond it the rest is dropped: the forge and the turn's record stay. */
const mostCharacters = 256 * 1024;

export type Live = {
  push(event: LiveEvent): void;
  /** sends what is left, and nothing later */
  end(): void;
};

export function openLive(send: (events: LiveEvent[]) => void): Live {
  let events: LiveEvent[] = [];
  let characters = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (events.length > 0) send(events);
    events = [];
    characters = 0;
  };
  return {
    push(event) {
      characters += event.kind === "tool" ? event.title.length : event.text.length;
      if (characters > mostCharacters) return;
      const last = events.at(-1);
      if (last && last.kind !== "tool" && event.kind === last.kind) {
        events[events.length - 1] = { kind: last.kind, text: last.text + event.text };
      } else events.push(event);
      timer ??= setTimeout(flush, gatherMs);
    },
    end: flush,
  };
}
