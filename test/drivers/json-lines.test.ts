/** What a coding agent writes line by line, when it is not what it should be; what it costs the others of its runner. */
import { Readable } from "node:stream";
import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { openWire } from "../../src/hive-runner/drivers/acp-wire.ts";
import { readJsonLines } from "../../src/hive-runner/drivers/json-lines.ts";
import type { AgentProcess } from "../../src/hive-runner/launch.ts";

/** Each costs a failed attempt to parse it. */
const flood = Buffer.from("{\n".repeat(50_000));
const message = { jsonrpc: "2.0", method: "said", params: { text: "after it" } };

/** How often others had their turn until it was over. */
async function turnsDuring(reading: Promise<unknown>): Promise<number> {
  let isOver = false;
  void reading.then(() => {
    isOver = true;
  });
  let turns = 0;
  for (; !isOver; turns += 1) await nextRound();
  return turns;
}

test("a flood of short lines that are no JSON is passed over, and others have their turn meanwhile", async () => {
  const values: unknown[] = [];
  const output = Readable.from([flood, Buffer.from(`\n\nyes\n[1]\n${JSON.stringify(message)}\n`)]);
  expect(await turnsDuring(readJsonLines(output, (value) => values.push(value)))).toBeGreaterThan(10);
  expect(values).toEqual([message]);
});

test("so it is over ACP", async () => {
  const told: unknown[] = [];
  const stdout = Readable.from([flood, Buffer.from(`${JSON.stringify(message)}\n`)]);
  const stdin = { once: () => undefined } as unknown as AgentProcess["stdin"];
  const { readable } = openWire({ stdin, stdout } as AgentProcess, (method, params) => told.push({ method, params }));
  expect(await turnsDuring(readable.getReader().read())).toBeGreaterThan(10);
  expect(told).toEqual([{ method: "said", params: message.params }]);
});
