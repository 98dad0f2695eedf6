import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { adoptWithinMs } from "../../src/contract/link.ts";
import type { AgentName, CanaryId, TurnId } from "../../src/contract/names.ts";
import type { TurnLog } from "../../src/contract/turn-log.ts";
import { openFakeClock } from "../support/fake-clock.ts";
import { gone, isAlive, prepare, type Stage, shown, someTree, waitingScript, withRunner } from "./with-runner.ts";

const sayScript =
  'rules: [{ name: all, steps: [{ say: "you wrote {{message_body}}" }, { run: "true", title: step }] }]';

test("mail starts a turn, which is reported with the evidence that the agent was at work", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const launch = await prepare(stage, "alice", sayScript);
  const { session } = await hived.runner("launch", launch);
  hived.mail("alice", "hello");
  const turn = await hived.leases.next();
  expect(await hived.ends.next()).toEqual({
    boot: 1,
    agent: "alice",
    launch: launch.launch,
    turn,
    outcome: "ok",
    problem: null,
    evidence: { outputs: 4, outputTokens: null }, // three texts and a tool call
    answeredMarks: [],
    session,
    retryAt: null,
    usage: { model: null, inputTokens: null, costUsd: null },
    log: expect.objectContaining({ dropped: 0 }),
  });
});

test("a report brings what the agent did, and while its turn runs that can be read", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", waitingScript));
  hived.mail("alice", "hello");
  const turn = await hived.leases.next();
  await shown(stage, "wait");
  const titles = (log: TurnLog | null | undefined) =>
    log?.entries.flatMap(({ event }) => (event.kind === "tool" ? [`${event.title} ${event.status}`] : []));
  const { log } = await hived.runner("readTurnLog", { turn });
  expect(titles(log)).toEqual(["wait in_progress"]);
  expect(await hived.runner("readTurnLog", { turn: `turn-${"0".repeat(32)}` as TurnId })).toEqual({ log: null });
  writeFileSync(join(stage.directory, "agents/alice/state/go"), "");
  const end = await hived.ends.next();
  expect(titles(end.log)).toEqual(["wait in_progress", "wait completed"]);
  expect(end.log?.newest).toBeGreaterThan(log?.newest ?? 0);
});

test("a canary is answered by the loop itself: its agent, which may be asleep, hears nothing of it", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", sayScript));
  hived.canary = `canary-${"1".repeat(32)}` as CanaryId;
  await hived.runner("wake", { agents: ["alice" as AgentName] });
  expect(await hived.canaries.next()).toBe(`canary-${"1".repeat(32)}`);
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok" });
});

test("what an agent does is shown while it does it, texts gathered", async () => {
  await using stage = await withRunner();
  await stage.hived.runner("launch", await prepare(stage, "alice", sayScript));
  stage.hived.mail("alice", "hello");
  const text = { kind: "text", text: 'Rule "all" fits message 1 from bob.\nyou wrote hello\n' };
  expect(await stage.hived.live.next()).toEqual(text);
  expect(await stage.hived.live.next()).toMatchObject({ kind: "tool", title: "step", status: "in_progress" });
});

test("a launch that is asked for again is found done", async () => {
  await using stage = await withRunner();
  const launch = await prepare(stage, "alice", sayScript);
  const both = await Promise.all([stage.hived.runner("launch", launch), stage.hived.runner("launch", launch)]);
  expect(both[0]).toEqual(both[1]);
});

test("secrets are files for us alone", async () => {
  await using stage = await withRunner();
  const launch = await prepare(stage, "alice", sayScript);
  await stage.hived.runner("launch", launch);
  const token = join(stage.directory, "launches", launch.launch, "forge-token");
  expect(readFileSync(token, "utf8")).toBe("t0ken\n");
  expect(statSync(token).mode & 0o777).toBe(0o600);
});

test("an agent that is killed during its turn: the turn has crashed, then its launch has ended", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const launch = await prepare(stage, "alice", `${killScript}`);
  await hived.runner("launch", launch);
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "crashed", problem: expect.stringContaining("SIGKILL") });
  expect(await hived.lost.next()).toMatchObject({ launch: launch.launch, problem: expect.stringContaining("SIGKILL") });
});

test("a turn goes on while the link is broken, and is reported over the next one", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const launch = await prepare(stage, "alice", waitingScript);
  await hived.runner("launch", launch);
  hived.mail("alice", "hello");
  const turn = await hived.leases.next();
  await shown(stage, "wait");
  hived.disconnect();
  letGo(stage, "alice");
  expect((await hived.holds.next()).launches).toEqual([{ launch: launch.launch, agent: "alice", turn }]);
  expect(await hived.ends.next()).toMatchObject({ turn, outcome: "ok" });
});

