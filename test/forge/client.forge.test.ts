import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName, type EpochMs, ObjectId } from "../../src/contract/names.ts";
import type { ForgeVerbs } from "../../src/hived/forge/client.ts";
import { ForgeRefusal, ForgeUnavailable } from "../../src/hived/forge/errors.ts";
import { agentsRepo, docsRepo, questionsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import { updateDocs } from "../../src/hived/lifecycle/update-docs.ts";
import { openDocs } from "../../src/hived/mcp/docs.ts";
import { forges } from "../support/forges.ts";
import { openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const alice = AgentName.parse("alice");
const files = (name: string, text = name) => ({
  [`agents/${name}/agent.yaml`]: text,
  [`agents/${name}/AGENTS.md`]: text,
});

describe.each(forges)("the client and $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  let bot: ForgeVerbs;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  const review = (number: number, event: string, head: string, body = "") =>
    as("operator").call("POST", `/repos/${agentsRepo}/pulls/${number}/reviews`, { event, body, commit_id: head });

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    await provisionAgent(parts, alice, "worker");
    bot = parts.forge.as("hive-bot");
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
  });

  test("reads branches, trees and files of a proposed head", async () => {
    const { head } = await as("alice").propose(agentsRepo, "reading", files("reader", "ä\n"));
    expect(await bot.readBranch(agentsRepo, "main")).toEqual({ commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect(await bot.readBranch(agentsRepo, "absent/branch")).toBeNull();
    const tree = await bot.readTree(agentsRepo, head, { recursive: true });
    const yaml = tree.find(({ path }) => path === "agents/reader/agent.yaml");
    expect(yaml).toMatchObject({ type: "blob", mode: "100644", size: 3 });
    expect((await bot.readBlob(agentsRepo, yaml?.sha ?? "")).toString()).toBe("ä\n");
    expect((await bot.readFile(agentsRepo, head, "agents/reader/agent.yaml"))?.toString()).toBe("ä\n");
    expect(await bot.readFile(agentsRepo, head, "agents/reader/none")).toBeNull();
    const directory = await bot.readDirectoryTree(agentsRepo, head, "agents/reader");
    expect(directory).toBe(tree.find(({ path }) => path === "agents/reader")?.sha);
    expect(await bot.readDirectoryTree(agentsRepo, "main", "agents/reader")).toBeNull();
    const content = Buffer.from("ä\n").toString("base64");
    expect(await bot.readFiles(agentsRepo, head, "agents/reader")).toEqual([
      { path: "AGENTS.md", content, executable: false },
      { path: "agent.yaml", content, executable: false },
    ]);
    await expect(bot.readTree(agentsRepo, "0".repeat(40))).rejects.toBeInstanceOf(ForgeRefusal);
  });

  test("docs of over 40 MiB leave /docs as it is, and say what to do; a large file of smaller ones is whole in it", async () => {
    const operator = as("operator");
    const pushDocs = async (topic: string, count: number) => {
      const large = Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}.txt`, "x".repeat(11 << 20)]));
      const { number } = await operator.propose(docsRepo, topic, large);
      await operator.call("POST", `/repos/${docsRepo}/pulls/${number}/merge`, { Do: "merge" });
    };
    const sent: { path: string; content: string }[][] = [];
    const runner = { call: async (_: string, { files }: { files: (typeof sent)[number] }) => sent.push(files) };
    const update = () => updateDocs({ forge: parts.forge, runner } as unknown as LifecycleParts, openDocs());
    await pushDocs("one", 1);
    await update();
    const size = Buffer.byteLength(sent[0]?.find(({ path }) => path === "0.txt")?.content ?? "", "base64");
    expect(size).toBe(11 << 20);
    await pushDocs("four", 4);
    await expect(update()).rejects.toMatchObject({
      code: "too_large",
      message: "org-shared/docs has 45 MiB of files, more than the 40 MiB that agents can be given.",
    });
    expect(sent).toHaveLength(1);
  });

  test("reads a pull request, and who is asked for a review", async () => {
    const { number, head } = await as("alice").propose(agentsRepo, "asked", files("asked"));
    expect(await bot.readPull(agentsRepo, number)).toMatchObject({
      number,
      head,
      base: "main",
      author: "alice",
      state: "open",
      mergeBase: (await bot.readBranch(agentsRepo, "main"))?.commit,
      mergeCommit: null,
      reviewers: [],
      title: "Propose asked",
      url: `${forge.url}/${agentsRepo}/pulls/${number}`,
    });
    await bot.requestReview(agentsRepo, number, ["operator"]);
    expect((await bot.readPull(agentsRepo, number))?.reviewers).toEqual(["operator"]);
    expect(await bot.listReviews(agentsRepo, number)).toMatchObject([
      { user: "operator", state: "REQUEST_REVIEW", commitId: "" },
    ]);
    expect((await bot.listPulls(agentsRepo, { state: "open" })).map((pull) => pull.number)).toContain(number);
    expect(await bot.readPull(agentsRepo, 9999)).toBeNull();
  });

  test("asks nobody again who has spoken on the head, which would take the approval back", async () => {
    const { number, head } = await as("alice").propose(agentsRepo, "spoken", files("spoken"));
    await review(number, "APPROVED", head);
    await bot.requestReview(agentsRepo, number, ["operator"]);
    expect(await bot.listReviews(agentsRepo, number)).toMatchObject([
      { user: "operator", state: "APPROVED", official: true, dismissed: false, commitId: head },
    ]);
  });

  test("merges exactly an approved head, and says why it does not", async () => {
    const { number, head } = await as("alice").propose(agentsRepo, "merged", files("merged"));
    const wanted = { head, title: `Merge #${number}`, message: "approved" };
    expect(await bot.merge(agentsRepo, number, wanted)).toEqual({ refused: expect.stringMatching(/approv/i) });
    await review(number, "APPROVED", head);
    expect(await bot.merge(agentsRepo, number, { ...wanted, head: "0".repeat(40) })).toBe("head_moved");
    expect(await bot.merge(agentsRepo, number, wanted)).toBe("merged");
    const after = await bot.readPull(agentsRepo, number);
    expect(after).toMatchObject({ state: "merged", head, mergeCommit: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect((await bot.readBranch(agentsRepo, "main"))?.commit).toBe(after?.mergeCommit);
    expect(await bot.merge(agentsRepo, number, wanted)).toEqual({ refused: expect.any(String) });
  });

  test("tags a commit once, however often it is asked", async () => {
    const main = (await bot.readBranch(agentsRepo, "main"))?.commit ?? "";
    await bot.createTag(agentsRepo, "deployed/alice/1", main, "alice runs");
    await bot.createTag(agentsRepo, "deployed/alice/1", main, "alice runs");
    expect(await bot.listTags(agentsRepo)).toEqual([{ name: "deployed/alice/1", commit: main }]);
    const { head } = await as("alice").propose(agentsRepo, "tagged", files("tagged"));
    await expect(bot.createTag(agentsRepo, "deployed/alice/1", head, "no")).rejects.toMatchObject({ status: 409 });
  });

  test("sets statuses, and lists the newest first", async () => {
    const { head } = await as("alice").propose(agentsRepo, "status", files("status"));
    const context = "hive/validate";
    await bot.setStatus(agentsRepo, head, { context, state: "failure", description: "wrong" });
    await bot.setStatus(agentsRepo, head, { context, state: "success", description: "right" });
    expect(await bot.listStatuses(agentsRepo, head)).toEqual([
      { context, state: "success", description: "right" },
      { context, state: "failure", description: "wrong" },
    ]);
  });

  test("makes, assigns, labels, comments and closes an issue", async () => {
    const { number } = await parts.forge.as(alice).createIssue(questionsRepo, { title: "A question", body: "body" });
    await bot.editIssue(questionsRepo, number, { assignees: ["operator"] });
    await bot.addLabels(questionsRepo, number, ["question", "no such label"]);
    await bot.postComment(questionsRepo, number, "a comment");
    await bot.closeIssue(questionsRepo, number);
    expect(await bot.readIssue(questionsRepo, number)).toMatchObject({
      kind: "issue",
      author: "alice",
      state: "closed",
      assignees: ["operator"],
    });
    expect(await bot.listComments(questionsRepo, number)).toMatchObject([{ user: "hive-bot", body: "a comment" }]);
    const changedSince = async (since: number) => {
      const all = [];
      for await (const { changed } of bot.changedPages("hive", since as EpochMs)) all.push(...changed);
      return all;
    };
    const changed = await changedSince(0);
    expect(await bot.countItems("hive")).toBe(changed.length);
    expect(await bot.countItemsOf(questionsRepo)).toBe(changed.filter(({ repo }) => repo === questionsRepo).length);
    expect(await bot.countItemsOf("hive/nothing")).toBeNull();
    expect(changed).toContainEqual({ repo: questionsRepo, number, updatedAt: expect.any(Number) });
    const newest = Math.max(...changed.map(({ updatedAt }) => updatedAt));
    expect(await changedSince(newest + 1000)).toEqual([]);
  });

  test("reads a list to its end, however many pages it has", async () => {
    const names = Array.from({ length: 55 }, (_, index) => `label-${index}`);
    for (const name of names) await bot.createLabel(agentsRepo, { name, color: "00ff00", description: "" });
    expect((await bot.listLabels(agentsRepo)).map(({ name }) => name).sort()).toEqual(names.sort());
  });

  test("faults while the forge is killed, and goes on when it is back", async () => {
    const before = await bot.readBranch(agentsRepo, "main");
    await forge.kill();
    await expect(bot.readBranch(agentsRepo, "main")).rejects.toBeInstanceOf(ForgeUnavailable);
    expect(parts.health.read().problem).toBeNull();
    await core.event("ForgeChanged", ({ fact }) => fact.forge.problem?.includes("does not answer") ?? false);
    await forge.start();
    expect(await bot.readBranch(agentsRepo, "main")).toEqual(before);
    expect(ObjectId.parse(before?.commit)).toBe(before?.commit);
  });
});
