/** On a disk whose syncs take long, everything else goes on: how late the event loop is, against a good disk. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { send } from "../../../src/hived/broker/send.ts";
import { type Disk, realDisk } from "../../../src/hived/database/sync.ts";
import { type Figure, interleave, judge } from "../figure.ts";
import { newDiskDirectory } from "./disk.ts";
import { addAgents, body, openBenchCore, pairsAmong } from "./in-process.ts";
import { closedLoop } from "./load.ts";

const syncMs = 5;
const good: Disk = { ...realDisk, measureSync: () => 0 };
const slow: Disk = {
  measureSync: () => syncMs,
  async sync(descriptor) {
    await delay(syncMs);
    await realDisk.sync(descriptor);
  },
};

export async function* slowDisk({ rounds, ms }: { rounds: number; ms: number }): AsyncIterable<Figure> {
  const directory = newDiskDirectory();
  const open = async (name: string, disk: Disk) => {
    mkdirSync(join(directory.path, name));
    const core = openBenchCore(join(directory.path, name), disk);
    const next = pairsAmong(await addAgents(core, 128));
    /** The 99th percentile of how much later than planned the loop came round. */
    const lateMs = async () => {
      const lateness = monitorEventLoopDelay({ resolution: 1 });
      lateness.enable();
      await closedLoop(64, ms, () => send(core, { ...next(), body }));
      lateness.disable();
      return lateness.percentile(99) / 1e6;
    };
    return { core, lateMs };
  };
  const [fast, late] = [await open("good", good), await open("slow", slow)];
  try {
    const measured = await interleave(rounds, { good: fast.lateMs, slow: late.lateMs });
    yield judge({
      name: `event loop, 64 senders, p99 with syncs of ${syncMs} ms / with those of this disk`,
      unit: "ms",
      ours: measured.slow,
      floor: measured.good,
      goal: { atMost: 2 },
    });
  } finally {
    await fast.core.db.close();
    await late.core.db.close();
    directory.remove();
  }
}
