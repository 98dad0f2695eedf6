/** Whatever somebody has done to a provisioned forge: a check tells it, and provisioning makes it what it was. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { AgentName } from "../../src/contract/names.ts";
import { addAgent, changeAgent } from "../../src/hived/agents/agents.ts";
import { drawDomain, emailOf } from "../../src/hived/forge/addresses.ts";
import { keepProtection } from "../../src/hived/forge/protection.ts";
import { checkLayout, provision } from "../../src/hived/forge/provision.ts";
import { recordCalls } from "../support/calls.ts";
import { forgeInventory } from "../support/forge-inventory.ts";
import { forges } from "../support/forges.ts";
import { openCore, someTree, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { type Person, withPassword, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Stage = { parts: Provisioned; admin: Person; url: string };
type Damage = {
  /** what somebody did */
  name: string;
  does(stage: Stage): Promise<unknown>;
  /** what a check names */
  told: string;
  /** it takes so much along that it would hide another's damage */
  isAlone?: true;
};

const Ids = z.array(z.object({ id: z.number(), name: z.string().optional() }));
const first = async (admin: Person, path: string, name?: string) => {
  const found = Ids.parse(await admin.call("GET", path)).find((row) => name === undefined || row.name === name);
  if (!found) throw new Error(`${path} has no ${name}`);
  return found.id;
};
const team = (admin: Person, org: string, name: string) => first(admin, `/orgs/${org}/teams`, name);
const editUser = (admin: Person, user: string, change: object) =>
  admin.call("PATCH", `/admin/users/${user}`, { login_name: user, source_id: 0, ...change });
const rule = "/repos/hive/agents/branch_protections/main";

