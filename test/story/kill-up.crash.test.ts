/** The end of the whole hive in the stories of workers, by `kill -9` and by Ctrl-C: the next start goes on, and does nothing twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../support/processes.ts";
import type { Hive } from "../support/start-hive.ts";
import { begin } from "./begin.ts";
import { comesTo, openEmbedded } from "./kill.ts";
import { expectStoryOnce, layoutOf } from "./once.ts";
import { quiet } from "./outcome.ts";
import type { Proposals } from "./proposals.ts";
import { readTour } from "./tour.ts";

const tour = readTour();
let hive: Hive;
let proposals: Proposals;
let docs: string;

beforeAll(async () => {
  hive = openEmbedded();
  ({ proposals, docs } = await begin(hive, tour));
});
afterAll(() => hive[Symbol.asyncDispose]());

test("hive up is killed between merge and deployed: the next one waits for what is left of it, and goes on", async () => {
  await deploy("grace");
  await comesTo(hive, "grace", "between merge and deployed");
  const before = processesOf(hive.directory).map(({ pid }) => pid);
  await hive.killUp();
  await hive.up();
  expect(processesOf(hive.directory).filter(({ pid }) => before.includes(pid))).toEqual([]);
  await expectStoryOnce(hive, { ...tour, worker: "grace" }, docs);
});

test("Ctrl-C in a first turn stops everything within 5 s; the next start goes on where it was", async () => {
  await deploy("heidi");
  await comesTo(hive, "heidi", "in its first turn");
  expect(await hive.stop()).toBeLessThan(5_000);
  expect(processesOf(hive.directory)).toEqual([]);
  await hive.up();
  await expectStoryOnce(hive, { ...tour, worker: "heidi" }, docs);
});

test("a start provisions, asks and tells nothing twice", async () => {
  const { agents, approvals, questions, messages, turns } = hive.now;
  const layout = await layoutOf(hive);
  await hive.stop();
  await hive.up();
  await quiet(hive);
  expect(await layoutOf(hive)).toEqual(layout);
  expect(hive.now).toMatchObject({ approvals, questions, messages, turns });
  expect(hive.now.agents.map(({ name, deployment }) => [name, deployment])).toEqual(
    agents.map(({ name, deployment }) => [name, deployment]),
  );
  for (const worker of ["grace", "heidi"]) await expectStoryOnce(hive, { ...tour, worker }, docs);
});

test("hive up is killed in a first turn: no process is left behind", async () => {
  await deploy("ivan");
  await comesTo(hive, "ivan", "in its first turn");
  await hive.killUp();
  await expect.poll(() => processesOf(hive.directory), { timeout: 15_000, interval: 100 }).toEqual([]);
});

/** Proposes a worker like the tour's, and approves it. */
const deploy = async (worker: string) => proposals.approve(await proposals.propose(worker, proposals.workerFiles));
