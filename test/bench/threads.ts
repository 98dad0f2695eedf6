/** Area `threads`: the first page of what is open, whatever was settled: for an agent, the manager and the operator. */
import { AgentName } from "../../src/contract/names.ts";
import { openThreads, type Viewer } from "../../src/hived/threads/open-threads.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { fillThreads } from "../threads/swarm.ts";
import { bound, compare, type Figure } from "./figure.ts";

const [pages, batches] = [10, 40];

export async function* threads(): AsyncIterable<Figure> {
  await using few = await openHive({ closed: 100, open: 500 });
  await using many = await openHive({ closed: 10_000, open: 500 });
  await using little = await openHive({ closed: 100, open: 5 });
  for (const viewer of ["alice", "boss", "operator"] as Viewer[]) {
    yield await compare({
      name: `first page of ${viewer}, 10,000 settled / 100 settled`,
      unit: "µs",
      rounds: 7,
      atMost: 1.2,
      ours: async () => timePage(many, viewer),
      floor: async () => timePage(few, viewer),
    });
    const rows = many.db.read((reader) => openThreads(reader, viewer)).threads.length;
    yield bound(`row of ${viewer}'s first page, of ${rows}`, "µs", timePage(many, viewer) / rows, 4);
  }
  yield bound("first page of the manager, 5 open of 105 in all", "µs", timePage(little, AgentName.parse("boss")), 400);
}

async function openHive(size: Parameters<typeof fillThreads>[1]): Promise<TestCore> {
  const core = openCore();
  await addIdleAgent(core, "alice");
  await addIdleAgent(core, "bob");
  await addIdleAgent(core, "boss", { role: "manager" });
  await fillThreads(core, size);
  return core;
}

/** The quickest of several batches, each of which has a few ms to itself: what else runs on the machine is not asked about. */
function timePage({ db }: TestCore, viewer: Viewer): number {
  const batch = () => {
    const began = performance.now();
    for (let page = 0; page < pages; page += 1) db.read((reader) => openThreads(reader, viewer));
    return ((performance.now() - began) * 1000) / pages;
  };
  return Math.min(...Array.from({ length: batches }, batch));
}
