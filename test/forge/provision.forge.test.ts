import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { addAgent, changeAgent } from "../../src/hived/agents/agents.ts";
import { retireTokensOf } from "../../src/hived/forge/accounts.ts";
import { agentsRepo, docsRepo, protection } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { retireAgent } from "../../src/hived/forge/retire-agent.ts";
import { forgeWayIn } from "../../src/hived/forge/way-in.ts";
import { reconcile } from "../../src/hived/intake/reconcile.ts";
import { recordCalls } from "../support/calls.ts";
import { impatient } from "../support/fake-clock.ts";
import { forges } from "../support/forges.ts";
import { openCore, someTree, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { withPassword, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const bob = AgentName.parse("bob");

describe.each(forges)("provisioning $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  const admin = () => parts.forge.as("hive-admin");

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await reconcile(parts); // one that comes too early must not keep the first content out by its rule
    await core.db.write((tx) => tx.run("DELETE FROM work"));
    await provision(parts);
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await core[Symbol.asyncDispose]();
  });

  test("makes organizations, repositories and their first content, private all of them", async () => {
    for (const org of ["hive", "org-shared"])
      expect(await admin().findOrg(org)).toMatchObject({ visibility: "private" });
    for (const repo of ["hive/agents", "hive/questions", "org-shared/docs"]) {
      expect(await admin().readRepo(repo)).toMatchObject({ private: true });
      expect(await parts.forge.as("hive-bot").readFile(repo, "main", "README.md")).not.toBeNull();
    }
    const form = ".forgejo/issue_template/question.yaml";
    expect(await parts.forge.as("hive-bot").readFile("hive/questions", "main", form)).not.toBeNull();
  });

  test("keeps tokens and the operator's first password in files that only the owner reads", async () => {
    const secrets = join(core.directory, "secrets");
    for (const file of ["operator-password", "hook-secret", "tokens/hive-bot", "tokens/operator"])
      expect(statSync(join(secrets, file)).mode & 0o777).toBe(0o600);
    const password = parts.secrets.read("operator-password") ?? "";
    expect(await withPassword(forge.url, "operator", password).status("GET", "/user")).toBe(200);
  });

  test("leaves the forge's health without a problem, and looks at what is there already", async () => {
    expect(parts.health.read()).toMatchObject({ problem: null, version: expect.stringMatching(/^\d+\./) });
    const kinds = core.db.read((reader) => reader.all<{ kind: string }>("SELECT kind FROM work ORDER BY kind"));
    expect(kinds.map(({ kind }) => kind)).toEqual(["follow-main", "reconcile", "update-docs"]);
  });

  test("changes nothing when it is run again", async () => {
    using calls = recordCalls();
    await provision(parts);
    expect(calls.changes).toEqual([]);
  });

  test("lets the bot merge and label, but neither push to main nor read its rule", async () => {
    const file = { content: "aGk=", message: "push", branch: "main" };
    expect(await as("hive-bot").status("POST", `/repos/${agentsRepo}/contents/pushed.md`, file)).toBe(403);
    expect(await as("hive-bot").status("GET", `/repos/${agentsRepo}/branch_protections/main`)).toBe(403);
    expect(await parts.forge.as("hive-bot").listLabels("hive/questions")).toMatchObject([{ name: "question" }]);
  });

  test("gives an agent a restricted user that reads the docs, writes only what is its own, and makes repositories", async () => {
    const alice = AgentName.parse("alice");
    await provisionAgent(parts, alice, "worker");
    expect(await admin().whoAmI()).toMatchObject({ isAdmin: true });
    expect(await as("alice").call("GET", "/user")).toMatchObject({ login: "alice", restricted: true, is_admin: false });
    expect(await as("alice").status("GET", `/repos/${docsRepo}/raw/README.md`)).toBe(200);
    const file = { content: "aGk=", message: "push", branch: "main" };
    expect(await as("alice").status("POST", `/repos/${docsRepo}/contents/mine.md`, file)).toBe(403);
    const repo = { name: "notes", private: true, auto_init: true };
    expect(await as("alice").call("POST", "/user/repos", repo)).toMatchObject({ full_name: "alice/notes" });
    expect(await as("alice").status("POST", "/orgs", { username: "mine" })).toBe(403);
    using calls = recordCalls();
    await provisionAgent(parts, alice, "worker");
    expect(calls.changes).toEqual([]);
  });

  test("lets the manager write the docs, for as long as it is the manager", async () => {
    const boss = AgentName.parse("boss");
    await provisionAgent(parts, boss, "manager");
    const file = { content: "aGk=", message: "push", branch: "main" };
    expect(await as("boss").status("POST", `/repos/${docsRepo}/contents/by-boss.md`, file)).toBe(201);
    await provisionAgent(parts, boss, "worker");
    expect(await as("boss").status("POST", `/repos/${docsRepo}/contents/again.md`, file)).toBe(403);
  });

  test("mints a token anew that was deleted, and has the ones before it ended", async () => {
    await provisionAgent(parts, bob, "worker");
    const first = parts.tokens.read("bob") ?? "";
    parts.tokens.remove("bob");
    await core.db.write((tx) =>
      addAgent(tx, core, { name: bob, role: "worker", wanted_tree: someTree, wanted_commit: someTree }),
    );
    await provision(parts);
    expect(await as("bob").status("GET", "/user")).toBe(200);
    await retireTokensOf(parts, bob);
    expect(await withToken(forge.url, first).status("GET", "/user")).toBe(401);
    expect(await as("bob").status("GET", "/user")).toBe(200);
  });

  test("ends with one good token when two mint at once", async () => {
    const carol = AgentName.parse("carol");
    await Promise.all([provisionAgent(parts, carol, "worker"), provisionAgent(parts, carol, "worker")]);
    expect(await parts.forge.as(carol).hasGoodToken(carol)).toBe(true);
  });

  test("refuses a name that is somebody else's, and leaves that user alone", async () => {
    const dave = AgentName.parse("dave");
    const password = "a password of dave's own";
    await admin().createUser({ name: dave, email: "dave@example.org", password, isRestricted: false });
    await expect(provisionAgent(parts, dave, "worker")).rejects.toMatchObject({ code: "name_taken" });
    expect(await withPassword(forge.url, "dave", password).status("GET", "/user")).toBe(200);
  });

  test("refuses a name that the forge does not take", async () => {
    const refused = provisionAgent(parts, "admin" as AgentName, "worker");
    await expect(refused).rejects.toBeInstanceOf(Refusal);
  });

  test("puts a rule right that somebody has changed, and tells it", async () => {
    await admin().editProtection(agentsRepo, "main", { ...protection, required_approvals: 0, enable_push: false });
    await provision(parts);
    expect(await admin().readProtection(agentsRepo, "main")).toMatchObject(protection);
    const { fact } = await core.event("Note");
    expect(fact.text).toContain("required_approvals");
  });

  test("replaces the webhook when its address changes, and when its secret is lost", async () => {
    const hooks = () => admin().listHooks({ kind: "system" });
    const [first] = await hooks();
    const moved = { ...parts, hookUrl: "http://127.0.0.1:10/hook" };
    await provision(moved);
    expect(await hooks()).toMatchObject([{ config: { url: "http://127.0.0.1:10/hook" }, active: true }]);
    parts.secrets.remove("hook-secret");
    await provision(parts);
    const after = await hooks();
    expect(after).toMatchObject([{ config: { url: parts.hookUrl } }]);
    expect(after[0]?.id).not.toBe(first?.id);
  });

  test("listens on somebody else's forge to our organizations and agents alone", async () => {
    const external = { ...parts, core: { ...core, clock: impatient(core.clock) }, kind: "external" as const };
    await provision(external);
    for (const org of ["hive", "org-shared"])
      expect(await admin().listHooks({ kind: "org", org })).toMatchObject([{ config: { url: parts.hookUrl } }]);
    expect(await parts.forge.as(bob).listHooks({ kind: "user" })).toMatchObject([{ config: { url: parts.hookUrl } }]);
    using calls = recordCalls();
    await provision(external);
    const trial = "/repos/hive/questions/hooks"; // is made and taken away again
    expect(calls.changes.filter((call) => !call.includes(trial))).toEqual([]);
    expect(await admin().listHooks({ kind: "repo", repo: "hive/questions" })).toEqual([]);
  });

  /** hived's half, with something that happens just before it looks at one of these users. */
  const beforeLookingAt = (users: readonly string[], happens: () => Promise<unknown>): Provisioned => {
    const verbs = admin();
    const findUser: typeof verbs.findUser = async (name) => {
      if (users.includes(name)) await happens();
      return verbs.findUser(name);
    };
    const as: typeof parts.forge.as = (user) => (user === "hive-admin" ? { ...verbs, findUser } : parts.forge.as(user));
    return { ...parts, forge: { ...parts.forge, as } };
  };
  const add = (name: AgentName) =>
    core.db.write((tx) => addAgent(tx, core, { name, role: "worker", wanted_tree: someTree, wanted_commit: someTree }));
  const destroy = (name: AgentName) => core.db.write((tx) => changeAgent(tx, core, name, { wish: "destroyed" }));

  test("makes nothing of an agent that is destroyed before its turn comes", async () => {
    const first = ["ann", "ann-two", "ann-three", "ann-four"].map((name) => AgentName.parse(name));
    const zoe = AgentName.parse("zoe");
    for (const name of [...first, zoe]) await add(name);
    let destroyed: Promise<void> | undefined;
    await provision(
      beforeLookingAt(first, () => {
        destroyed ??= destroy(zoe).then(() => retireAgent(parts, zoe));
        return destroyed;
      }),
    );
    expect(await admin().findUser(zoe)).toBeNull();
    for (const name of first) {
      expect(await parts.forge.as(name).hasGoodToken(name)).toBe(true);
      await destroy(name);
    }
  });

  test("leaves no token to an agent that is destroyed while its token is made", async () => {
    const yan = AgentName.parse("yan");
    await add(yan);
    let retired: Promise<void> | undefined;
    await provision(
      beforeLookingAt([yan], async () => {
        retired ??= destroy(yan).then(() => retireAgent(parts, yan));
      }),
    );
    await retired;
    expect(await admin().findUser(yan)).not.toBeNull();
    expect(parts.tokens.read(yan)).toBeUndefined();
  });

  test("is refused to another hive on the same forge, which changes nothing", async () => {
    await using other = openCore();
    using calls = recordCalls();
    await expect(provision(partsFor(other, forge))).rejects.toMatchObject({
      code: "name_taken",
      message: "This forge serves another hive.",
    });
    expect(calls.changes).toEqual([]);
  });

  test("shows the operator a way into the forge's pages", async () => {
    const way = await forgeWayIn(parts, "/secrets");
    if (forge.kind === "embedded") {
      if (way.kind !== "link") throw new Error(`a ${way.kind}`);
      expect((await fetch(way.url)).status).toBe(200);
    } else expect(way).toEqual({ kind: "password", user: "operator", file: "/secrets/operator-password" });
  });

  // last, as the operator's password is changed for good
  test("touches neither password nor token of an operator who has changed the password, and says what is needed", async () => {
    await admin().setPassword("operator", "chosen by the operator");
    await provision(parts);
    parts.tokens.remove("operator"); // until now it has worked still
    await provision(parts);
    await core.event("Note", ({ fact }) => fact.text.includes("secrets/tokens/operator"));
    expect(parts.health.read().problem).toBeNull();
    expect(await withPassword(forge.url, "operator", "chosen by the operator").status("GET", "/user")).toBe(200);
  });
});

test.each(forges)("an organization hive that $name has already is left alone, and told", async ({ start }) => {
  await using forge = await start();
  await using core = openCore();
  const parts = partsFor(core, forge);
  const admin = parts.forge.as("hive-admin");
  await admin.createOrg({ name: "hive", email: "" });
  using calls = recordCalls();
  await expect(provision(parts)).rejects.toMatchObject({ code: "name_taken" });
  const told = "an organization hive that is not of this hive. Rename it there";
  await core.event("ForgeChanged", ({ fact }) => fact.forge.problem?.includes(told) === true);
  expect(calls.changes).toEqual([]);
});
