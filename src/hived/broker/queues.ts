/**
 * Who has which entries in the queue, in memory: each send, each lease and each wake asks. The rows are the truth. An index of
 * them by recipient would have to be written in as many places as there are agents when something is sent to everybody.
 */
import { type Address, type EntryId, EpochMs } from "../../contract/names.ts";
import type { Reader } from "../database/write.ts";

/** `ids`: oldest first; `waits`: until when those wait that are in backoff */
type Queue = { ids: EntryId[]; waits: Map<EntryId, EpochMs> };
/** Not the present: a clock that is set back must hold nothing up. */
export const atOnce = EpochMs.parse(0);

type Row = { id: EntryId; recipient: Address; not_before: EpochMs };

const QUEUED = "SELECT id, recipient, not_before FROM inbox WHERE state = 'queued' ORDER BY id";

/** By recipient; of whom nothing waits for there is none. */
const queuesOf = (reader: Reader): Map<Address, Queue> =>
  reader.remember("queues", () => {
    const queues = new Map<Address, Queue>();
    for (const { id, recipient, not_before } of reader.all<Row>(QUEUED)) put(queues, recipient, id, not_before);
    return queues;
  });

/** Found done what is so already, as the rows may be read after they were written. */
function put(queues: Map<Address, Queue>, recipient: Address, id: EntryId, notBefore: EpochMs): void {
  const queue = queues.get(recipient) ?? { ids: [], waits: new Map() };
  queues.set(recipient, queue);
  const place = placeOf(queue, id);
  if (queue.ids[place] !== id) queue.ids.splice(place, 0, id);
  if (notBefore > 0) queue.waits.set(id, notBefore);
  else queue.waits.delete(id);
}

/** Where an id is, or belongs; mostly at the end or at the beginning. */
function placeOf({ ids }: Queue, id: EntryId): number {
  const last = ids.at(-1);
  if (last === undefined || last < id) return ids.length;
  let [from, to] = [0, ids[0] === id ? 0 : ids.length - 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ids[middle] as EntryId) < id) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Queues an entry, or changes until when it waits. */
export const enqueue = (reader: Reader, recipient: Address, id: EntryId, notBefore: EpochMs): void =>
  put(queuesOf(reader), recipient, id, notBefore);

export function dequeue(reader: Reader, recipient: Address, id: EntryId): void {
  const queues = queuesOf(reader);
  const queue = queues.get(recipient);
  if (!queue) return;
  const place = placeOf(queue, id);
  if (queue.ids[place] === id) queue.ids.splice(place, 1);
  queue.waits.delete(id);
  if (queue.ids.length === 0) queues.delete(recipient);
}

/** What is queued for a recipient, due or not, oldest first. */
export const queuedFor = (reader: Reader, recipient: Address): readonly EntryId[] =>
  queuesOf(reader).get(recipient)?.ids ?? [];

/** What is due, oldest first. One in backoff holds back the newer ones, so that a recipient gets its messages in order. */
export function dueFor(reader: Reader, recipient: Address, now: EpochMs, limit: number): EntryId[] {
  const { ids, waits } = queuesOf(reader).get(recipient) ?? nothing;
  const oldest = ids.slice(0, limit);
  if (waits.size === 0) return oldest;
  const waiting = oldest.findIndex((id) => (waits.get(id) ?? 0) > now);
  return waiting < 0 ? oldest : oldest.slice(0, waiting);
}

const nothing: Queue = { ids: [], waits: new Map() };

/** When the oldest queued entry is due, and with it the newer ones; undefined when none is queued. */
export function headDueAt(reader: Reader, recipient: Address): EpochMs | undefined {
  const { ids, waits } = queuesOf(reader).get(recipient) ?? nothing;
  return ids[0] === undefined ? undefined : (waits.get(ids[0]) ?? atOnce);
}

/** Those in backoff, and until when. */
export const waitsOf = (reader: Reader, recipient: Address): ReadonlyMap<EntryId, EpochMs> =>
  queuesOf(reader).get(recipient)?.waits ?? nothing.waits;

/** When the next backoff of a recipient's is over; null when there is none. */
export function nextBackoff(reader: Reader, recipient: Address): EpochMs | null {
  const waits = waitsOf(reader, recipient);
  return waits.size === 0 ? null : (Math.min(...waits.values()) as EpochMs);
}
