/** Durable sends and whole cycles in one process, against the bare sync. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { send } from "../../../src/hived/broker/send.ts";
import { type Figure, interleave, judge } from "../figure.ts";
import { newDiskDirectory, openFloor } from "./disk.ts";
import { addAgents, body, openBenchCore, openCycles, pairsAmong } from "./in-process.ts";
import { closedLoop } from "./load.ts";

const agents = 128;
const cycling = 64;

export async function* durable({ rounds, ms }: { rounds: number; ms: number }): AsyncIterable<Figure> {
  const directory = newDiskDirectory();
  const floor = openFloor(directory.path);
  const stopping = new AbortController();
  const place = (name: string) => {
    mkdirSync(join(directory.path, name));
    return openBenchCore(join(directory.path, name));
  };
  const sending = place("send");
  const cycles = place("cycle");
  try {
    const next = pairsAmong(await addAgents(sending, agents));
    const sendOne = () => send(sending, { ...next(), body });
    const turnOver = openCycles(cycles, await addAgents(cycles, cycling), stopping.signal);
    await closedLoop(cycling, ms / 4, turnOver);
    await closedLoop(64, ms / 4, sendOne);
    const measured = await interleave(rounds, {
      floor: async () => floor.measure(ms / 2),
      send1: () => closedLoop(1, ms / 2, sendOne),
      send64: () => closedLoop(64, ms, sendOne),
      send512: () => closedLoop(512, ms, sendOne),
      floorAgain: async () => floor.measure(ms / 2),
      cycle1: () => closedLoop(1, ms, onePlaceAtATime(turnOver)),
      cycle64: () => closedLoop(cycling, ms, turnOver),
    });
    const floors = [...measured.floor, ...measured.floorAgain];
    const perSecond = (loads: { perSecond: number }[]) => loads.map((load) => load.perSecond);
    const against = (name: string, loads: { perSecond: number }[], atLeast: number) =>
      judge({
        name: `${name} / bare sync`,
        unit: "/s",
        ours: perSecond(loads),
        floor: perSecond(floors),
        goal: { atLeast },
      });
    yield against("durable send, 1 sender", measured.send1, 1);
    yield against("durable send, 64 senders", measured.send64, 20);
    yield against("durable send, 512 senders", measured.send512, 40);
    yield against("send, lease, end of turn, 64 agents", measured.cycle64, 12);
    yield judge({
      name: "send, lease, end of turn, one at a time, p50 / p50 of a bare sync",
      unit: "ms",
      ours: measured.cycle1.map(({ p50Ms }) => p50Ms),
      floor: floors.map(({ p50Ms }) => p50Ms),
      goal: { atMost: 2 },
    });
  } finally {
    stopping.abort();
    await sending.db.close();
    await cycles.db.close();
    floor.close();
    directory.remove();
  }
}

/** One call after the other, each at the next place: no agent has more turns than it may. */
function onePlaceAtATime(once: (place: number) => Promise<void>): () => Promise<void> {
  let next = 0;
  return () => once(next++);
}