test("a report whose answer was lost is made again, to hived's next life", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", sayScript));
  hived.loseAnswerTo = "endTurn";
  hived.mail("alice", "hello");
  const first = await hived.ends.next();
  await hived.close();
  const next = await stage.anotherHived();
  expect(await next.ends.next()).toEqual({ ...first, boot: 2 });
});

test("a lease whose answer was lost is asked for again under the same turn", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", sayScript));
  hived.loseAnswerTo = "lease";
  hived.mail("alice", "hello");
  const turn = await hived.leases.next();
  const { launches } = await hived.holds.next();
  expect(launches).toMatchObject([{ agent: "alice", turn }]);
  expect(await hived.ends.next()).toMatchObject({ turn, outcome: "ok" });
});

test("what hived does not adopt is ended, and nothing is reported of it", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", waitingScript));
  hived.mail("alice", "hello");
  await shown(stage, "wait");
  const pid = pidOf(stage, "alice");
  hived.adopt = [];
  hived.disconnect();
  await hived.holds.next();
  await gone(pid);
  const again = await prepare(stage, "alice", waitingScript);
  await hived.runner("launch", again);
  hived.disconnect();
  expect((await hived.holds.next()).launches).toMatchObject([{ launch: again.launch }]);
});

test("a connection on which hived could not take over what is held is closed before the next one", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  hived.failHold = true;
  hived.disconnect();
  await hived.holds.next();
  expect(hived.failHold).toBe(false);
  expect(hived.connections).toBe(1);
});

test("a running turn is killed when hived is away for too long, an idle agent is kept", async () => {
  const clock = openFakeClock();
  await using stage = await withRunner(clock);
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", waitingScript));
  const idle = await prepare(stage, "carol", sayScript);
  await hived.runner("launch", idle);
  hived.mail("alice", "hello");
  await shown(stage, "wait");
  const pid = pidOf(stage, "alice");
  await hived.close();
  await away(clock);
  await gone(pid);
  const next = await stage.anotherHived();
  expect((await next.holds.next()).launches).toEqual([{ launch: idle.launch, agent: "carol", turn: null }]);
});

test("a launch with a running turn ends after it, which is told then; nobody waits for it", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const { launch } = await startWaiting(stage);
  expect(await hived.runner("stopLaunch", { launch, now: false })).toEqual({ ended: false });
  letGo(stage, "alice");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok" });
  expect(await hived.lost.next()).toEqual({ boot: 1, agent: "alice", launch, problem: null });
  expect(await hived.runner("stopLaunch", { launch, now: false })).toEqual({ ended: true });
});

test("the end of a launch that was asked for is told to hived's next life", async () => {
  await using stage = await withRunner();
  const { launch } = await startWaiting(stage);
  await stage.hived.runner("stopLaunch", { launch, now: false });
  await stage.hived.close();
  letGo(stage, "alice");
  const next = await stage.anotherHived();
  expect(await next.lost.next()).toEqual({ boot: 2, agent: "alice", launch, problem: null });
});

test("an idle launch ends at once; one that just asks for a lease, when it has got none", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const { launch } = await launched(stage);
  const { ended } = await hived.runner("stopLaunch", { launch, now: false });
  if (!ended) expect(await hived.lost.next()).toMatchObject({ launch, problem: null });
  expect(await hived.runner("stopLaunch", { launch, now: false })).toEqual({ ended: true });
  hived.disconnect();
  expect((await hived.holds.next()).launches).toEqual([]);
});

test("a launch that is ending is not found done, and can't be had again before it has ended", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const launch = await startWaiting(stage);
  await hived.runner("stopLaunch", { launch: launch.launch, now: false });
  await expect(hived.runner("launch", launch)).rejects.toThrow("alice's process is ending");
  letGo(stage, "alice");
  await hived.lost.next();
  await hived.runner("stopLaunch", { launch: launch.launch, now: false });
  await hived.runner("launch", launch);
});

test("a turn that the operator cancels ends so, and its agent lives on", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const { launch } = await startWaiting(stage);
  await hived.runner("cancelTurn", { turn: await hived.leases.next(), requeues: false });
  expect(await hived.ends.next()).toMatchObject({ launch, outcome: "cancelled" });
  letGo(stage, "alice");
  hived.mail("alice", "once more");
  expect(await hived.ends.next()).toMatchObject({ launch, outcome: "ok" });
});

