import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { agentsRepo, protection } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { refresh } from "../../src/hived/forge/refresh.ts";
import { reconcile } from "../../src/hived/intake/reconcile.ts";
import { recordCalls } from "../support/calls.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { makeRepo, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const [alice, bob] = ["alice", "bob"].map((name) => AgentName.parse(name)) as [AgentName, AgentName];
const notes = "alice/notes";
const nobody = { follow: () => undefined, forget: () => undefined };

describe.each(forges)("reconciliation with $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  const bells = () =>
    core.db
      .read((reader) => reader.all<{ key: string }>("SELECT key FROM work WHERE kind = 'refresh' ORDER BY key"))
      .map(({ key }) => key);
  /** Reconciles, and answers every bell that it rang. @returns which these were */
  const sweep = async (): Promise<string[]> => {
    await reconcile(parts);
    const rung = bells();
    for (const key of rung) await refresh(core, parts.forge, key, nobody);
    await core.db.write((tx) => tx.run("DELETE FROM work"));
    return rung;
  };
  const item = (repo: string, number: number) =>
    core.db.read((reader) =>
      reader.get<object>("SELECT * FROM forge_items WHERE repo = :repo AND number = :number", { repo, number }),
    );

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    for (const name of [alice, bob]) {
      await addIdleAgent(core, name);
      await provisionAgent(parts, name, "worker");
    }
    await makeRepo(as("alice"), notes, ["bob"]);
    await core.db.write((tx) => tx.run("DELETE FROM work"));
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("a bell costs one call for an issue, and for a pull request that is known and waits for nobody", async () => {
    const issue = (await as("alice").call("POST", `/repos/${notes}/issues`, { title: "plain" })) as { number: number };
    const pull = await as("alice").propose(notes, "cheap", { "cheap.md": "cheap\n" });
    const calls = async (number: number): Promise<number> => {
      using recorded = recordCalls();
      await refresh(core, parts.forge, `${notes}#${number}`, nobody);
      return recorded.all.length;
    };
    expect(await calls(issue.number)).toBe(1);
    await calls(pull.number);
    expect(await calls(pull.number)).toBe(1);
    const review = `/repos/${notes}/pulls/${pull.number}/requested_reviewers`;
    await as("alice").call("POST", review, { reviewers: ["bob"] });
    expect(await calls(pull.number)).toBe(3); // one is whether bob may see it still
    expect(item(notes, pull.number)).toMatchObject({ reviewers: '["bob"]' });
    await as("alice").call("DELETE", `/repos/${notes}`);
    await makeRepo(as("alice"), notes, ["bob"]);
    await calls(pull.number);
    expect(item(notes, pull.number)).toBeUndefined();
    await core.db.write((tx) => tx.run("DELETE FROM forge_items"));
  });

  test("finds what no bell rang for, in our organizations and in the agents' own repositories", async () => {
    const proposal = await as("alice").propose(agentsRepo, "carol", { "agents/carol/agent.yaml": "role: worker\n" });
    const own = await as("bob").propose(notes, "idea", { "idea.md": "an idea\n" });
    const { number } = (await as("alice").call("POST", "/repos/hive/questions/issues", { title: "by hand" })) as {
      number: number;
    };
    expect(await sweep()).toEqual([
      `${notes}#${own.number}`,
      `${agentsRepo}#${proposal.number}`,
      `hive/questions#${number}`,
    ]);
    expect(item(agentsRepo, proposal.number)).toMatchObject({
      kind: "pull",
      author: "alice",
      state: "open",
      head: proposal.head,
    });
    expect(item(notes, own.number)).toMatchObject({
      kind: "pull",
      author: "bob",
      state: "open",
      base: "main",
      reviewers: "[]",
    });
    expect(item("hive/questions", number)).toMatchObject({
      kind: "issue",
      title: "by hand",
      state: "open",
      head: null,
    });
  });

  test("follows open pull requests at each sweep, and what is closed no more", async () => {
    const { number } = await as("bob").propose(notes, "reviewed", { "reviewed.md": "text\n" });
    await as("bob").call("POST", `/repos/${notes}/pulls/${number}/requested_reviewers`, { reviewers: ["alice"] });
    await sweep();
    expect(item(notes, number)).toMatchObject({ reviewers: '["alice"]', state: "open" });
    const comments = [{ path: "reviewed.md", body: "here", new_position: 1, old_position: 0 }]; // which keep the request there
    const review = { event: "APPROVED", body: "good", comments };
    await as("alice").call("POST", `/repos/${notes}/pulls/${number}/reviews`, review);
    expect(await sweep()).toContain(`${notes}#${number}`);
    expect(item(notes, number)).toMatchObject({ reviewers: "[]" });
    await as("alice").call("POST", `/repos/${notes}/pulls/${number}/merge`, { Do: "merge" });
    await sweep();
    expect(item(notes, number)).toMatchObject({ state: "merged" });
  });

  test("asks for a look at main and the docs, and puts the rule right", async () => {
    await parts.forge.as("hive-admin").editProtection(agentsRepo, "main", { ...protection, required_approvals: 0 });
    await reconcile(parts);
    const kinds = core.db.read((reader) =>
      reader.all<{ kind: string }>("SELECT DISTINCT kind FROM work WHERE kind <> 'refresh'"),
    );
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(["follow-main", "update-docs"]);
    expect(await parts.forge.as("hive-admin").readProtection(agentsRepo, "main")).toMatchObject({
      required_approvals: 1,
    });
    await core.db.write((tx) => tx.run("DELETE FROM work"));
  });

  test("finds what the forge has no more without a bell, and forgets it", async () => {
    const passing = async (titles: string[]) => {
      await as("alice").call("POST", "/user/repos", { name: "passing", private: true });
      for (const title of titles) await as("alice").call("POST", "/repos/alice/passing/issues", { title });
    };
    await passing(["one", "two", "three"]);
    await sweep();
    await as("alice").call("DELETE", "/repos/alice/passing");
    await passing(["another one"]);
    expect(await sweep()).toEqual(expect.arrayContaining([1, 2, 3].map((number) => `alice/passing#${number}`)));
    expect(item("alice/passing", 1)).toMatchObject({ title: "another one" });
    expect([2, 3].map((number) => item("alice/passing", number))).toEqual([undefined, undefined]);
    expect(await sweep()).not.toContain("alice/passing#2");
    await as("alice").call("DELETE", "/repos/alice/passing");
    await sweep();
    expect(item("alice/passing", 1)).toBeUndefined();
  });

  test("goes on with the others when one agent's token is lost, and asks for a new one", async () => {
    parts.tokens.write("bob", "0".repeat(40));
    await as("alice").call("POST", `/repos/${notes}/issues`, { title: "seen all the same" });
    await reconcile(parts);
    expect(bells().some((key) => key.startsWith(`${notes}#`))).toBe(true);
    const provisioning = core.db.read((reader) => reader.get("SELECT * FROM work WHERE kind = 'provision'"));
    expect(provisioning).toBeDefined();
  });
});
