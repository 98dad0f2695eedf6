/** What the driver makes of a Claude Code that does not keep to its protocol. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { startAlice, withClaude } from "./with-claude.ts";

const odd = join(import.meta.dirname, "odd-claude.ts");

test("what is no line of the protocol is passed over, and the next turn works", async () => {
  await using stage = await withClaude();
  await startAlice(stage, odd);
  for (const [oddity, end] of [
    ["prints garbage", { outcome: "ok", evidence: { outputTokens: 7 } }],
    ["writes 100 MiB in one line", { outcome: "ok", evidence: { outputTokens: 7 } }],
    ["says nothing of the model", { outcome: "ok", evidence: { outputs: 0, outputTokens: null } }],
    ["reports negative tokens", { outcome: "ok", evidence: { outputs: 0, outputTokens: null } }],
    ["reports half a token", { outcome: "ok", usage: { inputTokens: 0 }, evidence: { outputTokens: 7 } }],
    ["has a model with an endless name", { outcome: "ok", usage: { model: "m".repeat(200) } }],
    ["ends somebody else's turn first", { outcome: "ok", evidence: { outputTokens: 7 } }],
    ["answers what nobody asked", { outcome: "ok" }],
    ["asks for what there is not", { outcome: "ok" }],
  ] as const) {
    stage.hived.mail("alice", oddity);
    expect(await stage.hived.ends.next(), oddity).toMatchObject(end);
    stage.hived.mail("alice", "hello");
    expect(await stage.hived.ends.next(), `after: ${oddity}`).toMatchObject({ outcome: "ok" });
  }
});

test.each(["exits", "closes its output", "asks without end"])("one that %s has crashed", async (oddity) => {
  await using stage = await withClaude();
  await startAlice(stage, odd);
  stage.hived.mail("alice", oddity);
  expect(await stage.hived.ends.next()).toMatchObject({
    outcome: "crashed",
    problem: expect.stringContaining("Its process is gone"),
  });
  await startAlice(stage, odd);
  stage.hived.mail("alice", "hello");
  expect(await stage.hived.ends.next()).toMatchObject({ outcome: "ok" });
});

test("a turn of its own that was cut off is no part of the next, and what tools answer is no output of it", async () => {
  await using stage = await withClaude();
  const { launch } = await startAlice(stage, odd);
  stage.hived.mail("alice", "begins a turn of its own, and never ends it");
  await stage.hived.ends.next();
  await stage.hived.runner("changeConversation", { launch, change: { kind: "new" } });
  stage.hived.mail("alice", "has a turn of its own");
  const both = [await stage.hived.ends.next(), await stage.hived.ends.next()];
  const own = both.find(({ beganAt }) => beganAt !== undefined);
  expect(own?.evidence?.outputs).toBe(1);
  expect(own?.log?.entries.map(({ event }) => event)).toEqual([
    { kind: "text", text: "whole" },
    { kind: "tool", id: "1", title: "", status: "completed" },
  ]);
});