test("a cancelled turn says whether its messages are to be queued again; one that is over can't be cancelled", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await startWaiting(stage);
  const turn = await hived.leases.next();
  await hived.runner("cancelTurn", { turn, requeues: true });
  expect(await hived.ends.next()).toMatchObject({ outcome: "cancelled", requeues: true });
  await expect(cancelUntilOver(stage, turn)).rejects.toMatchObject({ code: "turn_over" });
});

test("a new conversation and a smaller one are had between turns, also by an agent that is asleep, not in one", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const launch = await prepare(stage, "alice", waitingScript, { limits: { idleStopMs: 50 } });
  const { session } = await hived.runner("launch", launch);
  const change = (kind: "compact" | "new") =>
    hived.runner("changeConversation", { launch: launch.launch, change: { kind } });
  expect(await change("compact")).toEqual({ session, model: null });
  const begun = await change("new");
  expect(begun.session).not.toBe(session);
  hived.mail("alice", "hello");
  await shown(stage, "wait");
  await expect(change("new")).rejects.toMatchObject({ code: "in_turn" });
  letGo(stage, "alice");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok", session: begun.session });
});

test("an agent without a choice of models says so", async () => {
  await using stage = await withRunner();
  const { launch } = await launched(stage);
  const asked = stage.hived.runner("changeConversation", { launch, change: { kind: "model", model: "opus" } });
  await expect(asked).rejects.toMatchObject({ code: "no_models" });
});

test("a bug in one agent's loop ends its launch with a failed turn, and the others go on", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const { launch } = await startWaiting(stage);
  const other = await prepare(stage, "carol", sayScript);
  await hived.runner("launch", other);
  hived.mail("carol", "no such time", { sentAt: 8.7e15 }); // beyond what a date can be
  expect(await hived.ends.next()).toMatchObject({ agent: "carol", outcome: "crashed" });
  expect(await hived.lost.next()).toMatchObject({
    launch: other.launch,
    problem: expect.stringContaining("failed to drive it"),
  });
  letGo(stage, "alice");
  expect(await hived.ends.next()).toMatchObject({ launch, outcome: "ok" });
});

test("ten messages that come during a turn are one turn", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await startWaiting(stage);
  for (let number = 1; number <= 10; number += 1) hived.mail("alice", `number ${number}`);
  letGo(stage, "alice");
  await hived.ends.next();
  const { log } = await hived.ends.next();
  const text = log?.entries.map(({ event }) => (event.kind === "text" ? event.text : "")).join("");
  expect(text?.match(/fits message \d+/g)).toEqual(Array.from({ length: 10 }, (_, at) => `fits message ${at + 2}`));
});

test("a launch that is stopped now loses its turn", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const { launch } = await startWaiting(stage);
  await hived.runner("stopLaunch", { launch, now: true });
  expect(await hived.ends.next()).toMatchObject({ outcome: "lost", problem: "The agent was stopped during the turn." });
});

test("a second launch of an agent starts when the first has ended", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await startWaiting(stage);
  const pid = pidOf(stage, "alice");
  await hived.runner("launch", await prepare(stage, "alice", sayScript));
  expect(isAlive(pid)).toBe(false);
});

test("an agent that gives no sign of life is stopped, and lives on if it obeys", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", waitingScript, { limits: { silenceMs: 150 } }));
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "stalled" });
  letGo(stage, "alice");
  hived.mail("alice", "once more");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok" });
});

test("a turn that takes too long is stopped", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", waitingScript, { limits: { turnTimeoutMs: 200 } }));
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "timed_out" });
});

test("only what the agent produced after a recv answers it", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const twice = `rules: [{ name: w, steps: [
    { title: first, run: "while ! test -e one; do sleep 0.02; done" },
    { title: second, run: "while ! test -e two; do sleep 0.02; done" }] }]`;
  await hived.runner("launch", await prepare(stage, "alice", twice));
  hived.mail("alice", "hello");
  const turn = await hived.leases.next();
  await shown(stage, "first");
  await hived.runner("markReceived", { turn, mark: 1 });
  letGo(stage, "alice", "one");
  await shown(stage, "second");
  letGo(stage, "alice", "two");
  expect(await hived.ends.next()).toMatchObject({ answeredMarks: [1] });
  const over = hived.runner("markReceived", { turn: turn as TurnId, mark: 2 });
  await expect(over).rejects.toMatchObject({ code: "turn_over" });
});

