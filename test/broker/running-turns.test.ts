/** Which turns run, and so who works, is told by what is leased: nothing else is stored of it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { listAgents, requireAgent } from "../../src/hived/agents/agents.ts";
import { openReceiver } from "../../src/hived/broker/lease.ts";
import { send } from "../../src/hived/broker/send.ts";
import { readTurn } from "../../src/hived/broker/turn-record.ts";
import { runningTurns } from "../../src/hived/broker/turns.ts";
import type { Core } from "../../src/hived/core.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";
import { openBroker } from "../support/open-broker.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";

const known = ({ db }: Core) => db.read((reader) => ({ turns: runningTurns(reader), agents: listAgents(reader) }));

test("a hived that starts anew knows the turn that runs and the agent that works as they were told, and after it since when it is idle", async () => {
  const broker = await openBroker();
  const { core } = broker;
  const alice = await addIdleAgent(core, "alice");
  const runner = await broker.connect([{ launch: alice.launch, agent: alice.name, turn: null }]);
  const tell = (body: string) => send(core, { from: "operator", to: "alice", body });
  await tell("Index it.");
  core.clock.advance(1_000);
  const { turn } = await runner.lease(alice);
  await tell("And this.");
  core.clock.advance(1_000);
  const recv = openReceiver(core, broker.link.runner, broker.boot, broker.stopping);
  await recv({ agent: alice.name, launch: alice.launch, limit: 10 });
  const told = known(core);
  expect(told).toMatchObject({ turns: [{ id: turn, messages: 1 }], agents: [{ state: "working", turn }] });

  await using next = await broker.restart();
  expect(known(next.core)).toEqual(told);
  const adopter = await next.connect([{ launch: alice.launch, agent: alice.name, turn }]);
  await send(next.core, { from: "operator", to: "alice", body: "And that." });
  const recvAgain = openReceiver(next.core, next.link.runner, next.boot, next.stopping);
  await recvAgain({ agent: alice.name, launch: alice.launch, limit: 10 });
  next.core.clock.advance(1_000);
  await adopter.end(alice, turn, { answeredMarks: [] });
  const idle = next.core.db.read((reader) => requireAgent(reader, alice.name));
  const { messages } = next.core.db.read((reader) => readTurn(reader, alice.name, turn));
  expect(messages.map(({ isTrigger }) => isTrigger)).toEqual([true, false, false]);
  expect(idle).toMatchObject({ state: "idle", turn: null, since: next.core.clock.now() });

  await using last = await next.restart();
  expect(known(last.core)).toEqual({ turns: [], agents: [idle] });
});

const migrations = join(import.meta.dirname, "../../src/hived/database/migrations");

test("a database of the schema before keeps the turn that was running", async () => {
  const directory = newMemoryDirectory("hive-");
  const old = new Sqlite(join(directory, "hive.db"));
  const before = readdirSync(migrations)
    .sort()
    .filter((name) => name < "015");
  for (const name of before) old.exec(readFileSync(join(migrations, name), "utf8"));
  old.pragma(`user_version = ${before.length}`);
  old.exec(`INSERT INTO agents (name, role, wish, state, since, launch, turn)
      VALUES ('alice', 'worker', 'running', 'working', 5, 'launch-1', 'turn-1');
    INSERT INTO messages (id, sender, recipient, body, sent_at, first_entry, last_entry) VALUES (1, 'operator', 'alice', 'Go.', 3, 1, 1);
    INSERT INTO inbox (id, message, recipient, state, attempt, turn, queued_at, leased_at, not_before)
      VALUES (1, 1, 'alice', 'leased', 1, 'turn-1', 3, 5, 0);
    INSERT INTO turns (id, agent, launch, started_at, trigger_message, trigger_from, message_count)
      VALUES ('turn-1', 'alice', 'launch-1', 5, 1, 'operator', 1)`);
  old.close();
  await using core = openCore(directory);
  expect(known(core)).toMatchObject({
    turns: [
      { id: "turn-1", agent: "alice", launch: "launch-1", startedAt: 5, trigger: { message: 1, from: "operator" } },
    ],
    agents: [{ name: "alice", state: "working", turn: "turn-1", since: 5 }],
  });
});
