import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { newestMessages } from "../../src/hived/broker/messages.ts";
import { endRest, restingPairs } from "../../src/hived/broker/pairs.ts";
import { sendIn } from "../../src/hived/broker/send.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { ringItem } from "../../src/hived/forge/refresh.ts";
import { reconcile } from "../../src/hived/intake/reconcile.ts";
import { beginTelling } from "../../src/hived/pulls/places.ts";
import { openThreads } from "../../src/hived/threads/open-threads.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { forgeWork, type Provisioned, partsFor } from "../support/provisioned.ts";
import { makeRepo, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => AgentName.parse(name)) as [
  AgentName,
  AgentName,
  AgentName,
];
describe.each(forges)("what happens to pull requests on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  let repo = "alice/notes";
  let number: number;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  const pull = (path = "") => `/repos/${repo}/pulls/${number}${path}`;
  const say = (user: string, body: string) =>
    as(user).call("POST", `/repos/${repo}/issues/${number}/comments`, { body });
  const review = (user: string, event: string, body: string, comments: object[] = []) =>
    as(user).call("POST", pull("/reviews"), { event, body, comments });
  const setState = (user: string, state: string) =>
    as(user).call("PATCH", `/repos/${repo}/issues/${number}`, { state });
  const ask = (reviewer: string) => as("alice").call("POST", pull("/requested_reviewers"), { reviewers: [reviewer] });

  /** Rings, and does all that this brings about. @returns the letters since the last call, with what is in brackets left out */
  async function told(): Promise<string[]> {
    await core.db.write((tx) => ringItem(tx, core, repo, number));
    const due = "SELECT 1 FROM work WHERE state = 'pending' AND due_at <= :now";
    while (core.db.read((reader) => reader.get(due, { now: core.clock.now() })))
      await new Promise((resolve) => setImmediate(resolve));
    const all = core.db.read((reader) => newestMessages(reader, 1000)).filter(({ id }) => id > seen);
    seen = all.at(-1)?.id ?? seen;
    return all.map(({ from, to, body }) => `${from} > ${to}: ${body.replace(/ \(“.*\)/, "")}`);
  }
  let seen = 0;

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    for (const name of [alice, bob, carol]) {
      await addIdleAgent(core, name, { recipients: name === alice ? [bob] : [] });
      await provisionAgent(parts, name, "worker");
    }
    await makeRepo(as("alice"), repo, ["bob", "carol", "operator"]);
    core.work({ ...forgeWork(parts), "end-pair-rest": { atOnce: 1, run: (key) => endRest(core, key) } });
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("who is asked for a review is told by whom, and of what", async () => {
    ({ number } = await as("alice").propose(repo, "topic", { "a.md": "one\ntwo\n" }));
    await ask("bob");
    expect(await told()).toEqual(["alice > bob: alice asks you to review alice's pull request #1 of alice/notes."]);
    const [letter] = core.db.read((reader) => newestMessages(reader, 1));
    expect(letter?.body).toContain(`(“Propose topic”, ${forge.url}/alice/notes/pulls/1)`);
  });

  test("an author is told what a review says, of all and line by line, once however often it rings", async () => {
    const lines = [
      { path: "a.md", body: "a capital", new_position: 2, old_position: 0 },
      { path: "a.md", body: "which one?", new_position: 1, old_position: 0 },
    ];
    await review("bob", "REQUEST_CHANGES", "Not yet.", lines);
    expect(await told()).toEqual([
      "bob > alice: bob asked for changes in your pull request #1 of alice/notes:\n\nNot yet.\n\n- a.md, line 1: which one?\n- a.md, line 2: a capital",
    ]);
    expect(await told()).toEqual([]);
  });

  test("an answer to what was said of a line reaches who has spoken there, and nobody twice", async () => {
    const [given] = (await as("bob").call("GET", pull("/reviews"))) as { id: number }[];
    const comments = pull(`/reviews/${given?.id}/comments`);
    const answer = (user: string, body: string) =>
      as(user).call("POST", comments, { path: "a.md", body, new_position: 2 });
    await answer("alice", "Which capital?");
    await answer("bob", "T.");
    expect(await told()).toEqual([
      "alice > bob: alice wrote about a.md, line 2, in alice's pull request #1 of alice/notes:\n\nWhich capital?",
      "bob > alice: bob wrote about a.md, line 2, in your pull request #1 of alice/notes:\n\nT.",
    ]);
    expect(await told()).toEqual([]);
    await answer("operator", "Let it be.");
    await review("bob", "COMMENT", "Well.", [{ path: "a.md", body: "as here", new_position: 1, old_position: 0 }]);
    await say("alice", "so?");
    expect(await told()).toEqual([
      "operator > alice: operator wrote about a.md, line 2, in your pull request #1 of alice/notes:\n\nLet it be.",
      "operator > bob: operator wrote about a.md, line 2, in alice's pull request #1 of alice/notes:\n\nLet it be.",
      "bob > alice: bob commented on your pull request #1 of alice/notes:\n\nWell.\n\n- a.md, line 1: as here",
      "alice > bob: alice wrote under alice's pull request #1 of alice/notes:\n\nso?",
    ]);
  });

  test("comments reach author and reviewers, each but their own; a stranger's whom it may write to, and the author", async () => {
    await say("alice", "why?");
    await say("carol", "me, too");
    await say("bob", "because");
    await say("hive-bot", "I am no one").catch(() => undefined); // who may not even read it
    expect(await told()).toEqual([
      "alice > bob: alice wrote under alice's pull request #1 of alice/notes:\n\nwhy?",
      "carol > alice: carol wrote under your pull request #1 of alice/notes:\n\nme, too",
      "bob > alice: bob wrote under your pull request #1 of alice/notes:\n\nbecause",
    ]);
  });

  test("a request that was taken back before anybody looked is told nobody", async () => {
    await ask("carol");
    await as("alice").call("DELETE", pull("/requested_reviewers"), { reviewers: ["carol"] });
    expect(await told()).toEqual([]);
  });

  test("whom an agent may not write to it does not reach by asking for a review either, but an answer always comes back", async () => {
    await ask("carol");
    const refused = expect.stringMatching(
      /^system > alice: carol is not told that you ask for a review of \S+\/pulls\/1: alice may not write to carol\. Ask the manager, or propose/,
    );
    expect(await told()).toEqual([refused]);
    expect(await told()).toEqual([]);
    await review("carol", "APPROVED", "");
    expect(await told()).toEqual(["carol > alice: carol approved your pull request #1 of alice/notes."]);
  });

  test("whom the forge shows it no more is told nothing of it, and owes no review", async () => {
    const owed = () => core.db.read((reader) => openThreads(reader, carol).threads.map(({ id }) => id));
    const answers = () => as("alice").call("PUT", `/repos/${repo}/collaborators/carol`, { permission: "read" });
    await ask("carol");
    await told();
    expect(owed()).toEqual([number]);
    await as("alice").call("DELETE", `/repos/${repo}/collaborators/carol`);
    await say("operator", "The secret is 42.");
    expect((await told()).map((line) => line.split(":")[0])).toEqual(["operator > alice", "operator > bob"]);
    expect(owed()).toEqual([]);
    await answers();
    await as("alice").call("DELETE", pull("/requested_reviewers"), { reviewers: ["carol"] });
    expect(await told()).toEqual([]);
  });

  test("two agents in a loop rest here, too, and what was said meanwhile comes when they may again", async () => {
    await core.db.write((tx) => {
      while (restingPairs(tx).length === 0) sendIn(tx, core, { from: alice, to: bob, body: "again" });
    });
    await told();
    await say("bob", "held");
    await say("operator", "after it");
    expect(await told()).toEqual([]);
    core.clock.advance(60 * 60_000);
    expect((await told()).filter((line) => !line.startsWith("system"))).toEqual([
      "bob > alice: bob wrote under your pull request #1 of alice/notes:\n\nheld",
      "operator > alice: operator wrote under your pull request #1 of alice/notes:\n\nafter it",
      expect.stringMatching(/^operator > carol/),
      expect.stringMatching(/^operator > bob/),
    ]);
  });

  test("of more than twenty things at once each hears the newest, and how many earlier ones are left out", async () => {
    for (const word of ["first", "second"]) await say("bob", word);
    for (let n = 1; n <= 20; n += 1) await say("operator", `${n}`);
    const lines = await told();
    const to = (user: string) => lines.filter((line) => line.includes(` > ${user}: `));
    expect([to("alice").length, to("bob").length]).toEqual([20, 20]);
    expect(to("alice")[0]).toMatch(/: \(2 earlier things are not repeated here\.\)\n\noperator wrote .*:\n\n1$/);
    expect(to("bob")[0]).toMatch(/: operator wrote .*:\n\n1$/);
  });

  test("an author hears that it was closed, reopened and merged by others, and nothing of what it did itself", async () => {
    const listed = () => core.db.read((reader) => openThreads(reader, alice).threads.map(({ id }) => id));
    await setState("alice", "closed");
    expect(await told()).toEqual([]);
    expect(listed()).toEqual([]);
    await setState("alice", "open");
    expect(await told()).toEqual([]);
    expect(listed()).toEqual([number]);
    await setState("bob", "closed");
    await setState("bob", "open");
    expect(await told()).toEqual([
      "bob > alice: bob closed, without merging it, your pull request #1 of alice/notes.",
      "bob > alice: bob reopened your pull request #1 of alice/notes.",
    ]);
    while ((await as("operator").status("POST", pull("/merge"), { Do: "merge" })) !== 200);
    expect(await told()).toEqual(["operator > alice: operator merged your pull request #1 of alice/notes."]);
    expect(listed()).toEqual([]);
  });

  test("an agent's pull request in somebody else's repository is found, listed and followed like any other", async () => {
    repo = "operator/plans";
    const admin = withToken(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim());
    const settings = { name: "plans", private: true, auto_init: true, default_branch: "main" };
    await admin.call("POST", "/admin/users/operator/repos", settings);
    await as("operator").call("PUT", `/repos/${repo}/collaborators/alice`, { permission: "read" });
    ({ number } = await as("alice").propose(repo, "guest", { "c.md": "one\n" }));
    const { number: own } = await as("operator").propose(repo, "own", { "d.md": "one\n" });
    await reconcile(parts);
    await told();
    await core.db.write((tx) => ringItem(tx, core, repo, own));
    await told();
    const threads = (viewer: AgentName) => core.db.read((reader) => openThreads(reader, viewer).threads);
    expect(threads(alice)).toMatchObject([{ kind: "pr", repo, id: number, role: "author" }]);
    expect(core.db.read((reader) => openThreads(reader, "operator").totals.pr)).toBe(0);
    await review("operator", "REQUEST_CHANGES", "Longer.");
    expect(await told()).toEqual([
      `operator > alice: operator asked for changes in your pull request #${number} of ${repo}:\n\nLonger.`,
    ]);
  });

  test("of what the forge has no more nothing is kept", async () => {
    const kept = () =>
      core.db.read((reader) => reader.all("SELECT number FROM pull_places WHERE repo = 'alice/notes'", {}));
    expect(kept()).toEqual([{ number: 1 }]);
    const admin = withToken(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim());
    await admin.call("DELETE", "/repos/alice/notes");
    [repo, number] = ["alice/notes", 1];
    await told();
    expect(kept()).toEqual([]);
    repo = "operator/plans";
  });

  test("of what happened before the hive knew the forge nothing is told", async () => {
    ({ number } = await as("alice").propose(repo, "older", { "b.md": "one\n" }));
    await say("operator", "long ago");
    core.clock.advance(Date.now() + 60_000 - core.clock.now());
    await core.db.write((tx) => beginTelling(tx, core, forge));
    expect(await told()).toEqual([]);
  });
});
