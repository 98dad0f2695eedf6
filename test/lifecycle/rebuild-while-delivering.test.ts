/**
 * The bug that this project was founded on: an agent was rebuilt while a message of the hive was on its way to it, the
 * message was marked delivered, and no turn ever ran. Here the rebuild begins after each step of a delivery, is held at each
 * of its own commits and calls of the runner, and the delivery goes on meanwhile by no, one, two or all of its steps. The new version
 * starts, or does not, or is taken back meanwhile.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { hivedCalls } from "../../src/contract/link.ts";
import {
  AgentName,
  type BootId,
  type LaunchId,
  type MessageId,
  ObjectId,
  type TurnId,
} from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import type { ResponseOf } from "../../src/contract/table.ts";
import { requireAgent } from "../../src/hived/agents/agents.ts";
import { findLaunch } from "../../src/hived/agents/launches.ts";
import { loseLaunch } from "../../src/hived/broker/adopt.ts";
import { endTurn } from "../../src/hived/broker/end-turn.ts";
import { entriesSince } from "../../src/hived/broker/inbox.ts";
import { lease } from "../../src/hived/broker/lease.ts";
import { notify } from "../../src/hived/broker/send.ts";
import { findTurn } from "../../src/hived/broker/turns.ts";
import { openWaiters } from "../../src/hived/broker/waiters.ts";
import type { Runner } from "../../src/hived/core.ts";
import type { Forge } from "../../src/hived/forge/client.ts";
import { converge } from "../../src/hived/lifecycle/converge.ts";
import { addDeployment, endDeployment } from "../../src/hived/lifecycle/deployments.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import { enqueueConverge, wantVersion } from "../../src/hived/lifecycle/wishes.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";
import { newTurn, proven, somePlace } from "../support/open-broker.ts";
import { addIdleAgent, openCore, someTree } from "../support/open-core.ts";

const alice = AgentName.parse("alice");
const newTree = ObjectId.parse("b".repeat(40));
const boot = 1 as BootId;
const yaml = "role: worker\nharness: { driver: acp, profile: script }\nruntime: { driver: process }\n";

type Lease = ResponseOf<typeof hivedCalls.lease>;

/** The loop of a launch as hive-runner/turn-loop has it, taken step by step. */
type Loop = {
  launch: LaunchId;
  tree: ObjectId;
  state: "idle" | "asking" | "leased" | "ran" | "reported";
  turn: TurnId | null;
  answer: Lease | null;
  isWoken: boolean;
  isStopping: boolean;
};

/** A database with alice, who is up and idle: every story begins with a copy. */
async function makeTemplate() {
  const core = openCore();
  const { launch } = await addIdleAgent(core, "alice", { runtime: { driver: "process", network: "full" } });
  await core.db.write((tx) => {
    const number = addDeployment(tx, core, { agent: alice, commit: someTree, tree: someTree, approvals: [] });
    endDeployment(tx, { agent: alice, number }, "ready", null);
  });
  await core.close();
  return { core, launch };
}

let template: Awaited<ReturnType<typeof makeTemplate>>;
beforeAll(async () => {
  template = await makeTemplate();
});
afterAll(() => template.core[Symbol.asyncDispose]());

type Course = "starts" | "does not start" | "is taken back";

