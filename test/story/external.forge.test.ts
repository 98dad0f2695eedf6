/** The story on a forge that somebody else runs and uses: the hive makes its own things there, and touches nothing else. */
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { forges } from "../support/forges.ts";
import { makeRepo, type Person, withPassword, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { Hive } from "../support/start-hive.ts";
import { inventory } from "./inventory.ts";
import { expectStoryOnce, layoutOf } from "./once.ts";
import { agentsRepo, mainOf, proposalOf, quiet } from "./outcome.ts";
import { readTour } from "./tour.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const tour = readTour();
const { manager, worker } = tour;
const admin = "ada";
const stranger = "eve";

describe.for(forges)("on $name of somebody else's", ({ start }) => {
  let forge: RunningForge;
  let others: Others;
  let before: unknown;
  let hive: Hive;
  beforeAll(async () => {
    forge = await start(admin);
    others = await moveIn(forge);
    before = await thingsOf(others);
    hive = openOn(forge);
  });
  afterAll(async () => {
    await hive[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("the operator approves the first worker, and it works", async () => {
    await hive.up();
    const docs = await mainOf(hive, "org-shared/docs");
    const { number, head } = await proposalOf(hive, worker);
    const review = { event: "APPROVED", commit_id: head, body: "Good." };
    await hive.as("operator").call("POST", `${agentsRepo}/pulls/${number}/reviews`, review);
    await expectStoryOnce(hive, { ...tour }, docs);
  });

  test("the forge has what the hive needs, each once, and hooks on that alone", async () => {
    const { users, hooks, repos } = await inventory(hive);
    expect(users.sort()).toEqual([admin, stranger, "hive-bot", "operator", manager, worker].sort());
    expect(hooks).toEqual([]);
    expect(repos.map(({ repo }) => repo)).toEqual(
      ["acme/site", "eve/notes", "hive/agents", "hive/questions", "org-shared/docs", `${worker}/${tour.repo}`].sort(),
    );
    for (const [user, path] of [
      ["hive-admin", "/orgs/hive/hooks"],
      ["hive-admin", "/orgs/org-shared/hooks"],
      [manager, "/user/hooks"],
      [worker, "/user/hooks"],
    ] as const)
      expect([user, path, await hive.as(user).call("GET", path)]).toMatchObject([user, path, [{ active: true }]]);
  });

  test("the things of others are as they were, and no user of the hive sees them", async () => {
    expect(await thingsOf(others)).toEqual(before);
    for (const user of ["hive-bot", "operator", manager, worker])
      expect([user, await hive.as(user).status("GET", "/repos/eve/notes")]).toEqual([user, 404]);
  });

  test("a second start makes, asks and tells nothing twice", async () => {
    const { approvals, questions, messages, turns } = hive.now;
    const [layout, all] = [await layoutOf(hive), await inventory(hive)];
    await hive.stop();
    await hive.up();
    await quiet(hive);
    expect(await layoutOf(hive)).toEqual(layout);
    expect(await inventory(hive)).toEqual(all);
    expect(hive.now).toMatchObject({ approvals, questions, messages, turns });
    expect(await thingsOf(others)).toEqual(before);
  });
});

/** Started by root, the hive is another user's, who has to read the token. */
function openOn({ url, adminTokenFile }: RunningForge): Hive {
  return new Hive(undefined, (directory) => {
    const tokenFile = join(directory, "admin-token");
    copyFileSync(adminTokenFile, tokenFile);
    chmodSync(tokenFile, 0o644);
    return ["--forge-url", url, "--admin-token-file", tokenFile];
  });
}

const Token = z.object({ sha1: z.string() });

type Others = { ada: Person; eve: Person };

/** Others live on the forge already: with a repository, an issue and an organization, all private. */
async function moveIn({ url, adminTokenFile }: RunningForge): Promise<Others> {
  const ada = withToken(url, readFileSync(adminTokenFile, "utf8").trim());
  const password = "Somebody-else-7";
  const user = { username: stranger, email: "eve@elsewhere.invalid", password, must_change_password: false };
  await ada.call("POST", "/admin/users", user);
  const token = { name: "mine", scopes: ["write:user", "write:repository", "write:issue"] };
  const { sha1 } = Token.parse(await withPassword(url, stranger, password).call("POST", "/users/eve/tokens", token));
  const eve = withToken(url, sha1);
  await makeRepo(eve, "eve/notes");
  await eve.call("POST", "/repos/eve/notes/issues", { title: "Buy milk", body: "Two bottles." });
  await eve.call("POST", "/repos/eve/notes/issues/1/comments", { body: "Or three." });
  await ada.call("POST", "/orgs", { username: "acme", visibility: "private" });
  await ada.call("POST", "/orgs/acme/repos", { name: "site", private: true, auto_init: true, default_branch: "main" });
  return { ada, eve };
}

const things: Record<keyof Others, string[]> = {
  eve: [
    "/user",
    "/user/hooks",
    "/repos/eve/notes",
    "/repos/eve/notes/branches",
    "/repos/eve/notes/hooks",
    "/repos/eve/notes/issues?state=all",
    "/repos/eve/notes/issues/1/comments",
    "/repos/eve/notes/labels",
  ],
  ada: [
    "/user",
    "/user/hooks",
    "/orgs/acme",
    "/orgs/acme/hooks",
    "/orgs/acme/repos",
    "/orgs/acme/teams",
    "/repos/acme/site/branches",
    "/repos/acme/site/hooks",
  ],
};

async function thingsOf(others: Others): Promise<unknown[]> {
  const asked = (["ada", "eve"] as const).flatMap((name) =>
    things[name].map(async (path) => [name, path, JSON.stringify(await others[name].call("GET", path), sorted)]),
  );
  return Promise.all(asked);
}

/** Forgejo tells the units of a team in any order. */
const sorted = (_key: string, value: unknown): unknown =>
  Array.isArray(value) && value.every((each) => typeof each === "string") ? value.toSorted() : value;
