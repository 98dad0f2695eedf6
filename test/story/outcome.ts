/** What an approval and the worker's first turn have brought about, as the forge and the hive have it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import type { Approval } from "../../src/contract/approval.ts";
import type { Message } from "../../src/contract/message.ts";
import type { Hive } from "../support/start-hive.ts";
import type { Tour } from "./tour.ts";

export const agentsRepo = "/repos/hive/agents";

const Status = z.object({ id: z.number(), context: z.string(), status: z.string(), description: z.string() });
const Pull = z.object({ merged: z.boolean(), merge_commit_sha: z.string(), title: z.string() });
const Commit = z.object({ sha: z.string(), parents: z.array(z.object({ sha: z.string() })) });
const Tag = z.object({ name: z.string(), commit: z.object({ sha: z.string() }) });
const Comment = z.object({ user: z.object({ login: z.string() }), body: z.string() });

/** The newest status of a commit in a context; undefined when there is none. */
export async function statusOf(hive: Hive, sha: string, context: string) {
  const answer = await hive.as("operator").call("GET", `${agentsRepo}/commits/${sha}/statuses`);
  return z
    .array(Status)
    .parse(answer)
    .sort((a, b) => b.id - a.id)
    .find((status) => status.context === context);
}

/** What the coordinator has written under a pull request. */
export async function verdictsOf(hive: Hive, number: number): Promise<string[]> {
  const answer = await hive.as("operator").call("GET", `${agentsRepo}/issues/${number}/comments`);
  return z
    .array(Comment)
    .parse(answer)
    .filter(({ user }) => user.login === "hive-bot")
    .map(({ body }) => body);
}

/** The commit of a repository's main. */
export async function mainOf(hive: Hive, repo: string): Promise<string> {
  const answer = await hive.as("operator").call("GET", `/repos/${repo}/branches/main`);
  return z.object({ commit: z.object({ id: z.string() }) }).parse(answer).commit.id;
}

/** Waits until an agent's proposal is in a state that the operator or somebody else has to end. */
export const proposalOf = (hive: Hive, agent: string, state: Approval["state"] = "waiting"): Promise<Approval> =>
  hive.until(({ approvals }) => approvals.findLast((row) => row.agent === agent && row.state === state));

/** Merged at exactly its head, tagged, with its status; the agent runs. */
export async function expectDeployed(hive: Hive, { number, head, agent }: Approval): Promise<void> {
  const operator = hive.as("operator");
  await hive.until(({ approvals }) => approvals.some((row) => row.number === number && row.state === "deployed"));
  const pull = Pull.parse(await operator.call("GET", `${agentsRepo}/pulls/${number}`));
  expect(pull.merged).toBe(true);
  const merge = Commit.parse(await operator.call("GET", `${agentsRepo}/git/commits/${pull.merge_commit_sha}`));
  expect(merge.parents.map(({ sha }) => sha)[1]).toBe(head);
  const tags = z.array(Tag).parse(await operator.call("GET", `${agentsRepo}/tags`));
  expect(tags).toContainEqual({ name: `deployed/${agent}/1`, commit: expect.objectContaining({ sha: merge.sha }) });
  expect(await statusOf(hive, head, "hive/deploy")).toMatchObject({ status: "success" });
  await hive.until(({ agents }) => agents.find(({ name, deployment }) => name === agent && deployment === 1));
}

/** What the worker has told its manager itself; that a review is asked for the hive tells in its name. */
export const isReport = (message: Message, tour: Tour): boolean =>
  message.from === tour.worker && message.to === tour.manager && !isReviewRequest(message, tour);

/** The hive's word to the reviewer that the worker asks for a review. */
export const isReviewRequest = ({ from, to, body }: Message, { worker, reviewer }: Tour): boolean =>
  from === worker && to === reviewer && body.startsWith(`${worker} asks you to review `);

/** The report of the worker's first turn, once a turn of the manager has handled it. */
export async function reportOf(hive: Hive, tour: Tour): Promise<Message> {
  const { manager } = tour;
  const report = await hive.until(({ messages }) => messages.find((message) => isReport(message, tour)));
  const entry = await hive.until(({ entries }) =>
    entries.find(({ message, state }) => message === report.id && state === "handled"),
  );
  expect(entry).toMatchObject({ recipient: manager, attempt: 1, failures: 0 });
  const turn = await hive.until(({ turns }) => turns.find(({ id, endedAt }) => id === entry.turn && endedAt !== null));
  expect(turn).toMatchObject({ agent: manager, outcome: "ok" });
  expect(turn.evidence?.outputs).toBeGreaterThan(0);
  return report;
}

/** The worker's own repository with a pull request for review, its question, and nothing that it was not allowed to do. */
export async function expectFirstDay(hive: Hive, tour: Tour, docsBefore: string): Promise<void> {
  const { worker, repo, reviewer, question } = tour;
  const own = `/repos/${worker}/${repo}`;
  expect(await hive.as(worker).call("GET", own)).toMatchObject({ owner: { login: worker } });
  expect(await hive.as(worker).call("GET", `${own}/pulls?state=all`)).toMatchObject([
    { user: { login: worker }, state: "open", requested_reviewers: [{ login: reviewer }] },
  ]);
  const asked = await hive.until(({ questions }) =>
    questions.find(({ asker, state }) => asker === worker && state === "open"),
  );
  expect(asked).toMatchObject({ ...question, target: "operator" });
  expect(await hive.as("operator").call("GET", `/repos/hive/questions/issues/${asked.number}`)).toMatchObject({
    user: { login: worker },
    assignees: [{ login: "operator" }],
    state: "open",
  });
  expect(await mainOf(hive, "org-shared/docs")).toBe(docsBefore);
  // Noted only when each of its steps has ended as its script expects: the push to the docs by a refusal.
  await hive.until(({ turns }) => turns.some(({ agent, outcome }) => agent === worker && outcome === "ok"));
  expect(memoryOf(hive, worker).rules).toContain(tour.firstRule);
}

const Memory = z.object({ rules: z.array(z.string()) });
const memoryOf = (hive: Hive, agent: string) =>
  Memory.parse(JSON.parse(readFileSync(join(hive.home, "agents", agent, "state/script-agent.json"), "utf8")));

/** The open threads that the first day leaves behind, as the worker and the manager see them. */
export async function expectThreads(hive: Hive, { worker, repo, reviewer }: Tour): Promise<void> {
  const pull = { kind: "pr", repo: `${worker}/${repo}`, state: "review_requested" };
  const question = { kind: "question", role: "asker", counterparty: "operator", owner: worker };
  const own = await hive.until(({ threads }) => {
    const rows = threads[worker]?.threads ?? [];
    return rows.length === 2 && rows.every(({ url }) => url !== null) && rows;
  });
  expect(own).toContainEqual(expect.objectContaining({ ...pull, role: "author" }));
  expect(own).toContainEqual(expect.objectContaining(question));
  const reviewers = hive.now.threads[reviewer]?.threads;
  expect(reviewers).toContainEqual(expect.objectContaining({ ...pull, role: "reviewer" }));
}

/** Nothing runs and nothing waits to be run. */
export const quiet = (hive: Hive) =>
  hive.until(
    ({ agents, entries, questions, troubles }) =>
      agents.every(({ state }) => state === "idle") &&
      entries.every(({ state, recipient }) => state === "handled" || recipient === "operator") &&
      questions.every(({ number }) => number !== null) &&
      troubles.length === 0,
  );
