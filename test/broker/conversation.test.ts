/** What the operator does to an agent at once: its turn cancelled, its conversation changed. */
import { expect, test } from "vitest";
import type { AgentName, MessageId } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { cancelTurn, changeConversation } from "../../src/hived/broker/conversation.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { send } from "../../src/hived/broker/send.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const name = "alice" as AgentName;
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

async function openHive() {
  const broker = await openBroker();
  const { core, link } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  const tell = () => send(core, { from: "operator", to: "alice", body: "hello" });
  const agent = () => core.db.read((reader) => requireAgent(reader, "alice"));
  const entries = () => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
  return { broker, core, parts: { core, runner: link.runner }, alice, runner, tell, agent, entries };
}

test.each([
  [false, "cancelled"],
  [true, "queued"],
])(
  "the operator cancels a turn (requeues: %s): its messages are %s, uncounted, and that is noted",
  async (requeues, state) => {
    const { broker, core, parts, alice, runner, tell, agent, entries } = await openHive();
    await using _ = broker;
    await tell();
    const { turn } = await runner.lease(alice);
    await cancelTurn(parts, name, requeues);
    expect(await runner.take("cancelTurn")).toEqual({ turn, requeues });
    expect((await core.event("Note")).fact.text).toContain("The operator cancelled the turn of alice");
    await runner.end(alice, turn, { outcome: "cancelled", ...(requeues && { requeues }) });
    expect(entries()).toMatchObject([{ state, failures: 0, notBefore: 0 }]);
    expect(agent()).toMatchObject({ state: "idle", turn: null, failed_turns: 0 });
  },
);

test("an agent in no turn has none to cancel", async () => {
  const { broker, parts } = await openHive();
  await using _ = broker;
  await expect(cancelTurn(parts, name, false)).rejects.toEqual(refusal("no_turn"));
});

test("while its conversation is changed an agent gets no turn, and says why; then it goes on with the new one", async () => {
  const { broker, core, parts, alice, runner, tell, agent } = await openHive();
  await using _ = broker;
  let meanwhile: unknown;
  runner.before.changeConversation = () => {
    meanwhile = agent();
  };
  await changeConversation(parts, name, { kind: "new" });
  expect(meanwhile).toMatchObject({ state: "parked", problem: "A new conversation is being begun." });
  expect(await runner.take("changeConversation")).toEqual({ launch: alice.launch, change: { kind: "new" } });
  expect(agent()).toMatchObject({ state: "idle", problem: null, retry_at: null, session: "changed" });
  expect((await core.event("Note")).fact.text).toBe("The operator had alice begin a new conversation.");
  await tell();
  expect((await runner.lease(alice)).entries).toHaveLength(1);
});

test("a change that takes long is answered at once; should hived be killed meanwhile, the agent goes on by itself", async () => {
  const { broker, core, alice, runner, tell, agent } = await openHive();
  await using _ = broker;
  const never = { call: () => new Promise<never>(() => undefined) };
  const answered = changeConversation({ core, runner: never }, name, { kind: "compact" });
  await core.event("AgentChanged", ({ fact }) => fact.agent.state === "parked");
  core.clock.advance(5_000);
  await answered;
  await tell();
  expect((await runner.lease(alice)).entries).toEqual([]);
  core.clock.advance(60 * 60_000);
  expect(await runner.take("wake")).toEqual({ agents: ["alice"] });
  expect(agent()).toMatchObject({ state: "idle" });
});

test("what its coding agent can't do is refused in its words and noted, and the agent goes on", async () => {
  const { broker, core, parts, runner, agent } = await openHive();
  await using _ = broker;
  runner.before.changeConversation = () => {
    throw new Refusal("no_models", "Its coding agent offers no choice of models.", "It goes on.");
  };
  const asked = changeConversation(parts, name, { kind: "model", model: "opus" });
  await expect(asked).rejects.toEqual(refusal("no_models"));
  expect((await core.event("Note")).fact.text).toContain("in vain for another model of alice: Its coding agent offers");
  expect(agent()).toMatchObject({ state: "idle" });
});

test("in a turn, and without a process, a conversation is left as it is", async () => {
  const { broker, core, parts, alice, runner, tell } = await openHive();
  await using _ = broker;
  await tell();
  const { turn } = await runner.lease(alice);
  await expect(changeConversation(parts, name, { kind: "compact" })).rejects.toEqual(refusal("in_turn"));
  await runner.end(alice, turn);
  await core.db.write((tx) => changeAgent(tx, core, name, { state: "stopped", launch: null }));
  await expect(changeConversation(parts, name, { kind: "compact" })).rejects.toEqual(refusal("no_loop"));
});

test("an agent that is parked for another reason stays so: the model that it needs may be chosen then", async () => {
  const { broker, core, parts, agent } = await openHive();
  await using _ = broker;
  await core.db.write((tx) => changeAgent(tx, core, name, { state: "parked", problem: "Its model is gone." }));
  await changeConversation(parts, name, { kind: "model", model: "opus" });
  expect(agent()).toMatchObject({ state: "parked", problem: "Its model is gone.", session: "changed" });
});
