/** That a story has ended right after whatever was killed in it: nothing lost, nothing twice, nothing left waiting. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import type { Approval } from "../../src/contract/approval.ts";
import type { InboxEntry } from "../../src/contract/message.ts";
import type { Hive } from "../support/start-hive.ts";
import {
  expectDeployed,
  expectFirstDay,
  expectThreads,
  isReport,
  isReviewRequest,
  mainOf,
  quiet,
  verdictsOf,
} from "./outcome.ts";
import type { Tour } from "./tour.ts";

const agentsRepo = "/repos/hive/agents";

/** The whole way of one worker, from its one pull request to its handled report. */
export async function expectStoryOnce(hive: Hive, tour: Tour, docs: string): Promise<void> {
  for (const isOne of [isReport, isReviewRequest])
    await hive.until(({ messages }) => messages.some((message) => isOne(message, tour)));
  await quiet(hive);
  const approval = expectOneApproval(hive, tour.worker);
  await expectDeployed(hive, approval);
  await expectFirstDay(hive, tour, docs);
  await expectThreads(hive, tour);
  await expectForgeOnce(hive, approval);
  await expectAskedOnce(hive, tour.worker);
  expectMessagesOnce(hive, approval, tour);
  expectTurnsEnded(hive);
}

function expectOneApproval(hive: Hive, worker: string): Approval {
  const [approval, ...others] = hive.now.approvals.filter(({ agent }) => agent === worker);
  expect(others).toEqual([]);
  if (!approval) throw new Error(`nobody has proposed ${worker}`);
  return approval;
}

const Pulls = z.array(z.object({ number: z.number() }));
const Statuses = z.array(z.object({ context: z.string(), status: z.string() }));
const Reviews = z.array(z.object({ user: z.object({ login: z.string() }), state: z.string() }));
const Tags = z.array(z.object({ name: z.string() }));

/** Each of the coordinator's effects is there, and there is one of it. */
async function expectForgeOnce(hive: Hive, { number, head, agent }: Approval): Promise<void> {
  const operator = hive.as("operator");
  const pulls = Pulls.parse(await operator.call("GET", `${agentsRepo}/pulls?state=all&limit=50`));
  expect(pulls.map((pull) => pull.number).sort()).toEqual(hive.now.approvals.map((row) => row.number).sort());

  expect(await verdictsOf(hive, number)).toEqual([expect.stringContaining(head)]);

  const statuses = Statuses.parse(await operator.call("GET", `${agentsRepo}/commits/${head}/statuses`));
  expect(statuses.map(({ context, status }) => `${context} ${status}`).sort()).toEqual([
    "hive/deploy pending",
    "hive/deploy success",
    "hive/validate success",
  ]);
  const reviews = Reviews.parse(await operator.call("GET", `${agentsRepo}/pulls/${number}/reviews`));
  expect(reviews.filter(({ state }) => state === "APPROVED")).toEqual([
    { user: { login: "operator" }, state: "APPROVED" },
  ]);
  const tags = Tags.parse(await operator.call("GET", `${agentsRepo}/tags?limit=50`));
  expect(tags.map(({ name }) => name).filter((name) => name.startsWith(`deployed/${agent}/`))).toEqual([
    `deployed/${agent}/1`,
  ]);
}

const Issues = z.array(z.object({ number: z.number(), user: z.object({ login: z.string() }) }));

async function expectAskedOnce(hive: Hive, worker: string): Promise<void> {
  const [question, ...others] = hive.now.questions.filter(({ asker }) => asker === worker);
  expect(others).toEqual([]);
  const issues = Issues.parse(await hive.as("operator").call("GET", "/repos/hive/questions/issues?state=all&limit=50"));
  expect(issues.filter(({ user }) => user.login === worker)).toEqual([
    { number: question?.number, user: { login: worker } },
  ]);
}

function expectMessagesOnce(hive: Hive, { number, submitter }: Approval, tour: Tour): void {
  const { messages, entries } = hive.now;
  const told = (to: string, words: RegExp) =>
    messages.filter((message) => message.to === to && words.test(message.body));
  const { worker } = tour;
  expect(told(worker, /^Welcome/)).toHaveLength(1);
  expect(told(submitter, new RegExp(`^Your proposal #${number} .*it was approved`))).toHaveLength(1);
  expect(messages.filter((message) => isReport(message, tour))).toHaveLength(1);
  expect(messages.filter((message) => isReviewRequest(message, tour))).toHaveLength(1);
  const reached = entries.map(({ message, recipient }) => `${message} ${recipient}`);
  expect(reached).toEqual([...new Set(reached)]);
  expect(new Set(entries.map(({ message }) => message))).toEqual(new Set(messages.map(({ id }) => id)));
}

/** The entry of the message that woke a worker for the first time. */
export function welcomeOf({ now: { messages, entries } }: Hive, worker: string): InboxEntry | undefined {
  const welcome = messages.find(({ to, body }) => to === worker && body.startsWith("Welcome"));
  return entries.find(({ message }) => message === welcome?.id);
}

/** Each has its end, and each handled message a turn that ended well and in which the agent ran. */
function expectTurnsEnded({ now: { turns, entries } }: Hive): void {
  expect(turns.filter(({ endedAt, outcome }) => endedAt === null || outcome === null)).toEqual([]);
  for (const entry of entries.filter(({ state }) => state === "handled")) {
    const turn = turns.find(({ id }) => id === entry.turn);
    expect(turn).toMatchObject({ agent: entry.recipient, outcome: "ok" });
    expect(turn?.evidence?.outputs).toBeGreaterThan(0);
  }
}

const Ids = z.array(z.object({ id: z.number() }));

/** What provisioning has made on the forge, each thing by its id, and every token. */
export async function layoutOf(hive: Hive): Promise<Record<string, unknown>> {
  const made = [
    "/admin/users",
    "/admin/hooks",
    "/orgs/hive/hooks",
    "/orgs/hive/teams",
    "/orgs/org-shared/hooks",
    "/orgs/org-shared/teams",
    "/orgs/hive/repos",
    "/orgs/org-shared/repos",
    `${agentsRepo}/labels`,
    "/repos/hive/questions/labels",
  ];
  const admin = hive.as("hive-admin");
  const ids = made.map(async (path) => [path, Ids.parse(await admin.call("GET", `${path}?limit=50`))]);
  const secrets = join(hive.home, "hived/secrets");
  const files = readdirSync(secrets, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return {
    ...Object.fromEntries(await Promise.all(ids)),
    main: await mainOf(hive, "hive/agents"),
    rule: await admin.call("GET", `${agentsRepo}/branch_protections`),
    secrets: files.map(({ name, parentPath }) => [name, readFileSync(join(parentPath, name), "utf8")]),
  };
}
