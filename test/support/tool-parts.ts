/** What the agents' tools stand on, for a test: its broker, and verbs that say that they were called. */
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { openOutsideReceiver } from "../../src/hived/broker/outside.ts";
import { openDocs } from "../../src/hived/mcp/docs.ts";
import type { ToolParts } from "../../src/hived/mcp/tools.ts";
import { somePlace, type TestBroker } from "./open-broker.ts";

export function toolPartsOf(broker: TestBroker, change: Partial<ToolParts> = {}): ToolParts {
  const { core, link, boot, stopping } = broker;
  return {
    core,
    recvOutside: openOutsideReceiver(core, stopping),
    recv: openReceiver(core, link.runner, boot, stopping),
    forgeUrl: "http://forge.test",
    runner: { ...link.runner, place: () => somePlace },
    docs: openDocs(),
    signal: stopping,
    openThreads: () => ({ threads: [], totals: { approval: 0, question: 0, pr: 0 } }),
    ask: async (asker, { question }) => `${asker} asked: ${question}`,
    answer: async () => undefined,
    cancelQuestion: async () => undefined,
    proposeAgent: async (proposer, { name }) => `${proposer} proposed ${name}`,
    proposeConfig: async (proposer, { name }) => `${proposer} would change ${name}`,
    proposeDecision: async (proposer, { slug }) => `${proposer} would decide ${slug}`,
    restartAgent: async (by, { agent, now }) => `${by} restarts ${agent}${now ? " now" : ""}`,
    rebuildAgent: async (by, agent) => `${by} rebuilds ${agent}`,
    ...change,
  };
}
