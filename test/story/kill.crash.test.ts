/**
 * `kill -9` of every process at points of the story, on one hive that has to live through all of it: the tour's first
 * proposal and its new versions, then one worker after the other from its approval to its handled report.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../support/processes.ts";
import { type Hive, hives } from "../support/start-hive.ts";
import { comesTo, kill, killAt, type Victim, type When } from "./kill.ts";
import { expectStoryOnce, layoutOf, welcomeOf } from "./once.ts";
import { mainOf, proposalOf, quiet } from "./outcome.ts";
import { readTour } from "./tour.ts";

const tour = readTour();
let hive: Hive;
let docs: string;

beforeAll(() => {
  const [embedded] = hives;
  if (!embedded) throw new Error("there is no embedded forge");
  hive = embedded.open();
});
afterAll(() => hive[Symbol.asyncDispose]());

test("the forge is killed while the first proposal is pushed", async () => {
  const up = hive.up();
  await hive.until(({ agents }) => agents.some(({ name }) => name === tour.manager));
  await killAt(hive, "the forge", tour.manager, comesTo(hive, tour.manager, "while a proposal is pushed"));
  await up;
  docs = await mainOf(hive, "org-shared/docs");
  await proposalOf(hive, tour.worker);
  await quiet(hive);
});

test.for<Victim>(["hived", "hive-web", "hive-runner", "its agent"])(
  "%s is killed while a new version of the proposal is pushed",
  async (victim) => {
    const { number, head } = await proposalOf(hive, tour.worker);
    const killed = killAt(hive, victim, tour.manager, comesTo(hive, tour.manager, "while a proposal is pushed"));
    await review(number, head, "REQUEST_CHANGES");
    await killed;
    await hive.until(({ approvals }) => approvals.some((row) => row.head !== head && row.state === "waiting"));
    await quiet(hive);
    expect(hive.now.approvals).toHaveLength(1);
  },
);

/** What the kills cost the message that wakes the worker: a turn survives hived and the forge, and only a crash counts. */
const unharmed = { attempt: 1, failures: 0 };
const released = { attempt: 2, failures: 0 };
const crashed = { attempt: 2, failures: 1 };

const stories: { worker: string; kills: [Victim, When][]; welcome: typeof unharmed }[] = [
  {
    worker: tour.worker,
    kills: [
      ["hived", "when the operator has approved, before the merge"],
      ["its agent", "in its first turn"],
    ],
    welcome: crashed,
  },
  {
    worker: "bob",
    kills: [
      ["the forge", "while it is merged"],
      ["hive-runner", "in its first turn"],
    ],
    welcome: released,
  },
  {
    worker: "carol",
    kills: [
      ["hive-runner", "between merge and deployed"],
      ["hived", "in its first turn"],
    ],
    welcome: unharmed,
  },
  {
    worker: "dave",
    kills: [
      ["hived", "between merge and deployed"],
      ["the forge", "in its first turn"],
    ],
    welcome: unharmed,
  },
  {
    worker: "erin",
    kills: [
      ["the forge", "when the operator has approved, before the merge"],
      ["hived", "while its question is posted"],
    ],
    welcome: unharmed,
  },
];

for (const { worker, kills, welcome } of stories) {
  const what = kills.map(([victim, when]) => `${victim} ${when}`).join(", and ");
  test(`killed in ${worker}'s story: ${what}`, async () => {
    const points = kills.map(([, when]) => comesTo(hive, worker, when));
    await approve(worker);
    for (const [index, [victim]] of kills.entries())
      await killAt(hive, victim, worker, points[index] ?? Promise.reject(new Error("there is no such point")));
    await expectStoryOnce(hive, { ...tour, worker }, docs);
    expect(welcomeOf(hive, worker)).toMatchObject(welcome);
  });
}

test("hive-web is killed, and the operator approves while nobody hears of it", async () => {
  await propose("frank");
  const { number, head } = await proposalOf(hive, "frank");
  const { isBack } = await kill(hive, "hive-web", "frank", Promise.resolve());
  await review(number, head, "APPROVED");
  await isBack;
  await expectStoryOnce(hive, { ...tour, worker: "frank" }, docs);
});

test("hive up is killed between merge and deployed: the next one waits for what is left of it, and goes on", async () => {
  await approve("grace");
  await comesTo(hive, "grace", "between merge and deployed");
  const before = processesOf(hive.directory).map(({ pid }) => pid);
  await hive.killUp();
  await hive.up();
  expect(processesOf(hive.directory).filter(({ pid }) => before.includes(pid))).toEqual([]);
  await expectStoryOnce(hive, { ...tour, worker: "grace" }, docs);
});

test("Ctrl-C in a first turn stops everything within 5 s; the next start goes on where it was", async () => {
  await approve("heidi");
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
  for (const { worker } of stories) await expectStoryOnce(hive, { ...tour, worker }, docs);
});

test("hive up is killed in a first turn: no process is left behind", async () => {
  await approve("ivan");
  await comesTo(hive, "ivan", "in its first turn");
  await hive.killUp();
  await expect.poll(() => processesOf(hive.directory), { timeout: 15_000, interval: 100 }).toEqual([]);
});

/** Approves a worker like the tour's, which is proposed for it unless the tour has done so. */
async function approve(worker: string): Promise<void> {
  if (worker !== tour.worker) await propose(worker);
  const { number, head } = await proposalOf(hive, worker);
  await review(number, head, "APPROVED");
}

const review = (number: number, head: string, event: "APPROVED" | "REQUEST_CHANGES") =>
  hive
    .as("operator")
    .call("POST", `/repos/hive/agents/pulls/${number}/reviews`, { event, commit_id: head, body: "As I say." });

const propose = (worker: string) => {
  const files = Object.entries(tour.files).filter(([path]) => path.startsWith("worker/"));
  const own = files.map(([path, content]) => [path.replace("worker", `agents/${worker}`), content]);
  return hive.as(tour.manager).propose("hive/agents", `agent-${worker}`, Object.fromEntries(own));
};
