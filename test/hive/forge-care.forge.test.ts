/** The forge of a running hive: what somebody has broken there is told and mended, and tokens change while agents work. */
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { startForgejo } from "../support/forgejo.ts";
import { withToken } from "../support/raw-forge.ts";
import { Hive, hives } from "../support/start-hive.ts";
import { hive as run } from "./start-up.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const manager = "manager";
const Ids = z.array(z.object({ id: z.number(), name: z.string().optional() }));

/** What the manager does when it has got this script: it waits in its turn, and then uses its token in every way. */
const script = stringify({
  rules: [
    {
      name: "use the token",
      when: { from: "^system$", body: "^Your configuration has changed" },
      steps: [
        { run: "touch waiting; until test -e go; do sleep 0.1; done", timeout_seconds: 90 },
        { run: 'tr -d "\\n" <"$HIVE_FORGE_TOKEN_FILE" | tail -c 8 >used' },
        { run: 'git ls-remote "$HIVE_FORGE_URL/hive/agents.git" main', matches: "refs/heads/main" },
        { forge: "GET /user", matches: '"login":"manager"' },
      ],
    },
    { name: "anything else", steps: [{ say: "I leave it at that." }] },
  ],
});

describe.for(hives)("on $name", ({ open }) => {
  let hive: Hive;
  const cli = (...argv: string[]) => run([...argv, "--home", hive.home]);
  const tokenFile = () => join(hive.home, "hived/secrets/tokens", manager);
  const tokenOf = () => readFileSync(tokenFile(), "utf8").trim();
  const state = (name: string) => join(hive.home, "agents", manager, "state", name);
  const quiet = () => hive.until(({ agents }) => agents.length > 0 && agents.every(({ state: is }) => is === "idle"));

  beforeAll(async () => {
    hive = open();
    await hive.up();
    await quiet();
  });
  afterAll(() => hive[Symbol.asyncDispose]());

  test("a token is rotated in a turn: the turn goes on with the new one and ends well, and the old one ends", async () => {
    const old = tokenOf();
    const path = `/repos/hive/agents/contents/agents/${manager}/script.yaml`;
    const { sha } = z.object({ sha: z.string() }).parse(await hive.as("operator").call("GET", path));
    const content = Buffer.from(script).toString("base64");
    await hive.as("operator").call("PUT", path, { sha, content, message: "Wait", branch: "main" });
    await expect.poll(() => existsSync(state("waiting")), { timeout: 60_000 }).toBe(true);
    const turn = await hive.until(({ turns }) => turns.find(({ agent, endedAt }) => agent === manager && !endedAt));

    expect(await cli("token", "rotate", manager)).toMatchObject({ code: 0, err: "" });
    const renewed = tokenOf();
    expect(renewed).not.toBe(old);
    await hive.nothingDue();
    writeFileSync(state("go"), "");
    const over = await hive.until(({ turns }) => turns.find(({ id, endedAt }) => id === turn.id && endedAt));
    expect(over).toMatchObject({ outcome: "ok", launch: turn.launch });
    expect(readFileSync(state("used"), "utf8")).toBe(renewed.slice(-8));

    const status = (token: string) => withToken(hive.now.forge?.url ?? "", token).status("GET", "/user");
    expect([await status(old), await status(renewed)]).toEqual([200, 200]);
    letAMinutePass(hive.home);
    await hive.kill("hived"); // it looks at what is due when it starts
    await expect.poll(() => status(old), { timeout: 60_000 }).toBe(401);
    expect(await status(renewed)).toBe(200);
  });

  test("what was broken in several places is a table, --fix repairs it, and then there is nothing to tell", async () => {
    await hive.until(({ forge, agents }) => forge?.problem === null && agents.every(({ state: is }) => is === "idle"));
    await hive.nothingDue();
    const admin = hive.as("hive-admin");
    const idOf = async (list: string, name?: string) =>
      Ids.parse(await admin.call("GET", list)).find((row) => name === undefined || row.name === name)?.id;
    const units = { "repo.code": "write", "repo.issues": "write", "repo.pulls": "write" };
    await admin.call("PATCH", "/repos/hive/agents/branch_protections/main", { required_approvals: 0 });
    await admin.call("DELETE", `/repos/hive/questions/labels/${await idOf("/repos/hive/questions/labels")}`);
    await admin.call("DELETE", `/admin/hooks/${await idOf("/admin/hooks")}`);
    await admin.call("PATCH", `/teams/${await idOf("/orgs/hive/teams", "readers")}`, {
      ...{ name: "readers", permission: "write", units_map: units },
    });
    await admin.call("DELETE", `/admin/users/${manager}?purge=true`);

    const found = await cli("forge", "check");
    expect(found).toMatchObject({ code: 1, err: "" });
    for (const what of [
      /^what +wanted +found$/m,
      /^rule of main in hive\/agents +required_approvals: 1 +required_approvals: 0$/m,
      /^label question of hive\/questions +.* missing$/m,
      /^webhook of the forge +.* missing$/m,
      /^team readers of hive +read, .* write, /m,
      /^user manager +an account +missing$/m,
    ])
      expect(found.out).toMatch(what);
    expect(await cli("forge", "check", "--fix")).toMatchObject({
      ...{ code: 0, err: "", out: expect.stringContaining("This was put right.") },
    });
    expect(await cli("forge", "check")).toEqual({ code: 0, err: "", out: "The forge is as it should be.\n" });
    expect(await hive.as(manager).status("GET", "/repos/hive/agents")).toBe(200);
  });
});

