/** Area `broker`: messages, from the bare sync of the disk up to ten thousand agents. */
import { broadcast } from "./broker/broadcast.ts";
import { durable } from "./broker/durable.ts";
import { history, retention } from "./broker/history.ts";
import { idle } from "./broker/idle.ts";
import { openLoop } from "./broker/open-loop.ts";
import { slowDisk } from "./broker/slow-disk.ts";
import { sockets } from "./broker/sockets.ts";
import { wake } from "./broker/wake.ts";
import type { Figure } from "./figure.ts";

/** Each part with how long it measures: all of the short ones end within 45 s on a quiet machine. */
const parts: Record<string, (isFull: boolean) => AsyncIterable<Figure>> = {
  durable: (isFull) => durable(isFull ? { rounds: 5, ms: 2_000 } : { rounds: 3, ms: 250 }),
  sockets: (isFull) => sockets(isFull ? { rounds: 5, ms: 3_000 } : { rounds: 3, ms: 400 }),
  wake: (isFull) => wake(isFull ? { rounds: 5, events: 600 } : { rounds: 3, events: 60 }),
  history: (isFull) =>
    history(isFull ? { rounds: 5, ms: 2_000, messages: 3_000_000 } : { rounds: 3, ms: 300, messages: 50_000 }),
  retention: (isFull) => retention(isFull ? { ms: 2_000, messages: 1_000_000 } : { ms: 400, messages: 30_000 }),
  broadcast: (isFull) => broadcast({ rounds: isFull ? 9 : 3 }),
  slow: (isFull) => slowDisk(isFull ? { rounds: 5, ms: 2_000 } : { rounds: 3, ms: 300 }),
  idle: (isFull) => idle({ ms: isFull ? 10_000 : 1_000 }),
  load: (isFull) =>
    openLoop(isFull ? { agents: 10_000, perSecond: 2_000, seconds: 60 } : { agents: 500, perSecond: 200, seconds: 4 }),
};

/** @param only parts by name; all when there is none */
export async function* broker(isFull: boolean, only: readonly string[]): AsyncIterable<Figure> {
  const unknown = only.filter((name) => !(name in parts));
  if (unknown.length > 0)
    throw new Error(`There is no part ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}.`);
  for (const [name, part] of Object.entries(parts)) if (only.length === 0 || only.includes(name)) yield* part(isFull);
}
