/** A hive with the real Claude Code as an agent: signed in, woken by a message, and using the hive's tools. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { bin, type Hive, hives } from "../support/start-hive.ts";
import { type Asked, openFakeApi, type Reply, say } from "./fake-api.ts";
import { installClaude } from "./install.ts";

const program = await installClaude();
const key = "sk-ant-api03-of-claudia";

/** Looks at what is open, reads a skill, writes to the operator, and is done. */
function work(): (asked: Asked) => Reply {
  const steps: Reply[] = [
    { kind: "call", tool: "get_open_threads", input: {} },
    { kind: "call", tool: "Skill", input: { skill: "hive:review-a-pull-request" } },
    { kind: "call", tool: "send", input: { to: "operator", body: "I am awake." } },
  ];
  return () => steps.shift() ?? say("done");
}

async function operatorsCommand({ env }: Hive, args: string[], input: string) {
  const child = spawn(process.execPath, [bin, ...args], { env });
  child.stdin.end(input);
  const [out, problem] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { out, problem };
}

test.skipIf(program === null)("Claude Code is proposed, signed in, woken, and writes to the operator", async () => {
  await using api = await openFakeApi();
  api.reply = work();
  await using hive = hives[0]?.open() as Hive;
  const own = join(hive.directory, "claude");
  copyFileSync(program ?? "", own); // the hive may be another user's, who can't read ours
  chmodSync(own, 0o755);
  await hive.up();
  await hive.until(({ agents }) => agents.find(({ role, state }) => role === "manager" && state === "idle"));
  const files = {
    "agents/claudia/agent.yaml": `harness:
  driver: claude
  command: [${own}]
  env: { ANTHROPIC_BASE_URL: "${api.url}", CLAUDE_CODE_MAX_RETRIES: "0" }
recipients: ["*"]
`,
    "agents/claudia/AGENTS.md": "You are the one who is awake.\n",
  };
  await hive.as("operator").call("POST", "/repos/hive/agents/contents", {
    ...{ branch: "main", message: "Spawn claudia" },
    files: Object.entries(files).map(([path, content]) => ({
      ...{ operation: "create", path, content: Buffer.from(content).toString("base64") },
    })),
  });
  const parked = await hive.until(({ agents }) =>
    agents.find((row) => row.name === "claudia" && row.state === "parked"),
  );
  expect(parked).toMatchObject({ signsIn: true, problem: expect.stringMatching(/not logged in/i) });
  const login = await operatorsCommand(hive, ["agent", "login", "claudia", "--secret"], `${key}\n`);
  expect(login).toEqual({ out: "claudia is signed in, and goes on.\n", problem: "A key or a token for claudia: " });
  await hive.until(({ messages }) => messages.find(({ from, to }) => from === "claudia" && to === "operator"));
  const turn = await hive.until(({ turns }) => turns.find((row) => row.agent === "claudia" && row.outcome === "ok"));
  expect(turn).toMatchObject({ evidence: { outputTokens: 28 }, usage: { model: expect.stringContaining("claude") } });
  const [first, second, third, fourth] = api.asked;
  expect(first?.headers["x-api-key"]).toBe(key);
  expect(first?.system).toContain("You are the one who is awake.");
  expect(first?.tools).toEqual(expect.arrayContaining(["mcp__hyperhive__send", "mcp__hyperhive__get_open_threads"]));
  expect(second?.results[0]).toMatch(/threads|open/i);
  expect(fourth?.results[0]).toMatch(/^Sent as message \d+\.$/);

  // The skill stands in Claude Code's own list, nowhere else, and is read when it is wanted.
  const skill = "How to review a pull request on the forge and leave a verdict that counts.";
  expect(first?.whole).toContain(`- hive:review-a-pull-request: ${skill}`);
  expect(first?.whole.split(skill)).toHaveLength(2);
  expect(first?.whole).not.toContain("A review is worth what it has tried.");
  expect(third?.whole).toContain("A review is worth what it has tried.");
  const told = await operatorsCommand(hive, ["agent", "prompt", "claudia"], "");
  expect(first?.system).toContain(told.out.trim());
  expect(told.problem).toContain("Given by --append-system-prompt-file. Besides, its coding agent lists:\n");
  expect(told.problem).toContain(`- review-a-pull-request (/docs/skills/review-a-pull-request/SKILL.md): ${skill}`);
  const logs = readdirSync(join(hive.home, "logs")).map((name) => readFileSync(join(hive.home, "logs", name), "utf8"));
  expect(logs.join("") + readFileSync(join(hive.home, "hived/hive.db"), "latin1")).not.toContain(key);
});