/** hived with alice, and a runner that the test plays; the forge has a new version of her. */
async function openStage(holdAt: number, course: Course) {
  const directory = newMemoryDirectory("hive-");
  copyFileSync(join(template.core.directory, "hive.db"), join(directory, "hive.db"));
  const core = openCore(directory);
  const newLoop = (launch: LaunchId, tree: ObjectId, isWoken: boolean): Loop => {
    return { launch, tree, state: "idle", turn: null, answer: null, isWoken, isStopping: false };
  };
  const loops = new Map([[template.launch, newLoop(template.launch, someTree, false)]]);
  const runs: TurnId[] = [];
  let happened = 0;
  let points = 0;
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  /** The rebuild is about to commit something, or to call the runner. */
  const point = async () => {
    points += 1;
    happened += 1;
    if (points !== holdAt) return;
    isHeld = true;
    await held.promise;
    isHeld = false;
  };
  const answer = (name: string, request: { launch: LaunchId; tree: ObjectId; agents: AgentName[] }): unknown => {
    happened += 1;
    const loop = loops.get(request.launch);
    if (name === "wake") for (const each of loops.values()) each.isWoken = true;
    if (name === "launch") {
      if (request.tree === newTree && course === "does not start")
        throw new Refusal("launch_failed", "It does not start.", "Mend it.");
      expect(
        [...loops.keys()].filter((launch) => launch !== request.launch),
        "alice never runs twice",
      ).toEqual([]);
      if (!loop) loops.set(request.launch, newLoop(request.launch, request.tree, true));
      return { session: "session" };
    }
    if (name !== "stopLaunch" || !loop) return name === "stopLaunch" ? { ended: true } : {};
    loop.isStopping = true;
    if (loop.turn === null) loops.delete(loop.launch);
    return { ended: loop.turn === null };
  };
  const call = async (name: string, request: unknown) => answer(name, request as Parameters<typeof answer>[1]);
  const runner = { place: () => somePlace, call } as unknown as Runner;
  const parts = {
    core: { ...core, db: { ...core.db, write: seen(core.db.write) as typeof core.db.write } },
    runner: { place: () => somePlace, call: seen(call) } as unknown as Runner,
    forge: { as: () => ({ readFiles: async () => [{ path: "agent.yaml", content: btoa(yaml), executable: false }] }) },
    forgeUrl: "http://127.0.0.1:9",
    tokens: { read: () => "t0ken" },
    ...{ sockets: { open: nothing, close: nothing }, provisionAgent: nothing, retireAgent: nothing },
    ...{ waitingApprovals: () => [], failApproval: nothing, tellDestroyed: nothing },
  } as unknown as LifecycleParts & { forge: Forge };
  /** The same, held before it is done: after what came before it, as nothing happens in between. */
  function seen<Arguments extends unknown[], Result>(act: (...args: Arguments) => Promise<Result>) {
    return async (...args: Arguments): Promise<Result> => {
      await point();
      return act(...args);
    };
  }
  const stop = new AbortController();
  const waiters = openWaiters(core, runner, stop.signal);
  core.work({
    wake: waiters.wake,
    converge: { atOnce: 1, run: () => converge(parts, alice) },
    "tell-deployment": { atOnce: 1, run: async () => undefined },
  });
  core.events.watch(() => (happened += 1), stop.signal);

  /** Resolves when nothing happens any more that the test does not do. */
  const quiet = async () => {
    for (let before = -1; before !== happened; ) {
      before = happened;
      for (let round = 0; round < 4; round += 1) await nextRound();
    }
  };
  const endLaunch = (loop: Loop) => {
    loops.delete(loop.launch);
    return core.db.write((tx) => {
      const launch = findLaunch(tx, loop.launch);
      if (launch?.ended_at === null) loseLaunch(tx, core, launch, null, () => enqueueConverge(tx, core, alice));
    });
  };
  const report = (loop: Loop, hasRun: boolean) =>
    endTurn(core, {
      ...{ boot, agent: alice, launch: loop.launch, turn: loop.turn as TurnId, session: "session", retryAt: null },
      ...{ problem: null, answeredMarks: [], outcome: hasRun ? "ok" : "lost" },
      evidence: hasRun ? proven : { outputs: 0, outputTokens: null },
    });
  const ask = async (loop: Loop): Promise<void> => {
    loop.isWoken = false;
    loop.state = "asking";
    loop.turn = newTurn();
    const request = { boot, agent: alice, launch: loop.launch, turn: loop.turn, limit: 10 };
    loop.answer = await lease(core, request).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      return null;
    });
  };
  const goOn = async (loop: Loop): Promise<void> => {
    switch (loop.state) {
      case "idle":
        if (loop.isStopping) await endLaunch(loop);
        else if (loop.isWoken) await ask(loop);
        return;
      case "asking":
        if (loop.answer && loop.answer.entries.length > 0) loop.state = "leased";
        else Object.assign(loop, { state: "idle", turn: null });
        return;
      case "leased":
        if (!loop.isStopping) runs.push(loop.turn as TurnId);
        loop.state = "ran";
        return;
      case "ran":
        await report(loop, runs.includes(loop.turn as TurnId));
        loop.state = "reported";
        return;
      case "reported":
        Object.assign(loop, { state: "idle", turn: null, isWoken: true });
    }
  };
  let isSent = false;
  return {
    core,
    loops,
    runs,
    quiet,
    /** The message is accepted; then the loop of alice takes a step. */
    async step(): Promise<void> {
      if (isSent) for (const loop of [...loops.values()]) await goOn(loop);
      else await core.db.write((tx) => notify(tx, core, { to: "alice", body: "You were changed." }));
      isSent = true;
      await quiet();
    },
    takeBack: () => core.db.write((tx) => wantVersion(tx, core, alice, { commit: someTree, tree: someTree }, [])),
    rebuild: () => core.db.write((tx) => wantVersion(tx, core, alice, { commit: newTree, tree: newTree }, [])),
    isHeld: () => isHeld,
    letGo: () => held.resolve(),
    isAt: (tree: ObjectId) => {
      const { state, running_tree, launch } = core.db.read((reader) => requireAgent(reader, alice));
      return state === "idle" && running_tree === tree && launch !== null && loops.has(launch);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await core[Symbol.asyncDispose]();
    },
  };
}

