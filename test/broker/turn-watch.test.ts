/** A turn that the runner has forgotten is ended, and its messages are delivered again. */
import { expect, test } from "vitest";
import type { MessageId, TurnId } from "../../src/contract/names.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { requireAgent } from "../../src/hived/agents/agents.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { send } from "../../src/hived/broker/send.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent, settled } from "../support/open-core.ts";

const minuteMs = 60_000;
const silenceMinutes = 3;
/** The runner takes up to twice the time of silence, and a while. */
const patienceMinutes = 2 * silenceMinutes + 2;

async function openTurn() {
  const broker = await openBroker();
  const { core } = broker;
  const harness = { driver: "acp", profile: "script" };
  const { limits } = AgentConfig.parse({
    harness,
    limits: { turn_minutes: 60, silence_minutes: silenceMinutes, idle_stop_minutes: 30 },
  });
  const alice = await addIdleAgent(core, "alice", { limits });
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  await send(core, { from: "operator", to: "alice", body: "hello" });
  const { turn } = await runner.lease(alice);
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await settled(core);
      core.clock.advance(minuteMs);
      await settled(core);
    }
  };
  const agent = () => core.db.read((reader) => requireAgent(reader, alice.name));
  const entries = () => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
  const live = (id: TurnId) =>
    runner.hived.call("reportLive", {
      boot: runner.boot,
      agent: alice.name,
      launch: alice.launch,
      turn: id,
      batch: { number: 1, at: core.clock.now(), events: [] },
    });
  const stops = () => runner.calls.filter(({ name }) => name === "stopLaunch");
  return { broker, core, alice, runner, turn, pass, agent, entries, live, stops };
}

test("a turn of which nothing is heard for too long is ended with its launch, and its message is queued uncounted", async () => {
  const { broker, core, alice, turn, pass, agent, entries, stops } = await openTurn();
  await using _ = broker;
  await pass(patienceMinutes);
  expect(stops()).toEqual([]);
  await pass(1);
  expect((await core.event("Note")).fact.text).toBe(
    `Nothing was heard of a turn of alice for ${patienceMinutes + 1} minutes: it was ended, and the agent is started anew.`,
  );
  expect(stops()).toEqual([{ name: "stopLaunch", request: { launch: alice.launch, now: true } }]);
  expect(agent()).toMatchObject({ state: "converging", launch: null, turn: null });
  expect((await core.event("TurnEnded")).fact.turn).toMatchObject({ id: turn, outcome: "lost" });
  expect(entries()).toMatchObject([{ state: "queued", attempt: 1, failures: 0 }]);
});

test("a sign of life now and then is enough", async () => {
  const { broker, turn, pass, live, stops } = await openTurn();
  await using _ = broker;
  for (let round = 0; round < 3; round += 1) {
    await pass(patienceMinutes);
    await live(turn);
  }
  expect(stops()).toEqual([]);
});

test("a clock that is set forward makes no turn silent", async () => {
  const { broker, core, stops } = await openTurn();
  await using _ = broker;
  core.clock.advance(24 * 60 * minuteMs);
  await settled(core);
  expect(stops()).toEqual([]);
});