test("an idle agent's process ends after a while, and its conversation goes on with the next message", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const script = "rules: [{ name: a, steps: [{ run: 'echo $PPID >>parents' }] }]";
  const { session } = await hived.runner(
    "launch",
    await prepare(stage, "alice", script, { limits: { idleStopMs: 50 } }),
  );
  hived.mail("alice", "hello");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok", session });
  const first = Number(read(stage, "alice", "parents"));
  await gone(first);
  hived.mail("alice", "once more");
  expect(await hived.ends.next()).toMatchObject({ outcome: "ok", session });
  expect(read(stage, "alice", "parents").trim().split("\n")).toHaveLength(2);
});

test("a program that does not start is refused, with its last words", async () => {
  await using stage = await withRunner();
  const launch = await prepare(stage, "alice", "rules: none");
  await expect(stage.hived.runner("launch", launch)).rejects.toMatchObject({
    code: "launch_failed",
    message: expect.stringMatching(
      /alice could not be started: its process is gone: it ended with code 1; its last words: .*\./,
    ),
  });
});

test("a program that is killed while it starts is started again, and one that is killed each time is refused", async () => {
  await using stage = await withRunner();
  const { hived } = stage;
  const plain = await prepare(stage, "alice", "rules: [{ name: a, steps: [{ say: done }] }]");
  const killedUntil = (count: number) => [
    "/bin/sh",
    "-c",
    `echo >>starts; [ "$(wc -l <starts)" -ge ${count} ] || kill -9 $$; exec "$@"`,
    "sh",
    ...plain.spec.argv,
  ];
  const launch = (count: number) =>
    hived.runner("launch", { ...plain, spec: { ...plain.spec, argv: killedUntil(count) } });
  expect(await launch(2)).toMatchObject({ session: expect.any(String) });
  await hived.runner("stopLaunch", { launch: plain.launch, now: true });
  await expect(launch(1_000)).rejects.toMatchObject({ code: "launch_failed" });
});

test("when the runner stops, it reports the turn that it cut off", async () => {
  await using stage = await withRunner();
  await startWaiting(stage);
  await stage.runner.stop();
  expect(await stage.hived.ends.next()).toMatchObject({ outcome: "lost" });
});

test("the content of /docs is replaced at once, and one version before it kept", async () => {
  await using stage = await withRunner();
  const docs = join(stage.directory, "docs");
  const update = (commit: string, text: string) =>
    stage.hived.runner("updateDocs", {
      commit: commit.repeat(40) as typeof someTree,
      files: [{ path: "a/README.md", content: Buffer.from(text).toString("base64") }],
    });
  await update("1", "one");
  await update("2", "two");
  await update("2", "two");
  await update("3", "three");
  expect(readFileSync(join(docs, "current/a/README.md"), "utf8")).toBe("three");
  expect(readFileSync(join(docs, "2".repeat(40), "a/README.md"), "utf8")).toBe("two");
  expect(existsSync(join(docs, "1".repeat(40)))).toBe(false);
});

test("a path that leads out of its directory is refused, and nothing is written", async () => {
  await using stage = await withRunner();
  const files = [{ path: "../../escaped", content: "" }];
  const asked = stage.hived.runner("prepareAgent", { agent: "alice" as never, tree: someTree, files });
  await expect(asked).rejects.toMatchObject({ code: "bad_path" });
  expect(existsSync(join(stage.directory, "agents/alice/config", someTree))).toBe(false);
});

const killScript = 'rules: [{ name: kill, steps: [{ run: "kill -9 $PPID" }] }]';

async function launched(stage: Stage) {
  const launch = await prepare(stage, "alice", sayScript);
  await stage.hived.runner("launch", launch);
  return launch;
}

async function startWaiting(stage: Stage) {
  const launch = await prepare(stage, "alice", waitingScript);
  await stage.hived.runner("launch", launch);
  stage.hived.mail("alice", "hello");
  await shown(stage, "wait");
  return launch;
}

const stateFile = ({ directory }: Stage, agent: string, name: string) =>
  join(directory, "agents", agent, "state", name);
const read = (stage: Stage, agent: string, name: string) => readFileSync(stateFile(stage, agent, name), "utf8");
const letGo = (stage: Stage, agent: string, name = "go") => writeFileSync(stateFile(stage, agent, name), "");
const pidOf = (stage: Stage, agent: string) => Number(read(stage, agent, "pid"));

/** The report of a turn has come before the loop has heard the answer. */
async function cancelUntilOver({ hived }: Stage, turn: TurnId): Promise<never> {
  for (;;) await hived.runner("cancelTurn", { turn, requeues: false });
}

/** Lets the time pass, again and again until the runner has noticed that the link is broken. */
async function away(clock: ReturnType<typeof openFakeClock>): Promise<void> {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(adoptWithinMs);
}
