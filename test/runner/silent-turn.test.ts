/** What a turn tells while its agent lives but shows nothing; the coding agent is played, as it is the model here. */
import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { TurnEnd } from "../../src/contract/link.ts";
import type { AgentName } from "../../src/contract/names.ts";
import type { LiveBatch } from "../../src/contract/turn-log.ts";
import type { Agent } from "../../src/hive-runner/agent.ts";
import type { Sign } from "../../src/hive-runner/drivers/driver.ts";
import { openLive } from "../../src/hive-runner/live.ts";
import { runTurn } from "../../src/hive-runner/turn.ts";
import { newTurnId } from "../../src/hive-runner/turn-id.ts";
import { wakePrompt } from "../../src/hive-runner/wake-prompt.ts";
import { openFakeClock } from "../support/fake-clock.ts";

const silenceMs = 60_000;

function beginTurn() {
  const clock = openFakeClock();
  const told: LiveBatch[] = [];
  const live = openLive(clock.now, (batch) => told.push(batch));
  let sign: (sign: Sign) => void = () => undefined;
  let cancels = 0;
  const conversation = {
    prompt: (_prompt: unknown, onSign: typeof sign) => {
      sign = onSign;
      return new Promise(() => undefined);
    },
    cancel: () => {
      cancels += 1;
    },
  };
  const turn = newTurnId(clock.now());
  runTurn({
    agent: { conversation, process: {} } as unknown as Agent,
    prompt: wakePrompt({ agent: "alice" as AgentName, turn, entries: [], more: 0, isForgetful: false }),
    limits: { turnTimeoutMs: 100 * silenceMs, silenceMs },
    clock,
    onEvent: live.push,
    onAlive: live.beat,
  });
  return {
    clock,
    told,
    giveSign: () => sign({ event: null, isOutput: false }),
    isCancelled: () => cancels > 0,
    /** moves the time on a second after the other, as whoever waits then waits anew */
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000);
        await nextRound();
      }
    },
  };
}

test("a turn that gave a sign at its beginning, and none after it, is cut off soon after the time that it may be silent", async () => {
  const { giveSign, isCancelled, pass } = beginTurn();
  giveSign();
  await pass(silenceMs);
  expect(isCancelled()).toBe(false);
  await pass(silenceMs / 10);
  expect(isCancelled()).toBe(true);
});

test("as long as signs come that show nothing, it is told now and then that the turn lives", async () => {
  const { clock, told, giveSign } = beginTurn();
  for (let round = 1; round <= 3; round += 1) {
    giveSign();
    clock.advance(silenceMs);
    await nextRound();
    expect(told).toHaveLength(round);
  }
  expect(told.at(-1)).toEqual({ number: 3, at: clock.now(), events: [] });
});

test("a tool's names that would fill the memory are cut before anybody is told of them", () => {
  const told: LiveBatch[] = [];
  const live = openLive(openFakeClock().now, (batch) => told.push(batch));
  const long = "x".repeat(1_000_000);
  for (let call = 0; call < 10; call += 1) live.push({ kind: "tool", id: `${call}${long}`, title: long, status: long });
  live.end();
  expect(JSON.stringify(told).length).toBeLessThan(50_000);
});

test("numbers that can't be counted to are left out of the report", async () => {
  const odd = 2 ** 53;
  const end = {
    kind: "stopped",
    reason: "end_turn",
    outputTokens: odd,
    inputTokens: odd,
    costUsd: Number.POSITIVE_INFINITY,
  };
  const conversation = {
    prompt: async () => ({ ...end, context: { tokens: odd, window: 1 } }),
    model: () => null,
    session: "one",
  };
  const clock = openFakeClock();
  const turn = runTurn({
    agent: { conversation, process: {} } as unknown as Agent,
    prompt: wakePrompt({
      agent: "alice" as AgentName,
      turn: newTurnId(clock.now()),
      entries: [],
      more: 0,
      isForgetful: false,
    }),
    limits: { turnTimeoutMs: silenceMs, silenceMs },
    clock,
    onEvent: () => undefined,
  });
  expect(TurnEnd.pick({ evidence: true, usage: true }).parse(await turn.ended)).toEqual({
    evidence: { outputs: 0, outputTokens: null },
    usage: { model: null, inputTokens: null, costUsd: null },
  });
});
