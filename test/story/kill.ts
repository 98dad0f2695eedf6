/** `kill -9` of one process of a hive at a point of the story, and its return. */
import { once } from "node:events";
import { watch } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import type { HiveState } from "../../src/contract/fold.ts";
import { processesOf } from "../support/processes.ts";
import { type Hive, hives } from "../support/start-hive.ts";

/** On the embedded forge: some of the points below are seen in its repositories. */
export function openEmbedded(): Hive {
  const [embedded] = hives;
  if (embedded?.name !== "the embedded forge") throw new Error("there is no embedded forge");
  return embedded.open();
}

export type Victim = "hived" | "hive-web" | "hive-runner" | "the forge" | "its agent";

/** Resolves in the tick of the event that brings an agent's story there. To be called before it can come. */
type Point = (hive: Hive, agent: string) => Promise<unknown>;

const reached =
  (isThere: (state: HiveState, agent: string) => boolean): Point =>
  (hive, agent) =>
    hive.until((state) => isThere(state, agent));

const entered = (wanted: HiveState["approvals"][number]["state"]) =>
  reached(({ approvals }, name) =>
    approvals.some(({ agent, course }) => agent === name && course.some(({ state }) => state === wanted)),
  );

/** git makes a file or directory in the embedded forge's repository hive/agents. */
const touched =
  (directory: string, name: RegExp): Point =>
  async (hive) => {
    const agents = await hive.as("operator").call("GET", "/repos/hive/agents");
    const { id } = z.object({ id: z.number() }).parse(agents);
    const { promise, resolve } = Promise.withResolvers<void>();
    const watched = watch(join(hive.home, `forge/repos/${id}.git`, directory), (_, made) => {
      if (made !== null && name.test(made)) resolve();
    });
    await soon(hive, promise).finally(() => watched.close());
  };

const points = {
  // git keeps the new objects apart until the forge has allowed the push
  "while a proposal is pushed": touched("objects", /^tmp_objdir/),
  "when the operator has approved, before the merge": entered("preparing"),
  // the merge is made and its intent stored; git is about to move the branch
  "while it is merged": touched("refs/heads", /^main\.lock$/),
  "between merge and deployed": entered("converging"),
  "in its first turn": reached(({ turns }, name) => turns.some(({ agent }) => agent === name)),
  "while its question is posted": reached(({ questions }, name) => questions.some(({ asker }) => asker === name)),
} satisfies Record<string, Point>;
export type When = keyof typeof points;

export const comesTo = (hive: Hive, agent: string, when: When): Promise<unknown> => points[when](hive, agent);

/** Kills a process at a point, and resolves when the hive has started it again by itself. */
export async function killAt(hive: Hive, victim: Victim, agent: string, point: Promise<unknown>): Promise<void> {
  await (await kill(hive, victim, agent, point)).isBack;
}

/** The same; resolves when it is killed. */
export async function kill(
  hive: Hive,
  victim: Victim,
  agent: string,
  point: Promise<unknown>,
): Promise<{ isBack: Promise<unknown> }> {
  if (victim === "its agent") return killAgent(hive, agent, point);
  const name = victim === "the forge" ? "forge" : victim;
  const find = async () => (await hive.processes()).find((row) => row.name === name);
  const { pid, restarts } = (await find()) ?? {};
  if (!pid || restarts === undefined) throw new Error(`${victim} has no process`);
  await point;
  process.kill(pid, "SIGKILL");
  const back = { health: "ready", restarts: restarts + 1, problem: null };
  return { isBack: expect.poll(find, { timeout: patienceMs, interval: 20 }).toMatchObject(back) };
}

async function killAgent(hive: Hive, agent: string, point: Promise<unknown>): Promise<{ isBack: Promise<unknown> }> {
  await point;
  const row = () => hive.now.agents.find(({ name }) => name === agent);
  const before = row()?.launch;
  const found = processesOf(hive.directory).find(
    ({ argv, env }) => argv[1]?.endsWith("script-agent/main.ts") && env["HIVE_AGENT"] === agent,
  );
  if (!found || !before) throw new Error(`${agent} has no process`);
  process.kill(found.pid, "SIGKILL");
  return { isBack: hive.until(() => row()?.launch && row()?.launch !== before && row()?.state !== "converging") };
}

const patienceMs = 60_000;

/** What is awaited, or a report of why it may not have come. */
async function soon(hive: Hive, awaited: Promise<unknown>): Promise<void> {
  const late = AbortSignal.timeout(patienceMs);
  const missed = once(late, "abort").then(() => {
    throw new Error(`the story has not come to where it is to be cut off:\n${hive.report()}`);
  });
  await Promise.race([awaited, missed]);
}
