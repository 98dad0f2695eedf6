/**
 * Agents that write to each other at a fixed rate, whatever hived does: a message's time counts from when it was planned, so
 * that a stall is seen. In the middle hived is killed and started again.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bound, type Figure, judge, percentile } from "../figure.ts";
import { newDiskDirectory, openFloor } from "./disk.ts";
import { makeHome, startHived } from "./hived.ts";
import { openTraffic } from "./traffic.ts";

const warmUpSeconds = 1;
const patienceMs = 40_000; // longer than a lost turn waits for its runner

export async function* openLoop(options: {
  agents: number;
  perSecond: number;
  seconds: number;
}): AsyncIterable<Figure> {
  const { agents, perSecond, seconds } = options;
  const directory = newDiskDirectory();
  const floor = openFloor(directory.path);
  try {
    const home = await makeHome(join(directory.path, "h"), agents);
    const floors = [floor.measure(300).p50Ms];
    let hived = await startHived(home.path);
    const traffic = await openTraffic(home);
    await traffic.flow(perSecond, warmUpSeconds);
    const began = performance.now();
    const flowing = traffic.flow(perSecond, seconds);
    await delay((seconds / 2) * 1000);
    const killedAt = performance.now();
    await hived.kill();
    hived = await startHived(home.path);
    await traffic.reconnect();
    const backAt = performance.now();
    await flowing;
    await traffic.settled(patienceMs);
    floors.push(floor.measure(300).p50Ms);
    // Not what was under way when it was killed, nor what was planned until as much time again as it was away has passed.
    const to = backAt + (backAt - killedAt);
    const outside = traffic
      .handled()
      .filter(({ plannedAt, at }) => plannedAt >= began && (at < killedAt || plannedAt > to));
    const name = `${agents} agents, ${perSecond} messages/s for ${seconds} s, one kill -9`;
    yield judge({
      name: `${name}: p99 outside the restart / p50 of a bare sync`,
      unit: "ms",
      ours: [
        percentile(
          outside.map(({ plannedAt, at }) => at - plannedAt),
          0.99,
        ),
      ],
      floor: floors,
      goal: { atMost: 15 },
    });
    yield bound("… answered messages that were lost", "messages", traffic.lost(), 0);
    yield bound("… messages that were handled twice", "messages", traffic.doubled(), 0);
    await traffic.close();
    await hived.kill();
  } finally {
    floor.close();
    directory.remove();
  }
}
