import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fold, type HiveState } from "../../src/contract/fold.ts";
import { AgentName, BootId, type LaunchId } from "../../src/contract/names.ts";
import type { AgentRow } from "../../src/hived/agents/agents.ts";
import { endTurn, releaseTurn } from "../../src/hived/broker/end-turn.ts";
import { lease } from "../../src/hived/broker/lease.ts";
import { send } from "../../src/hived/broker/send.ts";
import { runningTurns } from "../../src/hived/broker/turns.ts";
import { eventsAfter } from "../../src/hived/events/event-log.ts";
import { readState } from "../../src/hived/sockets/state.ts";
import { newTurn, proven } from "../support/open-broker.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";

type Hive = { core: TestCore; agents: (AgentRow & { launch: LaunchId })[] };
/** Something that happens in the broker, or nothing when it cannot happen just then. */
type Step = (hive: Hive) => Promise<unknown>;

const names = ["alice", "bob"].map((name) => AgentName.parse(name));
const boot = BootId.parse(1);

const turnOf = ({ core }: Hive, agent: AgentName) => core.db.read(runningTurns).find((turn) => turn.agent === agent);

const sending = fc.constantFrom("alice", "bob", "*", "operator").map(
  (to): Step =>
    ({ core }) =>
      send(core, { from: "system", to, body: "hello" }),
);

const leasing = fc.constantFrom(...names).map(
  (name): Step =>
    async (hive) => {
      const agent = hive.agents.find((row) => row.name === name);
      if (!agent || turnOf(hive, name)) return;
      await lease(hive.core, { boot, agent: name, launch: agent.launch, turn: newTurn(), limit: 2 });
    },
);

const ending = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom("ok" as const, "crashed" as const, "rate_limited" as const))
  .map(
    ([agent, outcome]): Step =>
      async (hive) => {
        const turn = turnOf(hive, agent);
        if (!turn) return;
        const report = {
          boot,
          agent,
          launch: turn.launch,
          turn: turn.id,
          outcome,
          evidence: proven,
          problem: null,
          catchingUp: null,
        };
        await endTurn(hive.core, { ...report, answeredMarks: [], session: null, retryAt: null });
      },
  );

const losing = fc.constantFrom(...names).map(
  (agent): Step =>
    async (hive) => {
      const turn = turnOf(hive, agent);
      if (turn) await hive.core.db.write((tx) => releaseTurn(tx, hive.core, turn.id, "The runner is gone."));
    },
);

const snapshot = (core: TestCore): HiveState =>
  readState({
    core,
    forgeHealth: () => ({
      kind: "embedded",
      url: "http://forge.test",
      version: "1",
      problem: null,
      hookProblem: null,
      catchingUp: null,
    }),
    newestQuestions: () => [],
    openThreads: () => ({ threads: [], totals: { approval: 0, question: 0, pr: 0 } }),
  });

test("a snapshot and the facts after it make the later snapshot", async () => {
  const steps = fc.array(fc.oneof(sending, leasing, ending, losing), { minLength: 5, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, fc.nat({ max: 24 }), async (all, cut) => {
      await using core = openCore();
      const agents = await Promise.all(names.map((name) => addIdleAgent(core, name)));
      for (const step of all.slice(0, cut)) await step({ core, agents });
      const before = snapshot(core);
      for (const step of all.slice(cut)) await step({ core, agents });
      const events = core.db.read((reader) => eventsAfter(reader, before.sequence, 10_000));
      expect(events.reduce<HiveState>(fold, before)).toEqual(snapshot(core));
    }),
    { numRuns: 25 },
  );
});
