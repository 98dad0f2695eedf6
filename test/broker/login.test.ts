/** The operator signs an agent in: what is entered goes through, and is kept nowhere. */
import { expect, test } from "vitest";
import type { AgentName } from "../../src/contract/names.ts";
import { changeAgent, requireAgent } from "../../src/hived/agents/agents.ts";
import { loginAgent } from "../../src/hived/broker/login.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent } from "../support/open-core.ts";

const name = "alice" as AgentName;

async function openParked() {
  const broker = await openBroker();
  const { core, link } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  await core.db.write((tx) => changeAgent(tx, core, name, { state: "parked", problem: "Not logged in." }));
  const agent = () => core.db.read((reader) => requireAgent(reader, "alice"));
  return { broker, core, parts: { core, runner: link.runner }, alice, runner, agent };
}

test("a link is passed on and changes nothing; with its code the agent goes on, and that is noted", async () => {
  const { broker, core, parts, alice, runner, agent } = await openParked();
  await using _ = broker;
  expect(await loginAgent(parts, name, { kind: "link" })).toEqual({ url: "https://provider.example/" });
  expect(agent().state).toBe("parked");
  await runner.take("login");
  expect(await loginAgent(parts, name, { kind: "code", code: "the#code" })).toEqual({ url: null });
  expect(await runner.take("login")).toEqual({ launch: alice.launch, step: { kind: "code", code: "the#code" } });
  expect(agent()).toMatchObject({ state: "idle", problem: null });
  expect((await core.event("Note")).fact.text).toBe("The operator signed alice in.");
});

test("a secret is in no event and no row", async () => {
  const { broker, core, parts } = await openParked();
  await using _ = broker;
  await loginAgent(parts, name, { kind: "secret", secret: "sk-nobody-may-see" });
  const rows = core.db.read((reader) =>
    ["events", "agents", "work"].map((table) => reader.all(`SELECT * FROM ${table}`, {})),
  );
  expect(JSON.stringify(rows)).toContain("The operator signed alice in.");
  expect(JSON.stringify(rows)).not.toContain("sk-nobody-may-see");
});

test("an agent without a process can't be signed in, one that rests for another reason goes on resting", async () => {
  const { broker, core, parts, agent } = await openParked();
  await using _ = broker;
  const retry_at = agent().since;
  await core.db.write((tx) => changeAgent(tx, core, name, { retry_at }));
  await loginAgent(parts, name, { kind: "secret", secret: "sk-nobody-may-see" });
  expect(agent()).toMatchObject({ state: "parked", retry_at });
  await core.db.write((tx) => changeAgent(tx, core, name, { launch: null, state: "stopped" }));
  await expect(loginAgent(parts, name, { kind: "link" })).rejects.toMatchObject({ code: "no_loop" });
});
