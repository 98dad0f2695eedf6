import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFakeClock } from "../support/fake-clock.ts";
import { gone, prepare, type Stage, withRunner } from "./with-runner.ts";

const program = new URL("odd-agent.ts", import.meta.url).pathname;

test("a turn that ended without a sign of the model has no evidence", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "empty")).toMatchObject({
    outcome: "ok",
    evidence: { outputs: 0, outputTokens: null },
  });
});

test("a history that is replayed when a conversation is continued is no evidence", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "empty", "odd")).toMatchObject({ session: "odd", evidence: { outputs: 0 } });
});

test("tokens are evidence where an agent counts them", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "counts tokens")).toMatchObject({ evidence: { outputs: 0, outputTokens: 42 } });
});

test("a report says which model ran and what the turn used, as far as the agent tells", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "counts tokens")).toMatchObject({
    usage: { model: "haiku", inputTokens: 1, costUsd: null },
  });
});

test("an agent that counts the dollars of its whole conversation is asked for those of each turn", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "counts dollars")).toMatchObject({ usage: { model: "haiku", costUsd: 0.25 } });
  stage.hived.mail("alice", "once more");
  expect(await stage.hived.ends.next()).toMatchObject({ usage: { model: "opus", costUsd: 0.25 } });
});

test("an agent that is signed out says so by ACP's code", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "signed out")).toMatchObject({
    outcome: "needs_login",
    problem: "Authentication required.",
  });
});

test("an agent that names the kind of its error is believed", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "rate limited")).toMatchObject({ outcome: "rate_limited" });
});

test("an agent that says when its limit passes is to rest until then", async () => {
  await using stage = await withRunner();
  const retryAt = 1_900_000_000_000;
  expect(await turnOf(stage, "limited for an hour")).toMatchObject({ outcome: "rate_limited", retryAt });
});

test("each way to fail has its name", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const stop = (stopReason: string) => ({ result: { stopReason } });
  const fail = (message: string, errorKind?: string, code = -32_603) => ({
    error: { code, message, data: { errorKind } },
  });
  await turnOf(stage, "does as it is told");
  for (const [answer, outcome] of [
    [stop("refusal"), "refused"],
    [stop("max_turn_requests"), "budget"],
    [stop("cancelled"), "crashed"], // by itself
    [stop("boredom"), "crashed"], // no answer of the protocol
    [fail("Authentication required", undefined, -32_000), "needs_login"],
    [fail("no credit", "billing_error"), "billing"],
    [fail("Unknown model", "model_not_found"), "model_unavailable"],
    [fail("Internal error", "server_error"), "overloaded"],
    [fail("connect ECONNREFUSED 127.0.0.1:1"), "network"],
    [fail("cannot read properties of undefined"), "crashed"],
    [stop("max_tokens"), "context_full"],
  ] as const) {
    hived.mail("alice", JSON.stringify(answer));
    expect(await hived.ends.next(), JSON.stringify(answer)).toMatchObject({ outcome, retryAt: null });
  }
});

test("lines that are no messages are passed over", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "garbage")).toMatchObject({ outcome: "ok", evidence: { outputs: 1 } });
});

test("a conversation that is gone is replaced by a new one, which is told so once", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  expect(await turnOf(stage, "repeats", "last week's")).toMatchObject({ session: "odd" });
  const lost = "Your earlier conversation could not be continued";
  expect(await hived.live.next()).toMatchObject({ kind: "text", text: expect.stringContaining(lost) });
  hived.mail("alice", "once more");
  expect(await hived.live.next()).toMatchObject({ kind: "text", text: expect.not.stringContaining(lost) });
});

test("a conversation that is too long is made smaller before the next turn", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  expect(await turnOf(stage, "fills up")).toMatchObject({ outcome: "context_full", problem: "Prompt is too long." });
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok", session: "odd" });
  expect(await hived.live.next()).toMatchObject({ text: expect.stringContaining("made smaller 1 times") });
});