const damages: Damage[] = [
  {
    name: "an organization was made visible",
    does: ({ admin }) => admin.call("PATCH", "/orgs/hive", { visibility: "limited" }),
    told: "organization hive",
  },
  {
    name: "a team may write where it may only read",
    does: async ({ admin }) =>
      admin.call("PATCH", `/teams/${await team(admin, "hive", "readers")}`, {
        name: "readers",
        permission: "write",
        units_map: { "repo.code": "write", "repo.issues": "write", "repo.pulls": "write" },
      }),
    told: "team readers of hive",
  },
  {
    name: "a team has lost a unit",
    does: async ({ admin }) =>
      admin.call("PATCH", `/teams/${await team(admin, "hive", "bots")}`, {
        name: "bots",
        permission: "write",
        units_map: { "repo.code": "write", "repo.issues": "none", "repo.pulls": "write" },
      }),
    told: "team bots of hive",
  },
  {
    name: "a team was deleted",
    does: async ({ admin }) => admin.call("DELETE", `/teams/${await team(admin, "org-shared", "maintainers")}`),
    told: "team maintainers of org-shared",
    isAlone: true,
  },
  {
    name: "the bot was taken out of its team",
    does: async ({ admin }) => admin.call("DELETE", `/teams/${await team(admin, "hive", "bots")}/members/hive-bot`),
    told: "hive-bot in team bots of hive",
  },
  {
    name: "the operator was taken out, and so dropped from the rule",
    does: async ({ admin }) =>
      admin.call("DELETE", `/teams/${await team(admin, "hive", "operators")}/members/operator`),
    told: "operator in team operators of hive",
    isAlone: true,
  },
  {
    name: "an agent was taken out of its team",
    does: async ({ admin }) => admin.call("DELETE", `/teams/${await team(admin, "hive", "readers")}/members/bob`),
    told: "bob in team readers of hive",
  },
  {
    name: "an agent was made an owner",
    does: async ({ admin }) => admin.call("PUT", `/teams/${await team(admin, "hive", "Owners")}/members/bob`),
    told: "bob in team Owners of hive",
  },
  {
    name: "a worker was let write the docs",
    does: async ({ admin }) =>
      admin.call("PUT", `/teams/${await team(admin, "org-shared", "maintainers")}/members/bob`),
    told: "bob in team maintainers of org-shared",
  },
  {
    name: "the rule was weakened",
    does: ({ admin }) => admin.call("PATCH", rule, { required_approvals: 0, enable_merge_whitelist: false }),
    told: "rule of main in hive/agents",
  },
  {
    name: "the rule was deleted",
    does: ({ admin }) => admin.call("DELETE", rule),
    told: "rule of main in hive/agents",
  },
  {
    name: "a rule of another branch was added",
    does: ({ admin }) => admin.call("POST", "/repos/org-shared/docs/branch_protections", { rule_name: "release/*" }),
    told: "rule release/* in org-shared/docs",
  },
  {
    name: "an earlier rule counts in the place of ours, as its name differs in case alone",
    does: async ({ admin }) => {
      await admin.call("DELETE", rule);
      await admin.call("POST", "/repos/hive/agents/branch_protections", { rule_name: "MAIN", enable_push: true });
    },
    told: "rule MAIN in hive/agents",
    isAlone: true,
  },
  {
    name: "an agent was let into a repository by name",
    does: ({ admin }) => admin.call("PUT", "/repos/hive/agents/collaborators/bob", { permission: "admin" }),
    told: "bob in repository hive/agents",
  },
  {
    name: "a label was deleted",
    does: async ({ admin }) =>
      admin.call("DELETE", `/repos/hive/questions/labels/${await first(admin, "/repos/hive/questions/labels")}`),
    told: "label question of hive/questions",
  },
  {
    name: "a repository was made public",
    does: ({ admin }) => admin.call("PATCH", "/repos/org-shared/docs", { private: false }),
    told: "repository org-shared/docs",
  },
  {
    name: "pull requests were switched off",
    does: ({ admin }) => admin.call("PATCH", "/repos/hive/agents", { has_pull_requests: false }),
    told: "repository hive/agents",
  },
  {
    name: "a repository was archived",
    does: ({ admin }) => admin.call("PATCH", "/repos/hive/questions", { archived: true }),
    told: "repository hive/questions",
  },
  {
    name: "a repository was deleted",
    does: ({ admin }) => admin.call("DELETE", "/repos/org-shared/docs"),
    told: "repository org-shared/docs",
    isAlone: true,
  },
  {
    name: "the repository with the rule was deleted",
    does: ({ admin }) => admin.call("DELETE", "/repos/hive/agents"),
    told: "rule of main in hive/agents",
    isAlone: true,
  },
  {
    name: "the webhook was switched off",
    does: async ({ admin }) =>
      admin.call("PATCH", `/admin/hooks/${await first(admin, "/admin/hooks")}`, { active: false }),
    told: "webhook of the forge",
  },
  {
    name: "the webhook tells less",
    does: async ({ admin }) =>
      admin.call("PATCH", `/admin/hooks/${await first(admin, "/admin/hooks")}`, { events: ["push"], active: true }),
    told: "webhook of the forge",
  },
  {
    name: "the webhook was deleted",
    does: async ({ admin }) => admin.call("DELETE", `/admin/hooks/${await first(admin, "/admin/hooks")}`),
    told: "webhook of the forge",
  },
  {
    name: "a second webhook rings at the same door",
    does: ({ admin, parts }) =>
      admin.call("POST", "/admin/hooks", {
        type: "gitea",
        active: true,
        events: ["push"],
        config: { url: parts.hookUrl, content_type: "json", is_system_webhook: "true" },
      }),
    told: "webhook of the forge",
  },
  {
    name: "the webhook's secret was lost",
    does: async ({ parts }) => parts.secrets.remove("hook-secret"),
    told: "webhook of the forge",
  },
  {
    name: "an agent was deleted",
    does: ({ admin }) => admin.call("DELETE", "/admin/users/bob?purge=true"),
    told: "user bob",
    isAlone: true,
  },
  {
    name: "the bot was deleted",
    does: ({ admin }) => admin.call("DELETE", "/admin/users/hive-bot?purge=true"),
    told: "user hive-bot",
    isAlone: true,
  },
  {
    name: "the operator was deleted, and with it its place in the rule",
    does: ({ admin }) => admin.call("DELETE", "/admin/users/operator?purge=true"),
    told: "user operator",
    isAlone: true,
  },
  {
    name: "an agent sees more than its teams give",
    does: ({ admin }) => editUser(admin, "bob", { restricted: false }),
    told: "user bob",
  },
  {
    name: "an agent was shut out",
    does: ({ admin }) => editUser(admin, "bob", { prohibit_login: true }),
    told: "user bob",
  },
  {
    name: "an agent was made a site admin",
    does: ({ admin }) => editUser(admin, "bob", { admin: true }),
    told: "user bob",
  },
  {
    name: "an agent is to change its password",
    does: ({ admin }) => editUser(admin, "bob", { must_change_password: true }),
    told: "token of bob",
  },
  {
    name: "a token's file was lost",
    does: async ({ parts }) => parts.tokens.remove("bob"),
    told: "token of bob",
  },
  {
    name: "a token was revoked on the forge",
    does: async ({ admin, url }) => {
      await editUser(admin, "bob", { password: "Known-for-once-1" });
      const bob = withPassword(url, "bob", "Known-for-once-1");
      await bob.call("DELETE", `/users/bob/tokens/${await first(bob, "/users/bob/tokens")}`);
    },
    told: "token of bob",
  },
  {
    name: "a token with more scopes lies in the file",
    does: async ({ admin, url, parts }) => {
      await editUser(admin, "bob", { password: "Known-for-once-1" });
      const made = await withPassword(url, "bob", "Known-for-once-1").call("POST", "/users/bob/tokens", {
        name: "all",
        scopes: ["all"],
      });
      parts.tokens.write("bob", z.object({ sha1: z.string() }).parse(made).sha1);
    },
    told: "token of bob",
  },
];

