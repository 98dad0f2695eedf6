/** `kill -9` of every process in the stories of workers, from the approval to the handled report; on one hive that lives through all. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hive } from "../support/start-hive.ts";
import { begin } from "./begin.ts";
import { comesTo, kill, killAt, openEmbedded, type Victim, type When } from "./kill.ts";
import { expectStoryOnce, welcomeOf } from "./once.ts";
import { proposalOf } from "./outcome.ts";
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
    await proposals.approve(await proposed(worker));
    for (const [index, [victim]] of kills.entries())
      await killAt(hive, victim, worker, points[index] ?? Promise.reject(new Error("there is no such point")));
    await expectStoryOnce(hive, { ...tour, worker }, docs);
    expect(welcomeOf(hive, worker)).toMatchObject(welcome);
  });
}

test("hive-web is killed, and the operator approves while nobody hears of it", async () => {
  const approval = await proposed("frank");
  const { isBack } = await kill(hive, "hive-web", "frank", Promise.resolve());
  await proposals.approve(approval);
  await isBack;
  await expectStoryOnce(hive, { ...tour, worker: "frank" }, docs);
});

/** The tour proposes its worker by itself; the others are proposed like it. */
const proposed = (worker: string) =>
  worker === tour.worker ? proposalOf(hive, worker) : proposals.propose(worker, proposals.workerFiles);
