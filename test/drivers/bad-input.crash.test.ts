/** An agent may do anything: each has a named outcome, costs a bounded memory, and the next turn works. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { openFakeClock } from "../support/fake-clock.ts";
import { calls, drive } from "./driven.ts";
import { hostile } from "./subjects.ts";

const isWell = { outcome: "ok", problem: null, evidence: { outputs: 1, outputTokens: null } };

test.concurrent.each([
  ["garbage", isWell],
  ["half a message", isWell],
  ["odd updates", { outcome: "ok", usage: { costUsd: null } }],
  ["answer what nobody asked", isWell],
  ["count backwards", { ...isWell, usage: { inputTokens: null } }],
  ["nothing", { outcome: "ok", evidence: { outputs: 0, outputTokens: null } }],
  ["end with no reason", { outcome: "crashed", problem: "It ended its turn with an answer that is none." }],
  ["exit", { outcome: "crashed", problem: "Its process is gone: it ended with code 3." }],
  ["close the output", { outcome: "crashed", problem: expect.stringContaining("Its process is gone") }],
])("%s", async (deed, outcome) => {
  await using agent = drive(hostile);
  expect(await agent.turn(deed)).toMatchObject(outcome);
  expect(await agent.turn("say")).toMatchObject({ outcome: "ok", session: expect.any(String) });
});

test("100 MiB in one line end the agent, and are kept nowhere", async () => {
  await using agent = drive(hostile);
  await agent.turn("say");
  global.gc?.();
  const before = process.memoryUsage();
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
  const report = await agent.turn("100 MiB in one line");
  clearInterval(watch);
  expect(report).toMatchObject({
    outcome: "crashed",
    problem: expect.stringMatching(/^It wrote a line of over 16 MiB/),
  });
  expect((most - before.rss) / 1024 / 1024).toBeLessThan(64);
  expect(await agent.turn("say")).toMatchObject({ outcome: "ok" });
});

test("an agent that closes its input is ended when it is to be told something", async () => {
  await using agent = drive(hostile);
  expect(await agent.turn("close the input")).toMatchObject({ outcome: "ok" });
  expect(await agent.turn("say")).toMatchObject({ outcome: "crashed" });
  expect(await agent.turn("say")).toMatchObject({ outcome: "ok" });
});

test("an agent that hears nothing is killed step by step, and named for why it was cut off", async () => {
  const clock = openFakeClock();
  await using agent = drive(hostile, { clock });
  const turn = await agent.begin("hang, whatever comes");
  await calls(agent);
  turn.cut("cancelled");
  await pass(clock, turn.ended);
  expect(await turn.ended).toMatchObject({ outcome: "cancelled", evidence: { outputs: 1 } });
  expect(await agent.turn("say")).toMatchObject({ outcome: "ok" });
});

test("an agent that asks for permission without end, and reads no answer, is silent: it is stopped, and kept short", async () => {
  const clock = openFakeClock();
  await using agent = drive(hostile, { clock });
  await agent.turn("say");
  const before = process.memoryUsage().rss;
  const turn = await agent.begin("ask for permission and read no answer", { turnTimeoutMs: Number.MAX_SAFE_INTEGER });
  await pass(clock, turn.ended);
  expect(await turn.ended).toMatchObject({ outcome: "stalled", evidence: { outputs: 0 } });
  expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(64);
  expect(await agent.turn("say")).toMatchObject({ outcome: "ok" });
});

test("what it does outside of a turn is shown as its own doing, and is no evidence for the next one", async () => {
  await using agent = drive(hostile);
  await agent.turn("say more afterwards");
  expect(await agent.unasked.next()).toBe("by myself");
  expect(await agent.turn("nothing")).toMatchObject({ outcome: "ok", evidence: { outputs: 0 } });
});

test("an agent that is not signed in is up, says how it can be, and then goes on in its conversation", async () => {
  await using agent = drive(hostile);
  const { session } = await agent.turn("say");
  await agent.life.lieDown();
  const signedOut = join(agent.directory, "signed-out");
  writeFileSync(signedOut, "");
  const problem = "Authentication required. It offers to be signed in by: API key.";
  expect(await agent.turn("say")).toMatchObject({ outcome: "needs_login", problem, session });
  rmSync(signedOut);
  expect(await agent.turn("say")).toMatchObject({ outcome: "ok", session });
});

/** Lets the time pass until the turn has ended, an hour of it in a second. */
async function pass(clock: ReturnType<typeof openFakeClock>, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  for (; !isOver; await nextRound()) clock.advance(3_600);
}
