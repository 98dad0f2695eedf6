/** The story with other people in it: an operator who asks for changes, another worker, and others who approve. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { AgentName } from "../../src/contract/names.ts";
import { routes } from "../../src/contract/routes.ts";
import { client } from "../../src/rpc/client.ts";
import { type Hive, hives } from "../support/start-hive.ts";
import { anotherTour, putTour } from "./another-tour.ts";
import { begin } from "./begin.ts";
import { filesWithTokens } from "./inventory.ts";
import {
  agentsRepo,
  expectDeployed,
  expectFirstDay,
  expectThreads,
  proposalOf,
  reportOf,
  statusOf,
  verdictsOf,
} from "./outcome.ts";
import type { Proposals } from "./proposals.ts";
import { readTour, type Tour } from "./tour.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const tour = readTour();
const { manager, worker } = tour;

describe.for(hives)("on $name", ({ open }) => {
  let hive: Hive;
  let proposals: Proposals;
  let docs: string;
  beforeAll(async () => {
    hive = open();
    ({ proposals, docs } = await begin(hive, tour));
  });
  afterAll(() => hive[Symbol.asyncDispose]());

  async function expectStory(of: Tour): Promise<void> {
    await reportOf(hive, of);
    await expectFirstDay(hive, of, docs);
    await expectThreads(hive, of);
  }

  test("the operator asks for changes: the manager proposes again, with what was asked for, and the story goes on", async () => {
    const first = await proposalOf(hive, worker);
    await proposals.requestChanges(first, "Write short sentences.");
    const second = await hive.until(({ approvals }) =>
      approvals.find(
        ({ number, head, state }) => number === first.number && head !== first.head && state === "waiting",
      ),
    );
    expect(second.course.map(({ state }) => state)).toContain("changes_requested");
    await proposals.told(second, /the operator asks for changes: Write short sentences\./);
    expect(await promptAt(second.head)).toContain("Write short sentences.");
    expect(await verdictsOf(hive, second.number)).toEqual([expect.stringContaining(second.head)]);
    expect(await hive.as("operator").call("GET", `${agentsRepo}/pulls/${second.number}`)).toMatchObject({
      requested_reviewers: [{ login: "operator" }],
    });

    await proposals.approve(second);
    await expectDeployed(hive, second);
    await expectStory(tour);
  });

  async function promptAt(commit: string): Promise<string> {
    const path = `${agentsRepo}/contents/agents/${worker}/AGENTS.md?ref=${commit}`;
    const { content } = z.object({ content: z.string() }).parse(await hive.as("operator").call("GET", path));
    return Buffer.from(content, "base64").toString();
  }

  test("a worker of another name, with another text, other recipients and other work: the story is the same", async () => {
    const other = anotherTour(tour);
    const commit = await putTour(hive, other);
    await hive.until(({ agents }) => agents.some(({ name, deployment }) => name === manager && deployment === 2));
    const approval = await proposalOf(hive, other.worker);
    expect(await statusOf(hive, commit, "hive/deploy")).toMatchObject({ status: "success" });
    expect(approval.permissions).toContain(`may write to the manager, the operator, ${worker}`);

    await proposals.approve(approval);
    await expectDeployed(hive, approval);
    await expectStory(other);
  });

  test("an approval by an agent or by the forge's administrator changes nothing", async () => {
    const approval = await proposals.propose("by-others", proposals.workerFiles);
    expect(approval.state).toBe("waiting");
    await proposals.expectNoEffect(approval, () => proposals.approve(approval, { by: worker }));
    await proposals.expectNoEffect(approval, () => proposals.approve(approval, { by: "hive-admin" }));
  });

  test("the worker has all that it needs, and was told of the skill that each hive begins with", async () => {
    const admin = client(routes, "admin", hive.sockets.admin);
    const agent = AgentName.parse(worker);
    const { findings } = await admin.examineAgent({ agent });
    expect(findings.filter(({ state }) => state !== "well")).toEqual([]);
    expect((await admin.readAgentPrompt({ agent })).text).toMatch(
      /^- review-a-pull-request \(.*SKILL\.md\): How to review/m,
    );
    await admin.close();
  });

  test("after all that, nobody's token is in a log, in the database, or in what agents write", () => {
    expect(filesWithTokens(hive)).toEqual([]);
  });
});
