/** A forge user gets a new token while an agent works on: what it holds stays good until its turn has ended. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { TurnId } from "../../src/contract/names.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { startTurn } from "../../src/hived/broker/turns.ts";
import type { Runner } from "../../src/hived/core.ts";
import { retireTokensOf } from "../../src/hived/forge/accounts.ts";
import { provision } from "../../src/hived/forge/provision.ts";
import { rotateTokens } from "../../src/hived/forge/rotate.ts";
import { retireTokens } from "../../src/hived/lifecycle/retire-tokens.ts";
import { forges } from "../support/forges.ts";
import { somePlace } from "../support/open-broker.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const longerThanGraceMs = 61_000;

describe.each(forges)("on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  let agent: Awaited<ReturnType<typeof addIdleAgent>>;
  /** what the runner was asked to write, by launch */
  const delivered: { launch: string; files: Record<string, string> }[] = [];

  const runner = {
    place: () => somePlace,
    call: async (
      _call: string,
      { launch, secrets }: { launch: string; secrets: { path: string; content: string }[] },
    ) => {
      const text = ({ path, content }: { path: string; content: string }) => [
        path,
        Buffer.from(content, "base64").toString(),
      ];
      delivered.push({ launch, files: Object.fromEntries(secrets.map(text)) });
      return {};
    },
  } as unknown as Runner;
  const retire = (user: string) =>
    retireTokens({ ...parts, runner, forgeUrl: forge.url, endOldTokens: (name) => retireTokensOf(parts, name) }, user);
  const tokenOf = (user: string) => parts.tokens.read(user) ?? "";
  const status = (token: string) => withToken(forge.url, token).status("GET", "/user");
  const waiting = () =>
    core.db.read((reader) => reader.all<{ key: string }>("SELECT key FROM work WHERE kind = 'retire-tokens'"));

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    agent = await addIdleAgent(core, "bob");
    await provision(parts);
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("a running agent is given the new token, and its old one ends after its turn", async () => {
    const old = tokenOf("bob");
    const turn = "turn-1" as TurnId;
    await core.db.write((tx) => {
      startTurn(tx, { id: turn, agent: agent.name, launch: agent.launch, held: [] }, core.clock.now());
      changeAgent(tx, core, agent.name, { state: "working", turn });
    });
    expect(await rotateTokens(parts, "bob")).toEqual([{ user: "bob", problem: null }]);
    expect(tokenOf("bob")).not.toBe(old);
    expect(waiting()).toEqual([{ key: "bob" }]);
    expect(await retire("bob")).toEqual({ again: expect.any(Number) });
    expect(delivered).toMatchObject([{ launch: agent.launch, files: { "forge-token": `${tokenOf("bob")}\n` } }]);
    core.clock.advance(longerThanGraceMs);
    expect(await retire("bob")).toEqual({ again: expect.any(Number) });
    expect([await status(old), await status(tokenOf("bob"))]).toEqual([200, 200]);

    await core.db.write((tx) => changeAgent(tx, core, agent.name, { state: "idle", turn: null }));
    expect(await retire("bob")).toBeUndefined();
    expect([await status(old), await status(tokenOf("bob"))]).toEqual([401, 200]);
    expect(delivered).toHaveLength(1);
  });

  test("without a name everybody gets one, and what hived itself may be using ends a minute later", async () => {
    const users = ["hive-bot", "bob", "operator"];
    const old = users.map(tokenOf);
    expect(await rotateTokens(parts, null)).toEqual(users.map((user) => ({ user, problem: null })));
    for (const user of users) expect(await retire(user)).toEqual({ again: expect.any(Number) });
    for (const token of [...old, ...users.map(tokenOf)]) expect(await status(token)).toBe(200);
    core.clock.advance(longerThanGraceMs);
    for (const user of users) expect(await retire(user)).toBeUndefined();
    for (const token of old) expect(await status(token)).toBe(401);
    for (const user of users) expect(await status(tokenOf(user))).toBe(200);
  });

  test("the token of an operator who has another password by now stays, and what to do is said", async () => {
    const old = tokenOf("operator");
    await parts.forge.as("hive-admin").setPassword("operator", "Chosen-by-the-operator-1");
    const [rotation] = await rotateTokens(parts, "operator");
    expect(rotation?.problem).toContain("secrets/tokens/operator");
    expect(tokenOf("operator")).toBe(old);
    expect(await status(old)).toBe(200);
  });

  test("somebody else's user of an agent's name keeps password and tokens", async () => {
    const admin = withToken(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim());
    await admin.call("PATCH", "/admin/users/bob", { login_name: "bob", source_id: 0, email: "bob@example.org" });
    const before = tokenOf("bob");
    const [rotation] = await rotateTokens(parts, "bob");
    expect(rotation?.problem).toContain("not of this hive");
    expect([tokenOf("bob"), await status(before)]).toEqual([before, 200]);
  });

  test("an unknown name is refused", async () => {
    await expect(rotateTokens(parts, "nobody")).rejects.toMatchObject({ code: "unknown_user" });
  });
});
