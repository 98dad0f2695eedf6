/**
 * Records what the real Claude Code says in each situation that matters, against the fake API:
 *
 *   node test/claude/record.ts
 *
 * One file per situation in streams/, whose first line names the version; what differs from run to run is made the same.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { claudeArguments } from "../../src/hive-runner/drivers/claude-arguments.ts";
import { commandLine, controlLine, userLine } from "../../src/hive-runner/drivers/claude-lines.ts";
import { limitHeaders, openFakeApi, type Reply, refuse, say } from "./fake-api.ts";
import { claudeVersion, installClaude } from "./install.ts";

type Situation = {
  replies: Reply[];
  /** what is left out is: one prompt */
  prompts?: { text: string; isCommand: boolean }[];
  env?: Record<string, string>;
  interrupts?: boolean;
  /** how many turns end */
  results?: number;
};

const subscription = { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat01-fake" };
const aPrompt = [{ text: "hello", isCommand: false }];
const bash = (command: string, more = {}): Reply => ({ kind: "call", tool: "Bash", input: { command, ...more } });

const situations: Record<string, Situation> = {
  "text and a tool": { replies: [bash("echo hi"), say("It says hi.")] },
  "a tool that fails": { replies: [bash("false"), say("It failed.")] },
  "signed out": { replies: [], env: { ANTHROPIC_API_KEY: "" } },
  "key refused": { replies: [refuse.key] },
  "credit used up": { replies: [refuse.credit] },
  "rate limit of a key": { replies: [refuse.rate] },
  "limit of a subscription": {
    replies: [{ ...refuse.rate, headers: limitHeaders("rejected", "1.0") }],
    env: { ...subscription, ANTHROPIC_API_KEY: "" },
  },
  "near the limit of a subscription": {
    replies: [{ kind: "text", text: "done", headers: limitHeaders("allowed_warning", "0.91") }],
    env: { ...subscription, ANTHROPIC_API_KEY: "" },
  },
  overloaded: { replies: [refuse.overload] },
  "unknown model": { replies: [refuse.model] },
  "prompt too long": { replies: [refuse.length, refuse.length] },
  "connection cut": { replies: [{ kind: "cut" }] },
  "nobody at the address": { replies: [], env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:9" } },
  "refused by the model": { replies: [{ kind: "text", text: "I will not.", stopReason: "refusal" }] },
  interrupted: { replies: [{ kind: "slow" }], interrupts: true },
  "made smaller": {
    replies: [say("done"), say("<summary>We greeted.</summary>")],
    prompts: [...aPrompt, { text: "/compact", isCommand: true }],
    results: 2,
  },
  "a turn of its own": {
    replies: [bash("sleep 0.3", { run_in_background: true }), say("It runs."), say("It has ended.")],
    env: { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "" },
    results: 2,
  },
};

async function record(program: string, { replies, prompts = aPrompt, env, interrupts, results = 1 }: Situation) {
  await using api = await openFakeApi();
  const queue = [...replies];
  api.reply = () => queue.shift() ?? replies.at(-1) ?? say("done");
  const home = mkdtempSync(join(tmpdir(), "claude-"));
  const promptFile = join(home, "prompt.md");
  writeFileSync(promptFile, "You are an agent.\n");
  const spec = {
    kind: "claude" as const,
    cwd: home,
    mcpServers: [],
    session: null,
    model: null,
    promptFile,
    plugin: join(home, "plugin"),
  };
  const child = spawn(program, claudeArguments(spec), {
    cwd: home,
    env: {
      ...{ PATH: process.env["PATH"] ?? "", HOME: home, CLAUDE_CONFIG_DIR: join(home, "claude") },
      ...{ ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "sk-ant-fake", CLAUDE_CODE_MAX_RETRIES: "0" },
      ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1" },
      ...env,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const write = (line: object) => child.stdin.write(`${JSON.stringify(line)}\n`);
  const left = [...prompts];
  const prompt = () => {
    const next = left.shift();
    if (next) write((next.isCommand ? commandLine : userLine)(randomUUID(), [next.text]));
  };
  const lines: string[] = [];
  let ended = 0;
  prompt();
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const { type } = JSON.parse(line) as { type: string };
    if (interrupts && line.includes("begin ")) write(controlLine("cancel", { subtype: "interrupt" }));
    if (type !== "result") continue;
    ended += 1;
    prompt();
    if (ended === results) child.stdin.end();
  }
  rmSync(home, { recursive: true, force: true });
  return lines.map((line) => scrub(line, [home, api.url]));
}

/** Ids and times become the same in every run, so that a new recording shows what has changed in Claude Code. */
function scrub(line: string, [home = "", url = ""]: string[]): string {
  const ids: string[] = [];
  const numbered = (id: string) => `id-${ids.includes(id) ? ids.indexOf(id) : ids.push(id) - 1}`;
  return line
    .replaceAll(home, "/home/agent")
    .replaceAll(home.replaceAll("/", "-"), "-home-agent")
    .replaceAll(url, "http://api")
    .replaceAll(url.replace("http://", ""), "api")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, numbered)
    .replace(/\b(msg|toolu)_\w+/g, "$1_id")
    .replace(/"timestamp":"[^"]*"/g, '"timestamp":"2026-01-01T00:00:00.000Z"')
    .replace(/("\w*_ms"):[0-9.]+/g, "$1:1");
}

const program = await installClaude();
if (program === null) process.exit(1);
for (const [name, situation] of Object.entries(situations)) {
  const lines = await record(program, situation);
  const file = join(import.meta.dirname, "streams", `${name.replaceAll(" ", "-")}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${[JSON.stringify({ recorded: `Claude Code ${claudeVersion}` }), ...lines].join("\n")}\n`);
  console.log(`${name}: ${lines.length} lines`);
}
