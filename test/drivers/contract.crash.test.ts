/** What every driver promises, whatever it speaks with: one suite for all of them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { gone } from "../runner/with-runner.ts";
import { openFakeClock } from "../support/fake-clock.ts";
import { calls, type Driven, drive } from "./driven.ts";
import { subjects } from "./subjects.ts";

// Most of their time is waiting for processes: so those of one agent run at once.
describe.concurrent.each(Object.entries(subjects))("%s", (_, { start, otherModel }) => {
  test("a turn ends well, with evidence that the model ran, and what it did is shown meanwhile", async () => {
    await using subject = await start();
    await using agent = drive(subject);
    const report = await agent.turn("say");
    expect(report).toMatchObject({ outcome: "ok", problem: null, session: expect.any(String) });
    expect(report.evidence.outputTokens ?? report.evidence.outputs).toBeGreaterThan(0);
    expect(await agent.events.next()).toMatchObject({ kind: "text" });
    expect(await agent.turn("tool")).toMatchObject({ outcome: "ok", session: report.session });
    await calls(agent);
  });

  test("a cancelled turn ends so, and the next one goes on in the same conversation", async () => {
    await using subject = await start();
    await using agent = drive(subject);
    const turn = await agent.begin("wait");
    await calls(agent);
    turn.cut("cancelled");
    const { outcome, session } = await turn.ended;
    expect(outcome).toBe("cancelled");
    expect(await agent.turn("say")).toMatchObject({ outcome: "ok", session });
  });

  test.each([
    ["that gives no sign of life for so long", { silenceMs: 1 }, "stalled"],
    ["that takes too long", { turnTimeoutMs: 1 }, "timed_out"],
  ])("a turn %s is cut off, and the next one works", async (_case, limits, outcome) => {
    const clock = openFakeClock();
    await using subject = await start();
    await using agent = drive(subject, { clock });
    const turn = await agent.begin("wait", limits);
    await calls(agent);
    for (let passed = 0; passed < 50; passed += 1) {
      clock.advance(1); // far from the next step of the ladder
      await nextRound();
    }
    expect(await turn.ended).toMatchObject({ outcome });
    expect(await agent.turn("say")).toMatchObject({ outcome: "ok" });
  });

  test("its end is the end of all that it started, of what hides, too", async () => {
    await using subject = await start();
    await using agent = drive(subject);
    const turn = await agent.begin("fork");
    await calls(agent);
    const children = [await pidIn(agent, "child"), await pidIn(agent, "grandchild")];
    turn.cut("cancelled");
    expect(await turn.ended).toMatchObject({ outcome: "cancelled" });
    await agent.life.lieDown();
    await Promise.all(children.map(gone));
  });

  test("a new process continues the conversation, also after the one before was killed in a turn", async () => {
    await using subject = await start();
    await using agent = drive(subject);
    const { session } = await agent.turn("say");
    const turn = await agent.begin("wait");
    await calls(agent);
    await (await agent.rise()).process.end();
    expect(await turn.ended).toMatchObject({ outcome: "crashed", problem: expect.stringContaining("process is gone") });
    expect(await agent.turn("say")).toMatchObject({ outcome: "ok", session });
    expect(agent.life.hasForgotten).toBe(false);
  });

  test("a conversation that it has not got any more is replaced by a new one, and is known to be lost", async () => {
    await using subject = await start();
    const session = "3f0c0c1e-0d5c-4c5e-9f52-0123456789ab";
    await using agent = drive(subject, { session });
    const report = await agent.turn("say");
    expect(report).toMatchObject({ outcome: "ok", session: expect.not.stringContaining(session) });
    expect((await agent.rise()).conversation.how === "lost" || agent.life.hasForgotten).toBe(true);
  });

  test("it begins with the model of agent.yaml, and another one can be chosen between turns", async () => {
    await using subject = await start();
    await using agent = drive(subject, { model: otherModel });
    const { conversation } = await agent.rise();
    if (otherModel === null) {
      await expect(conversation.setModel("gpt")).rejects.toMatchObject({ code: "no_models" });
      return;
    }
    expect(conversation.model()).toBe(otherModel);
    expect(await agent.turn("say")).toMatchObject({ outcome: "ok" });
    expect(conversation.model()).toContain(otherModel);
  });

  test("its conversation is made smaller by a prompt of ours, and goes on", async () => {
    await using subject = await start();
    await using agent = drive(subject);
    const { session } = await agent.turn("say");
    const { conversation } = await agent.rise();
    const end = await conversation.prompt(conversation.compactPrompt(), () => undefined);
    expect(end).toMatchObject({ kind: "stopped", reason: "end_turn" });
    expect(await agent.turn("say")).toMatchObject({ outcome: "ok", session });
  });
});

/** What writes it has been started, but may not have come so far. */
async function pidIn({ directory }: Driven, name: string): Promise<number> {
  const path = join(directory, name);
  while (!existsSync(path)) await nextRound();
  return Number(readFileSync(path, "utf8"));
}
