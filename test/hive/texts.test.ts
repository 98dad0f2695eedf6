/** What people read, whole. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { WaitingEntry } from "../../src/contract/message.ts";
import { AgentName, EpochMs } from "../../src/contract/names.ts";
import { waitingText } from "../../src/hive/commands/messages.ts";
import { statusText } from "../../src/hive/commands/status.ts";
import { tokensText } from "../../src/hive/commands/token-mcp.ts";
import { render } from "../../src/hive/up/forgejo.ts";
import { linksText } from "../../src/hive/up/links.ts";
import { lastWords } from "../../src/hive/up/log-file.ts";
import { isAtLeast } from "../../src/hive/up/requirements.ts";
import { openSteps } from "../../src/hive/up/steps.ts";

const forge = {
  kind: "managed" as const,
  url: "http://127.0.0.1:3000",
  version: "15.0.9",
  problem: null,
  hookProblem: null,
  catchingUp: null,
};
const since = EpochMs.parse(0);
const process_ = { pid: 12, health: "ready" as const, restarts: 0, since, problem: null, note: null };
const top = mkdtempSync("/tmp/hive-texts-");
afterAll(() => rmSync(top, { recursive: true }));

test("links say how to use them, for each way into the forge", () => {
  const shown = { forge, dashboard: "http://hive.localhost:7777/#sign-in=s", minutes: 5 };
  const password = { kind: "password" as const, user: "operator", file: "/home/hive/operator-password" };
  expect(linksText({ ...shown, wayIn: password })).toBe(`\
  Dashboard  http://hive.localhost:7777/#sign-in=s
             works once, within 5 minutes; \`hive up\` once more prints a new one
  Forge      http://127.0.0.1:3000
             user operator, first password in /home/hive/operator-password
`);
  expect(linksText({ ...shown, wayIn: { kind: "link", url: "http://127.0.0.1:3000/in?s" } })).toContain(`
  Forge      http://127.0.0.1:3000/in?s
             signs you in as the operator, once
`);
  expect(linksText({ ...shown, wayIn: { kind: "own", user: "ada" } })).toContain("sign in as ada, as you are used to");
});

test("the status of a hive fits a terminal, troubles in the row of who has them", () => {
  const text = statusText({
    running: true,
    home: "/home/ada/hive",
    processes: [
      { ...process_, name: "hived", restarts: 2 },
      { ...process_, name: "hive-web", note: "isolated" },
      { ...process_, name: "hive-runner", pid: null, health: "restarting", problem: "was killed by SIGKILL" },
    ],
    database: null,
    forge,
    dashboardUrl: "http://hive.localhost:7777",
    agents: [],
    restingPairs: [],
    troubles: [],
    problem: null,
  });
  expect(text).toBe(`\
home       /home/ada/hive
dashboard  http://hive.localhost:7777
forge      http://127.0.0.1:3000, managed, 15.0.9

hived        ready       pid 12  2 restarts
hive-web     ready       pid 12              isolated
hive-runner  restarting                      was killed by SIGKILL
`);
});

test("tokens of MCP clients are listed with their use, which may be none", () => {
  const token = { id: 1, agent: AgentName.parse("alice"), createdAt: since, lastUsedAt: null };
  const used = { ...token, id: 12, lastUsedAt: EpochMs.parse(60_000) };
  expect(tokensText([token, used])).toBe(`\
token  agent  made                 last used
1      alice  1970-01-01 00:00:00  never
12     alice  1970-01-01 00:00:00  1970-01-01 00:01:00
`);
  expect(tokensText([])).toContain("`hive token create --mcp AGENT` makes one.");
});

test("webhooks that do not come are told in a line of their own", () => {
  const hookProblem = "They do not reach us.";
  const none = { processes: [], agents: [], database: null, restingPairs: [], troubles: [], problem: null };
  const home = { home: "/home/ada/hive", dashboardUrl: "http://hive.localhost:7777" };
  expect(statusText({ running: true, ...home, ...none, forge: { ...forge, hookProblem } })).toContain(`
forge      http://127.0.0.1:3000, managed, 15.0.9
webhooks   They do not reach us.
`);
});

test("what waits is a table, dead letters first, in which no message can steer the terminal", () => {
  const entry = {
    ...{ message: 1, recipient: "alice", attempt: 5, failures: 5, turn: null, queuedAt: 0, leasedAt: null },
    ...{ settledAt: null, notBefore: 0, problem: null },
  };
  const entries = [
    {
      entry: { ...entry, id: 8, state: "queued", failures: 0 },
      from: "bob",
      beginning: `one\nline\x1b[2J ${"x".repeat(80)}`,
    },
    { entry: { ...entry, id: 3, state: "dead", problem: "It crashed." }, from: "operator", beginning: "Index it." },
  ].map((row) => WaitingEntry.parse(row));
  expect(waitingText({ entries, counts: { queued: 70, leased: 0, dead: 1 } })).toBe(`\
entry  state   since                from      to     failed  text
3      dead    1970-01-01 00:00:00  operator  alice  5       Index it. (It crashed.)
8      queued  1970-01-01 00:00:00  bob       alice  0       one line [2J ${"x".repeat(46)}…

1 dead, 0 in a turn, 70 queued in all. \`hive retry ENTRY\` queues a dead one again.
`);
  expect(waitingText({ entries: [], counts: { queued: 0, leased: 0, dead: 0 } })).toBe("Nothing waits.\n");
});

test("steps are plain lines where there is no terminal, each change once", async () => {
  let said = "";
  const write = (text: string) => {
    said += text;
    return true;
  };
  const steps = openSteps({ isTTY: false, columns: 80, write } as unknown as Parameters<typeof openSteps>[0]);
  await steps.run("Preparing", async (step) => {
    for (const detail of ["one", "one", "two"]) step.say(detail);
  });
  await expect(steps.run("Failing", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(said).toBe("  Preparing …\n  Preparing: one\n  Preparing: two\n✓ Preparing\n  Failing …\n✗ Failing\n");
});

test("a download is a bar on a terminal, and a line for each tenth elsewhere", async () => {
  let said = "";
  const write = (text: string) => {
    said += text;
    return true;
  };
  const mebibyte = 1024 * 1024;
  const download = async (isTTY: boolean) => {
    const steps = openSteps({ isTTY, columns: 80, write } as unknown as Parameters<typeof openSteps>[0]);
    await steps.run("Installing", async (step) => {
      for (let done = 1; done <= 200; done += 1) step.progress(done * mebibyte, 200 * mebibyte);
      step.say("checking");
      step.progress(100 * mebibyte, 200 * mebibyte);
      if (isTTY) await expect.poll(() => said).toContain("Installing: ██████████░░░░░░░░░░ 100 of 200 MiB");
    });
  };
  await download(true);
  said = "";
  await download(false);
  const tenths = Array.from({ length: 11 }, (_, tenth) => `  Installing: ${tenth * 20} of 200 MiB\n`).join("");
  expect(said).toBe(`  Installing …\n${tenths}  Installing: checking\n  Installing: 100 of 200 MiB\n✓ Installing\n`);
});

test("a program's last words are the line that says why, not the last one", () => {
  const path = join(top, "log");
  writeFileSync(path, "old Error: of an earlier life\n");
  const offset = 30;
  expect(lastWords(path, offset)).toBe("");
  writeFileSync(path, '{"msg":"serves"}\n', { flag: "a" });
  expect(lastWords(path, offset)).toBe("serves");
  writeFileSync(path, "    throw it;\nTypeError: x is no y\n    at z\n\nNode.js v24\n", { flag: "a" });
  expect(lastWords(path, offset)).toBe("TypeError: x is no y");
});

test("a value that would break out of its line of app.ini is refused", () => {
  expect(render("ROOT = `{{root}}`", { root: "/srv/a b" })).toBe("ROOT = `/srv/a b`");
  expect(() => render("ROOT = `{{root}}`", { root: "/srv/`\nX = 1" })).toThrow("no usable value for root");
  expect(() => render("ROOT = `{{root}}`", {})).toThrow("no usable value for root");
});

test("versions are compared by number", () => {
  expect(isAtLeast("2.39.5", "2.38.0")).toBe(true);
  expect(isAtLeast("2.9.1", "2.38.0")).toBe(false);
  expect(isAtLeast("15.0", "15.0.0")).toBe(true);
  expect(isAtLeast("7.0.16", "15")).toBe(false);
});
