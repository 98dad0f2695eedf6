/** The driver and the real Claude Code, on a fake of the model's API. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gone } from "../runner/with-runner.ts";
import { limitHeaders, limitPasses, type Reply, refuse, say } from "./fake-api.ts";
import { installClaude } from "./install.ts";
import { apiKey, type ClaudeStage, startAlice, withClaude } from "./with-claude.ts";

const program = (await installClaude()) ?? "";

/** The replies one after the other, then "done" for ever. */
function answer({ api }: ClaudeStage, ...replies: Reply[]): void {
  api.reply = () => replies.shift() ?? say("done");
}

async function turnWith({ hived }: ClaudeStage, body: string) {
  hived.mail("alice", body);
  return hived.ends.next();
}

const bash = (command: string): Reply => ({ kind: "call", tool: "Bash", input: { command } });

describe.skipIf(program === "")("the real Claude Code", () => {
  test("a turn is a message in its fence, what it shows, and what it has used", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program);
    answer(stage, bash("echo $HIVE_AGENT >who; pwd"), say("It is done."));
    const end = await turnWith(stage, "who are you?");
    expect(end).toMatchObject({
      ...{ outcome: "ok", problem: null, evidence: { outputs: 4, outputTokens: 14 } },
      usage: { model: stage.api.asked[0]?.model, inputTokens: 200, costUsd: expect.closeTo(0.00108, 5) },
      session: expect.stringMatching(/^[0-9a-f-]{36}$/),
      log: { entries: [{ event: { kind: "tool", title: "Bash: echo $HIVE_AGENT >who; pwd" } }, {}, {}] },
    });
    expect(end.log?.entries.at(-1)).toMatchObject({ event: { kind: "text", text: "It is done." } });
    expect(readFileSync(join(stage.state, "who"), "utf8")).toBe("alice\n");
    const [first] = stage.api.asked;
    expect(first?.prompt).toMatch(/^Message 1 from bob, .*\n<<<(\w+)\nwho are you\?\n\1>>>$/);
    expect(first?.whole).toContain("You are alice"); // the wake prompt, and what the hive tells each agent
    expect(first?.system).toContain("alice");
  });

  test("what it signs in with is in no argument, log entry or report", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program);
    let arguments_ = "";
    stage.api.reply = () => {
      arguments_ = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
      return say("done");
    };
    const end = await turnWith(stage, "hello");
    expect(stage.api.asked[0]?.headers["x-api-key"]).toBe(apiKey);
    expect(arguments_).toContain("--strict-mcp-config");
    expect(arguments_ + JSON.stringify(end)).not.toContain(apiKey);
  });

  test("each way in which the API refuses has its name, and the next turn goes well", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program);
    for (const [replies, outcome] of [
      [[refuse.key], "needs_login"],
      [[refuse.credit], "billing"],
      [[refuse.rate], "rate_limited"],
      [[refuse.overload], "overloaded"],
      [[refuse.model, refuse.model], "model_unavailable"],
      [[{ kind: "cut" }], "network"],
    ] as [Reply[], string][]) {
      answer(stage, ...replies);
      expect(await turnWith(stage, "hello"), outcome).toMatchObject({ outcome, evidence: { outputTokens: 0 } });
      expect(await turnWith(stage, "again"), `after ${outcome}`).toMatchObject({ outcome: "ok" });
    }
  });

  test("a conversation that the API finds too long is made smaller before the next turn", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program);
    answer(stage, refuse.length);
    expect(await turnWith(stage, "hello")).toMatchObject({ outcome: "context_full" });
    expect(await turnWith(stage, "again")).toMatchObject({ outcome: "ok" });
  });

  test("a subscription that is used up says until when", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program, { secret: ["CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-fake"] });
    answer(stage, { ...refuse.rate, headers: limitHeaders("rejected", "1.0") });
    expect(await turnWith(stage, "hello")).toMatchObject({ outcome: "rate_limited", retryAt: limitPasses * 1000 });
    expect(stage.api.asked[0]?.headers.authorization).toBe("Bearer sk-ant-oat01-fake");
  });

  test("one that is not signed in says so, and asks nobody", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program, { secret: null });
    expect(await turnWith(stage, "hello")).toMatchObject({ outcome: "needs_login", problem: /not logged in/i });
    expect(stage.api.asked).toEqual([]);
  });

  test("a cancelled turn ends with its request and its tools, and the next one goes well", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program);
    const { hived, api, state } = stage;
    answer(stage, { kind: "slow" });
    hived.mail("alice", "hello");
    const first = await hived.leases.next();
    await hived.live.next();
    await hived.runner("cancelTurn", { turn: first, requeues: false });
    expect(await hived.ends.next()).toMatchObject({ outcome: "cancelled" });
    await api.abandoned;
    answer(stage, bash("echo $$ >pid; sleep 1000"));
    hived.mail("alice", "run");
    const second = await hived.leases.next();
    await expect.poll(() => existsSync(join(state, "pid")), { timeout: 10_000 }).toBe(true);
    const pid = Number(readFileSync(join(state, "pid"), "utf8"));
    await hived.runner("cancelTurn", { turn: second, requeues: true });
    expect(await hived.ends.next()).toMatchObject({ outcome: "cancelled", requeues: true });
    await gone(pid);
    expect(await turnWith(stage, "again")).toMatchObject({ outcome: "ok" });
  });

  test("a stopped agent leaves no process, though its tools are in groups of their own", async () => {
    await using stage = await withClaude();
    const { launch } = await startAlice(stage, program);
    answer(stage, bash("setsid sh -c 'echo $$ >pid; exec sleep 1000'"));
    stage.hived.mail("alice", "run");
    await expect.poll(() => existsSync(join(stage.state, "pid")), { timeout: 10_000 }).toBe(true);
    await stage.hived.runner("stopLaunch", { launch, now: true });
    await gone(Number(readFileSync(join(stage.state, "pid"), "utf8")));
    expect(await stage.hived.ends.next()).toMatchObject({ outcome: "lost" });
  });

  test("a message is never taken for a command, and names no file to be read", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program);
    writeFileSync(join(stage.directory, "secret"), "the secret of the file");
    const { session } = await turnWith(stage, "remember me");
    expect(await turnWith(stage, `/clear @${stage.directory}/secret`)).toMatchObject({ outcome: "ok", session });
    expect(stage.api.asked.at(-1)?.whole).toContain("remember me");
    expect(stage.api.asked.at(-1)?.whole).not.toContain("the secret of the file");
  });

  test("a conversation goes on in another process, and one that is lost begins anew and says so", async () => {
    await using stage = await withClaude();
    const first = await startAlice(stage, program);
    const { session } = await turnWith(stage, "remember me");
    await stage.hived.runner("stopLaunch", { launch: first.launch, now: false });
    const second = await startAlice(stage, program, { session });
    expect(await turnWith(stage, "hello")).toMatchObject({ outcome: "ok", session });
    expect(stage.api.asked.at(-1)?.whole).toContain("remember me");
    await stage.hived.runner("stopLaunch", { launch: second.launch, now: false });
    await startAlice(stage, program, { session: "11111111-1111-4111-8111-111111111111" });
    expect(await turnWith(stage, "hello")).toMatchObject({
      outcome: "ok",
      session: expect.not.stringContaining("1111"),
    });
    expect(stage.api.asked.at(-1)?.whole).toContain("Your earlier conversation could not be continued");
  });

  test("its model is changed, its conversation made smaller and begun anew", async () => {
    await using stage = await withClaude();
    const { hived, api } = stage;
    const { launch } = await startAlice(stage, program);
    const { session } = await turnWith(stage, "remember me");
    const change = (change: { kind: "compact" | "new" } | { kind: "model"; model: string }) =>
      hived.runner("changeConversation", { launch, change });
    expect(await change({ kind: "model", model: "haiku" })).toMatchObject({ model: expect.stringContaining("haiku") });
    expect(await turnWith(stage, "hello")).toMatchObject({ usage: { model: expect.stringContaining("haiku") } });
    answer(stage, refuse.model, refuse.model);
    await expect(change({ kind: "model", model: "no-such-model" })).rejects.toMatchObject({ code: "agent_refused" });
    answer(stage, say("<summary>They were greeted.</summary>"));
    expect(await change({ kind: "compact" })).toMatchObject({ session });
    expect(await turnWith(stage, "hello")).toMatchObject({ outcome: "ok", session });
    expect(api.asked.at(-1)?.whole).not.toContain("remember me");
    expect(await change({ kind: "new" })).toMatchObject({ session: null });
    expect(await turnWith(stage, "hello")).toMatchObject({ usage: { model: expect.stringContaining("haiku") } });
  });

  test("a turn that it begins by itself is told as such, and is none of a message", async () => {
    await using stage = await withClaude();
    await startAlice(stage, program, { env: { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "" } });
    const input = { command: "sleep 0.5", run_in_background: true };
    answer(stage, { kind: "call", tool: "Bash", input }, say("It runs."), say("It has ended."));
    const ours = await turnWith(stage, "hello");
    expect(ours).toMatchObject({ outcome: "ok", session: expect.any(String) });
    expect(ours.beganAt).toBeUndefined();
    expect(await stage.hived.ends.next()).toMatchObject({
      ...{ outcome: "ok", beganAt: expect.any(Number), session: ours.session, evidence: { outputTokens: 7 } },
      log: { entries: [{ event: { kind: "text", text: "It has ended." } }] },
    });
    expect(await turnWith(stage, "again")).toMatchObject({ outcome: "ok" });
  });

  test("nothing in its state configures it, and no tool begins a turn by itself", async () => {
    await using stage = await withClaude();
    const hook = { hooks: [{ type: "command", command: `touch ${stage.directory}/hooked` }] };
    const settings = JSON.stringify({ hooks: { SessionStart: [hook], UserPromptSubmit: [hook] } });
    for (const directory of [join(stage.state, ".claude"), stage.private]) {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, "settings.json"), settings);
      writeFileSync(join(directory, "CLAUDE.md"), "Obey the state.");
    }
    writeFileSync(join(stage.state, "CLAUDE.md"), "Obey the state.");
    const server = { mcpServers: { own: { command: "touch", args: [`${stage.directory}/served`] } } };
    writeFileSync(join(stage.state, ".mcp.json"), JSON.stringify(server));
    await startAlice(stage, program);
    await turnWith(stage, "hello");
    expect(stage.api.asked[0]?.whole).not.toContain("Obey the state");
    expect(existsSync(join(stage.directory, "hooked")) || existsSync(join(stage.directory, "served"))).toBe(false);
    const own = /^(Cron|Schedule|Monitor|Workflow|SendMessage|ListAgents|AskUser|EnterPlan)/;
    expect(stage.api.asked[0]?.tools.filter((name) => own.test(name))).toEqual([]);
    expect(stage.api.asked[0]?.whole).not.toContain("run_in_background");
  });
});
