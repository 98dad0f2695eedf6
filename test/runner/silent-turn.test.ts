/** What a turn tells while its agent lives but shows nothing; the coding agent is played, as it is the model here. */
import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
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
