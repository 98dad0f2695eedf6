/** `kill -9` of every process while the tour's first proposal, or a new version of it, is pushed; on one hive that lives through all. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hive } from "../support/start-hive.ts";
import { comesTo, killAt, openEmbedded, type Victim } from "./kill.ts";
import { proposalOf, quiet } from "./outcome.ts";
import { openProposals, type Proposals } from "./proposals.ts";
import { readTour } from "./tour.ts";

const tour = readTour();
let hive: Hive;
let proposals: Proposals;

beforeAll(() => {
  hive = openEmbedded();
  proposals = openProposals(hive, tour);
});
afterAll(() => hive[Symbol.asyncDispose]());

test("the forge is killed while the first proposal is pushed", async () => {
  const up = hive.up();
  await hive.until(({ agents }) => agents.some(({ name }) => name === tour.manager));
  await killAt(hive, "the forge", tour.manager, comesTo(hive, tour.manager, "while a proposal is pushed"));
  await up;
  await proposalOf(hive, tour.worker);
  await quiet(hive);
});

test.for<Victim>(["hived", "hive-web", "hive-runner", "its agent"])(
  "%s is killed while a new version of the proposal is pushed",
  async (victim) => {
    const approval = await proposalOf(hive, tour.worker);
    const killed = killAt(hive, victim, tour.manager, comesTo(hive, tour.manager, "while a proposal is pushed"));
    await proposals.requestChanges(approval, "As I say.");
    await killed;
    await hive.until(({ approvals }) => approvals.some((row) => row.head !== approval.head && row.state === "waiting"));
    await quiet(hive);
    expect(hive.now.approvals).toHaveLength(1);
  },
);
