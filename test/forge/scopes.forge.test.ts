/** What the token of each kind of user opens: all that our code and an agent's work need, and nothing beside it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName, type EpochMs } from "../../src/contract/names.ts";
import { agentsRepo, docsRepo, questionsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { forges } from "../support/forges.ts";
import { openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { makeRepo, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const [alice, boss] = ["alice", "boss"].map((name) => AgentName.parse(name)) as [AgentName, AgentName];
const users = ["hive-bot", "operator", "alice", "boss"] as const;
const always = 0 as EpochMs;
const file = { content: "aGk=", message: "push", branch: "main" };

describe.each(forges)("on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  /** a proposal of alice's */
  let number: number;
  let head: string;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    await provisionAgent(parts, alice, "worker");
    await provisionAgent(parts, boss, "manager");
    ({ number, head } = await as("alice").propose(agentsRepo, "bob", { "agents/bob/agent.yaml": "role: worker\n" }));
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
  });

  test("an agent's token makes a repository, pushes, proposes, asks, searches, and has a webhook of its own", async () => {
    const own = parts.forge.as(alice);
    await makeRepo(as("alice"), "alice/notes", ["boss"]);
    await as("alice").propose("alice/notes", "idea", { "idea.md": "an idea\n" });
    const { number: question } = await own.createIssue(questionsRepo, { title: "Which?", body: "" });
    await as("alice").call("POST", `/repos/${questionsRepo}/issues/${question}/comments`, { body: "a word" });
    await own.closeIssue(questionsRepo, question);
    for await (const { changed } of own.changedPages(alice, always)) expect(changed.length).toBeLessThan(2);
    expect(await own.countItems(alice)).toBe(1);
    const hook = { url: "http://127.0.0.1:9/hook", secret: "a secret", events: ["push"] };
    await own.deleteHook({ kind: "user" }, await own.createHook({ kind: "user" }, hook));
    await as("alice").call("DELETE", "/repos/alice/notes");
  });

  test("a manager's token writes the docs, too", async () => {
    await as("boss").call("POST", `/repos/${docsRepo}/contents/by-boss.md`, file);
  });

  test("the operator's token reviews, answers and pushes to main", async () => {
    const review = { event: "APPROVED", body: "yes", commit_id: head };
    await as("operator").call("POST", `/repos/${agentsRepo}/pulls/${number}/reviews`, review);
    const { number: question } = await parts.forge.as(alice).createIssue(questionsRepo, { title: "Who?", body: "" });
    await as("operator").call("POST", `/repos/${questionsRepo}/issues/${question}/comments`, { body: "/answer you" });
    await parts.forge.as("operator").closeIssue(questionsRepo, question);
    await as("operator").call("POST", `/repos/${docsRepo}/contents/by-operator.md`, file);
  });

  test("the bot's token reads, marks, asks for reviews, merges and tags", async () => {
    const bot = parts.forge.as("hive-bot");
    await bot.readTree(agentsRepo, head, { recursive: true });
    await bot.listGivenReviews(agentsRepo, number);
    await bot.requestReview(agentsRepo, number, ["operator"]);
    await bot.setStatus(agentsRepo, head, { context: "hive/validate", state: "success", description: "good" });
    await bot.postComment(agentsRepo, number, "a word");
    await bot.addLabels(questionsRepo, 1, ["question"]);
    await bot.editIssue(questionsRepo, 1, { assignees: ["operator"] });
    for await (const { changed } of bot.changedPages("hive", always)) expect(changed.length).toBeGreaterThan(0);
    expect(await bot.merge(agentsRepo, number, { head, title: "Merge", message: "" })).toBe("merged");
    await bot.createTag(agentsRepo, "deployed/bob/1", head, "deployed");
    expect(await bot.listTags(agentsRepo)).toMatchObject([{ name: "deployed/bob/1" }]);
  });

  test.each(users)("the token of %s opens neither administration, organizations nor notifications", async (user) => {
    const person = { username: "mallory", email: "mallory@hive.invalid", password: "A-long-one-1" };
    const beyond: [method: string, path: string, body?: object][] = [
      ["GET", "/admin/users"],
      ["POST", "/admin/users", person],
      ["POST", "/admin/hooks", { type: "gitea", config: { url: "http://127.0.0.1:9", content_type: "json" } }],
      ["POST", "/orgs", { username: "mallory" }],
      ["GET", "/orgs/hive"],
      ["GET", "/orgs/hive/teams"],
      ["GET", "/user/orgs"],
    ];
    for (const [method, path, body] of beyond)
      expect([path, await as(user).status(method, path, body)]).toEqual([path, 403]);
    if (forge.kind === "managed") expect(await as(user).status("GET", "/notifications")).toBe(403); // embedded has none
    const more = { name: "more", scopes: ["all"] };
    expect([401, 403]).toContain(await as(user).status("POST", `/users/${user}/tokens`, more));
  });

  test.each(["hive-bot", "operator"])("the token of %s makes no repository", async (user) => {
    expect(await as(user).status("POST", "/user/repos", { name: "own" })).toBe(403);
  });

  test.each(users)("the token of %s changes no rule of main", async (user) => {
    const rule = `/repos/${agentsRepo}/branch_protections/main`;
    expect([403, 404]).toContain(await as(user).status("PATCH", rule, { required_approvals: 0 }));
    expect([403, 404]).toContain(await as(user).status("DELETE", rule));
  });
});