const nothing = async () => undefined;

/** Sent, asked for, heard, run, reported, idle again. */
const deliverySteps = 6;
/** How many of them are taken while the rebuild is held. */
const meanwhile = (left: number) =>
  [0, 1, 2, left].filter((steps, index, all) => steps <= left && all.indexOf(steps) === index);
const mostRounds = 60;

type Story = { before: number; during: number; holdAt: number; course: Course };

/** @returns whether the rebuild has come to where it was to be held */
async function tell({ before, during, holdAt, course }: Story): Promise<boolean> {
  await using stage = await openStage(holdAt, course);
  const { core } = stage;
  const wanted = course === "starts" ? newTree : someTree;
  for (let step = 0; step < before; step += 1) await stage.step();
  await stage.rebuild();
  await stage.quiet();
  const wasHeld = stage.isHeld();
  for (let step = 0; step < during; step += 1) await stage.step();
  if (course === "is taken back") await stage.takeBack();
  stage.letGo();
  const entries = () => core.db.read((reader) => entriesSince(reader, 1 as MessageId));
  const isOver = () => stage.isAt(wanted) && entries().every(({ state }) => state === "handled");
  for (let round = 0; round < mostRounds && !(isOver() && entries().length > 0); round += 1) {
    await stage.quiet();
    await stage.step();
    core.clock.advance(1_000);
  }
  const [entry, ...others] = entries();
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ recipient: "alice", state: "handled", failures: 0 });
  expect(stage.runs).toEqual([entry?.turn]);
  expect(core.db.read((reader) => findTurn(reader, entry?.turn as TurnId))).toMatchObject({
    outcome: "ok",
    evidence: proven,
  });
  expect(stage.isAt(wanted)).toBe(true);
  expect(stage.loops.size).toBe(1);
  return wasHeld;
}

test.each<Course>(["starts", "does not start", "is taken back"])(
  "wherever a rebuild to a version that %s meets a delivery, the turn runs, once",
  { timeout: 120_000 },
  async (course) => {
    let told = 0;
    for (let before = 0; before <= deliverySteps; before += 1)
      for (const during of meanwhile(deliverySteps - before))
        for (let holdAt = 1; ; holdAt += 1) {
          const story = { before, during, holdAt, course };
          const wasHeld = await tell(story).catch((error: unknown) => {
            throw new Error(`in the story ${JSON.stringify(story)}`, { cause: error });
          });
          told += 1;
          if (!wasHeld) break;
        }
    expect(told).toBeGreaterThan(50); // else the rebuild was never held
  },
);
