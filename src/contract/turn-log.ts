/** What an agent did in a turn, as it came: for whoever watches, and for the turn's record. */
import { z } from "zod";
import { EpochMs } from "./names.ts";

/** One thing that an agent did. */
export const LiveEvent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), text: z.string() }),
  z.object({ kind: z.literal("thought"), text: z.string() }),
  z.object({ kind: z.literal("tool"), id: z.string(), title: z.string(), status: z.string() }),
]);
export type LiveEvent = z.infer<typeof LiveEvent>;

/** What came within a moment; `number` counts those of a turn from 1, so that a gap is noticed. */
export const LiveBatch = z.object({ number: z.number().int().positive(), at: EpochMs, events: z.array(LiveEvent) });
export type LiveBatch = z.infer<typeof LiveBatch>;

export const LogEntry = z.object({ at: EpochMs, event: LiveEvent });
export type LogEntry = z.infer<typeof LogEntry>;

export const TurnLog = z.object({
  /** oldest first */
  entries: z.array(LogEntry),
  /** how many went because there were too many: the oldest ones */
  dropped: z.number().int(),
  /** the number of the newest batch that is in it */
  newest: z.number().int(),
});
export type TurnLog = z.infer<typeof TurnLog>;

export const emptyLog: TurnLog = { entries: [], dropped: 0, newest: 0 };

/**
 * The most that a log holds, in characters: some four hundred full lines of a terminal, more than anybody reads of one turn.
 * With the number of logs that are kept (`keptLogs` of the broker) it bounds what all of them take on the disk.
 */
export const logCharacters = 32_000;

/** The most of one entry: longer text is several, so that the beginning of a long speech can go before its end. */
const entryCharacters = 2_000;

/** What one entry counts besides its text: an agent that shows a million empty things fills nothing either. */
const entryOverhead = 40;

/** What a tool's call is known by, or how it is with it, in characters: no agent needs a hundred. */
const nameCharacters = 200;

/** An event whose names have a bound; its text is bounded with that of the others. */
export const bounded = (event: LiveEvent): LiveEvent =>
  event.kind === "tool"
    ? {
        ...event,
        id: event.id.slice(0, nameCharacters),
        title: event.title.slice(0, entryCharacters),
        status: event.status.slice(0, nameCharacters),
      }
    : event;

/** How much an event takes, in characters. */
export const lengthOf = (event: LiveEvent): number =>
  event.kind === "tool" ? event.id.length + event.title.length + event.status.length : event.text.length;

/** The log with a batch at its end; text that goes on is one entry, and the oldest go once there is too much. */
export function addToLog(log: TurnLog, { number, at, events }: LiveBatch): TurnLog {
  const entries = [...log.entries];
  for (const event of events.flatMap(pieces)) {
    const last = entries.at(-1);
    const joined = last && join(last.event, event);
    if (last && joined) entries[entries.length - 1] = { at: last.at, event: joined };
    else entries.push({ at, event: named(event, entries) });
  }
  let over = entries.reduce((sum, { event }) => sum + sizeOf(event), -logCharacters);
  let gone = 0;
  for (; over > 0 && gone < entries.length; gone += 1) over -= sizeOf(entries[gone]?.event);
  return { entries: entries.slice(gone), dropped: log.dropped + gone, newest: number };
}

/** An event whose text is too long for one entry, as several. */
function pieces(event: LiveEvent): LiveEvent[] {
  if (event.kind === "tool") return [bounded(event)];
  const count = Math.max(1, Math.ceil(event.text.length / entryCharacters));
  return Array.from({ length: count }, (_, index) => ({
    ...event,
    text: event.text.slice(index * entryCharacters, (index + 1) * entryCharacters),
  }));
}

/** What happens to a tool has the tool's name only at its beginning. */
function named(event: LiveEvent, entries: readonly LogEntry[]): LiveEvent {
  if (event.kind !== "tool" || event.title !== "") return event;
  const before = entries.findLast((entry) => entry.event.kind === "tool" && entry.event.id === event.id)?.event;
  return before?.kind === "tool" ? { ...event, title: before.title } : event;
}

/** Two entries of text as one; undefined where that would be too long, or they are not the same kind of thing. */
function join(one: LiveEvent, other: LiveEvent): LiveEvent | undefined {
  if (one.kind === "tool" || other.kind === "tool" || one.kind !== other.kind) return undefined;
  const text = one.text + other.text;
  return text.length > entryCharacters ? undefined : { kind: one.kind, text };
}

const sizeOf = (event: LiveEvent | undefined): number => entryOverhead + (event === undefined ? 0 : lengthOf(event));