/** The new token was given to its agent a minute earlier than it was, and its successor's work is due. */
function letAMinutePass(home: string): void {
  const sqlite = new Sqlite(join(home, "hived/hive.db"));
  const key = `token-delivered:${manager}`;
  const [end, at] = z
    .string()
    .parse(sqlite.prepare("SELECT value FROM meta WHERE key = ?").pluck().get(key))
    .split(" ");
  sqlite.prepare("UPDATE meta SET value = ? WHERE key = ?").run(`${end} ${Number(at) - 61_000}`, key);
  sqlite.prepare("UPDATE work SET due_at = 0 WHERE kind = 'retire-tokens'").run();
  sqlite.close();
}

const forgejo = await findForgejo();

test.runIf(forgejo)(
  "a Forgejo that may not call this machine is told of at the start, until its webhooks come",
  async () => {
    if (!forgejo) return;
    await using forge = await startForgejo(forgejo, {
      adminName: "ada",
      change: (ini) => ini.replace("ALLOWED_HOST_LIST = loopback", "ALLOWED_HOST_LIST = external"),
    });
    await using hive = new Hive(undefined, (directory) => {
      const tokenFile = join(directory, "admin-token");
      copyFileSync(forge.adminTokenFile, tokenFile);
      chmodSync(tokenFile, 0o644); // started by root, the hive is another user's, who has to read it
      return ["--forge-url", forge.url, "--admin-token-file", tokenFile];
    });
    await hive.up();
    const sentence = "The forge's webhooks do not reach http://127.0.0.1:";
    expect(hive.output).toContain(sentence);
    await hive.until((state) => state.forge?.hookProblem?.startsWith(sentence));
    expect(await run(["status", "--home", hive.home])).toMatchObject({ out: expect.stringContaining(sentence) });

    await forge.kill();
    const ini = join(dirname(forge.adminTokenFile), "app.ini");
    writeFileSync(
      ini,
      readFileSync(ini, "utf8").replace("ALLOWED_HOST_LIST = external", "ALLOWED_HOST_LIST = loopback"),
    );
    await forge.start();
    await hive.as("operator").call("POST", "/repos/hive/questions/issues", { title: "Does this come?" });
    await hive.until((state) => state.forge?.hookProblem === null);
  },
);
