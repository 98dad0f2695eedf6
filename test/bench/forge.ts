/** Area `forge`: how long provisioning takes on a real Forgejo when nothing has changed. */
import { AgentName } from "../../src/contract/names.ts";
import { addAgent } from "../../src/hived/agents/agents.ts";
import { provision } from "../../src/hived/forge/provision.ts";
import { startForgejo } from "../support/forgejo.ts";
import { openCore, someTree } from "../support/open-core.ts";
import { partsFor } from "../support/provisioned.ts";
import { bound, type Figure } from "./figure.ts";
import { requireForgejo } from "./require-forgejo.ts";

const agents = 20;
const rounds = 5;

export async function* forge(): AsyncIterable<Figure> {
  const found = await requireForgejo();
  await using running = await startForgejo(found);
  await using core = openCore();
  await core.db.write((tx) => {
    for (let number = 1; number <= agents; number += 1) {
      const name = AgentName.parse(`agent-${number}`);
      addAgent(tx, core, { name, role: "worker", wanted_tree: someTree, wanted_commit: someTree });
    }
  });
  const parts = partsFor(core, running);
  await provision(parts);
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await provision(parts);
    tookMs.push(performance.now() - began);
  }
  const median = tookMs.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
  yield bound(`provisioning again, ${agents} agents, Forgejo ${found.version}`, "ms", median, 2000);
}
