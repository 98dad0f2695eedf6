/** The operator's verbs on a real hived, a real runner and a script agent, over a restart of hived. */
import type Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { routes } from "../../src/contract/routes.ts";
import { client } from "../../src/rpc/client.ts";
import { openBareHive } from "../support/bare-hive.ts";

const agent = AgentName.parse("alice");
const yaml = "role: manager\nharness: { driver: acp, profile: script }\nruntime: { driver: process }\n";
const script = 'rules: [{ name: all, steps: [{ title: wait, run: "while ! test -e go; do sleep 0.05; done" }] }]';

type Row = { state: string; session: string | null };
const alice = (sqlite: Sqlite.Database) =>
  sqlite.prepare("SELECT state, session FROM agents WHERE name = 'alice'").get() as Row | undefined;
const runningTurn = (besides: string | null) => (sqlite: Sqlite.Database) => {
  const turn = sqlite.prepare("SELECT turn FROM inbox WHERE recipient = 'alice' AND state = 'leased'").pluck().get();
  return turn === besides ? undefined : (turn as string | undefined);
};
const outcomeOf = (turn: string) => (sqlite: Sqlite.Database) =>
  sqlite.prepare("SELECT outcome FROM turns WHERE id = ?").pluck().get(turn) as string | undefined;
const entryStates = (sqlite: Sqlite.Database) =>
  sqlite.prepare("SELECT state FROM inbox WHERE recipient = 'alice' ORDER BY id").pluck().all();

test("a turn is cancelled and begun anew, lives through a kill of hived, and is given up; then its conversation is changed", async () => {
  await using hive = await openBareHive({ alice: { "agent.yaml": yaml, "script.yaml": script } });
  await Promise.all([hive.start("hived"), hive.start("hive-runner")]);
  const admin = client(routes, "admin", hive.sockets.admin);
  const first = await hive.until(runningTurn(null)); // the hive tells a new agent that it is deployed
  await admin.cancelTurn({ agent, requeues: true });
  const second = await hive.until(runningTurn(first));
  expect(hive.read(outcomeOf(first))).toBe("cancelled");

  await hive.kill("hived");
  await hive.start("hived");
  await cancelOnceConnected(() => admin.cancelTurn({ agent }));
  await hive.until((sqlite) => outcomeOf(second)(sqlite) === "cancelled");
  expect(hive.read(entryStates)).toEqual(["cancelled"]);

  const before = await hive.until((sqlite) => alice(sqlite)?.state === "idle" && alice(sqlite)?.session);
  const model = { kind: "model", model: "opus" } as const;
  await expect(admin.changeConversation({ agent, change: model })).rejects.toMatchObject({ code: "no_models" });
  await admin.changeConversation({ agent, change: { kind: "compact" } });
  expect(hive.read(alice)).toMatchObject({ state: "idle", session: before });
  await admin.changeConversation({ agent, change: { kind: "new" } });
  expect(hive.read(alice)?.session).not.toBe(before);
  await admin.close();
});

/** hived is there before its runner is back: until then a cancel is a fault. */
async function cancelOnceConnected(cancel: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await cancel();
      return;
    } catch (error) {
      if ((error as Error).name !== "Fault") throw error;
    }
  }
}