/** Those that touch different things share a check and a provisioning, which are most of a test's time. */
const batches = damages.reduce<Damage[][]>((all, damage) => {
  const fits = (other: Damage) => !other.isAlone && other.told !== damage.told;
  const batch = damage.isAlone ? undefined : all.find((others) => others.every(fits));
  if (batch) batch.push(damage);
  else all.push([damage]);
  return all;
}, []);

describe.each(forges)("on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let stage: Stage;
  let fresh: unknown;
  const inventory = () => forgeInventory(stage.parts, stage.admin, ["hive-bot", "operator", "bob", "boss"]);

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    const admin = withToken(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim());
    stage = { parts: partsFor(core, forge), admin, url: forge.url };
    await core.db.write((tx) => {
      for (const name of ["bob", "boss"] as AgentName[])
        addAgent(tx, core, { name, role: "worker", wanted_tree: someTree, wanted_commit: someTree });
      changeAgent(tx, core, AgentName.parse("boss"), { role: "manager" });
    });
    await makeHalf(stage.parts);
    await provision(stage.parts);
    fresh = await inventory();
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("a forge that was half made has no drift once it is provisioned", async () => {
    expect(await checkLayout(stage.parts)).toEqual([]);
  });

  test.each(batches.map((batch) => ({ batch, names: batch.map(({ name }) => name).join("; and ") })))(
    "when $names, a check tells it and provisioning mends it",
    async ({ batch }) => {
      for (const { does } of batch) await does(stage);
      using calls = recordCalls();
      const drift = await checkLayout(stage.parts);
      expect(drift.map(({ what }) => what)).toEqual(expect.arrayContaining(batch.map(({ told }) => told)));
      expect(calls.changes).toEqual([]);
      const { left } = await provision(stage.parts);
      expect(left).toEqual([]);
      expect(await inventory()).toEqual(fresh);
    },
  );

  test("what somebody has changed and what was put right is told to the operator", async () => {
    await stage.admin.call("PATCH", rule, { required_approvals: 0 });
    await provision(stage.parts);
    await core.event("Note", ({ fact }) => fact.text.includes("required_approvals: 0"));
  });

  test("contents, descriptions, looks of labels and people of the operator's are left as they are", async () => {
    const { admin, parts } = stage;
    const label = await first(admin, "/repos/hive/questions/labels");
    await admin.call("PATCH", `/repos/hive/questions/labels/${label}`, { color: "#00ff00" });
    await admin.call("PATCH", "/repos/hive/questions", { description: "Ask here." });
    const form = ".forgejo/issue_template/question.yaml";
    const { sha } = z
      .object({ sha: z.string() })
      .parse(await admin.call("GET", `/repos/hive/questions/contents/${form}`));
    const change = { sha, content: Buffer.from("name: mine\n").toString("base64"), message: "mine", branch: "main" };
    await admin.call("PUT", `/repos/hive/questions/contents/${form}`, change);
    const friend = {
      username: "friend",
      email: "friend@example.org",
      password: "A-friend-of-1",
      must_change_password: false,
    };
    await admin.call("POST", "/admin/users", friend);
    await admin.call("PUT", `/teams/${await team(admin, "hive", "operators")}/members/friend`);
    using calls = recordCalls();
    expect(await checkLayout(parts)).toEqual([]);
    await provision(parts);
    expect(calls.changes).toEqual([]);
  });

  // last, as it leaves the forge without its rule
  test("a name that the forge drops from a rule is noticed", async () => {
    const { admin, parts } = stage;
    await admin.call("DELETE", `/teams/${await team(admin, "hive", "operators")}/members/operator`);
    await admin.call("DELETE", rule);
    await expect(keepProtection(core, parts.forge)).rejects.toThrow("approvals_whitelist_username");
  });
});

/** What a provisioning has left that was cut off. */
async function makeHalf(parts: Provisioned): Promise<void> {
  const admin = parts.forge.as("hive-admin");
  await drawDomain(parts);
  const email = emailOf(parts.core, "hive-bot");
  await admin.createUser({ name: "hive-bot", email, password: "Half-made-1", isRestricted: false });
  await admin.createOrg({ name: "hive", email: "" });
  await admin.createTeam("hive", { name: "bots", permission: "read" });
  await admin.createOrgRepo("hive/agents", "");
}