test("one that stays too long is replaced by a new one, which is told so", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await turnOf(stage, "stays full");
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "context_full", session: "odd" });
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok", session: "odd again" });
  const text = expect.stringContaining("Your earlier conversation could not be continued");
  expect(await hived.live.next()).toMatchObject({ text });
});

test("the operator chooses among the models that the agent offers, and its next process has the same", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const argv = [process.execPath, program, "counts tokens"];
  const launch = await prepare(stage, "alice", "", { argv, limits: { idleStopMs: 50 } });
  await hived.runner("launch", launch);
  const choose = (model: string) =>
    hived.runner("changeConversation", { launch: launch.launch, change: { kind: "model", model } });
  await expect(choose("gpt")).rejects.toMatchObject({ code: "unknown_model", next: "Choose one of: haiku, opus." });
  await expect(choose("haiku")).rejects.toMatchObject({ code: "model_refused" });
  expect(await choose("opus")).toEqual({ session: "odd", model: "opus" });
  await gone(Number(readFileSync(join(stage.directory, "agents/alice/state/met"), "utf8")));
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ usage: { model: "opus" } });
});

test("an agent that says which commands it has is not asked for one that it has not", async () => {
  await using stage = await withRunner();
  const { launch } = await turnOf(stage, "has no commands");
  const asked = stage.hived.runner("changeConversation", { launch, change: { kind: "compact" } });
  await expect(asked).rejects.toMatchObject({ code: "cannot_compact" });
});

test("an agent that is stopped while it makes its conversation smaller ends at once", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const argv = [process.execPath, program, "waits for a cancel"];
  const { launch, ...rest } = await prepare(stage, "alice", "", { argv });
  await hived.runner("launch", { launch, ...rest });
  const compacted = hived.runner("changeConversation", { launch, change: { kind: "compact" } });
  const refused = expect(compacted).rejects.toMatchObject({ code: "not_compacted" });
  const begun = join(stage.directory, "agents/alice/state/begun");
  while (!existsSync(begun)) await new Promise((resolve) => setImmediate(resolve)); // nothing of it is shown
  await hived.runner("stopLaunch", { launch, now: true });
  await refused;
});

test("a request for permission is granted for this once: the sandbox is the limit", async () => {
  await using stage = await withRunner();
  await turnOf(stage, "asks");
  const granted = JSON.stringify({ outcome: { outcome: "selected", optionId: "now" } });
  expect(await stage.hived.live.next()).toEqual({ kind: "text", text: granted });
});

test("an agent that closes its output is ended, as nobody can speak with it", async () => {
  await using stage = await withRunner();
  expect(await turnOf(stage, "closes")).toMatchObject({ outcome: "crashed" });
  expect(await stage.hived.lost.next()).toMatchObject({ agent: "alice" });
});

test("an agent of another protocol version is not started", async () => {
  await using stage = await withRunner();
  await expect(turnOf(stage, "from the future")).rejects.toThrow("it speaks version 9 of the protocol, not 1");
});

test("an agent that hears neither a cancel nor an interrupt is killed", async () => {
  const clock = openFakeClock();
  await using stage = await withRunner(clock);
  const ended = turnOf(stage, "silent");
  await stage.hived.live.next();
  const stop = new AbortController();
  void ended.then(() => stop.abort());
  for (; !stop.signal.aborted; await new Promise((resolve) => setImmediate(resolve))) clock.advance(60_000);
  expect(await ended).toMatchObject({ outcome: "stalled", evidence: { outputs: 1 } });
  expect(await stage.hived.lost.next()).toMatchObject({ agent: "alice" });
});

/** Lets an agent with that oddity have one turn. */
async function turnOf(stage: Stage, oddity: string, session: string | null = null) {
  const { hived } = stage;
  await hived.runner(
    "launch",
    await prepare(stage, "alice", "", { argv: [process.execPath, program, oddity], session }),
  );
  hived.mail("alice", "hello");
  return hived.ends.next();
}
