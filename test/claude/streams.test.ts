/** What the driver makes of what Claude Code was recorded to say: see record.ts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Line, Line as LineSchema } from "../../src/hive-runner/drivers/claude-lines.ts";
import { endOf, noteTold, nothingTold, signsOf } from "../../src/hive-runner/drivers/claude-turn.ts";
import { outcomeOf } from "../../src/hive-runner/outcome.ts";
import { claudeVersion } from "./install.ts";

const streams = join(import.meta.dirname, "streams");

function linesOf(situation: string): (Line | null)[] {
  const [head = "", ...lines] = readFileSync(join(streams, `${situation.replaceAll(" ", "-")}.jsonl`), "utf8")
    .trim()
    .split("\n");
  expect(JSON.parse(head)).toEqual({ recorded: `Claude Code ${claudeVersion}` });
  return lines.map((line) => LineSchema.safeParse(JSON.parse(line)).data ?? null);
}

/** The first turn: what is shown of it, how much of that the model has made, and its end. */
function turnOf(situation: string) {
  const lines = linesOf(situation);
  const last = lines.findIndex((line) => line?.type === "result");
  const result = lines[last];
  if (result?.type !== "result") throw new Error("no turn ends in it");
  const turn = lines.slice(0, last);
  const told = turn.reduce((sofar, line) => (line ? noteTold(sofar, line) : sofar), nothingTold);
  const signs = turn.flatMap(signsOf);
  const { outputTokens, inputTokens, costUsd, context, ...end } = endOf(result, told);
  return {
    shown: signs.flatMap(({ event }) => event ?? []),
    outputs: signs.filter(({ isOutput }) => isOutput).length,
    ...{ outputTokens, inputTokens, costUsd, context },
    ...outcomeOf(end, null, true),
  };
}

test("a turn shows the model's words as they come, and each tool with what became of it", () => {
  expect(turnOf("text and a tool")).toMatchObject({
    shown: [
      { kind: "tool", id: "toolu_id", title: "Bash: echo hi", status: "in_progress" },
      { kind: "tool", id: "toolu_id", title: "", status: "completed" },
      ...["It ", "says ", "hi."].map((text) => ({ kind: "text", text })),
    ],
    outputs: 4,
    ...{ outcome: "ok", problem: null, inputTokens: 200, outputTokens: 14, costUsd: 0.00108 },
    context: { tokens: 100, window: 1_000_000 },
  });
});

test("a tool that failed is shown as such", () => {
  const failed = { kind: "tool", id: "toolu_id", title: "", status: "failed" };
  expect(turnOf("a tool that fails").shown).toContainEqual(failed);
});

const none = { outputs: 0, outputTokens: 0 };
test.each([
  [
    "signed out",
    { outcome: "needs_login", problem: "Not logged in: sign it in on its page, or by `hive agent login`.", ...none },
  ],
  ["key refused", { outcome: "needs_login", problem: expect.stringMatching(/^Invalid API key: sign/), ...none }],
  ["credit used up", { outcome: "billing", problem: "Credit balance is too low.", ...none }],
  ["rate limit of a key", { outcome: "rate_limited", retryAt: null, ...none }],
  ["limit of a subscription", { outcome: "rate_limited", retryAt: 1_900_000_000_000, ...none }],
  ["near the limit of a subscription", { outcome: "ok", retryAt: null, outputs: 1 }],
  ["overloaded", { outcome: "overloaded", ...none }],
  ["unknown model", { outcome: "model_unavailable", ...none }],
  ["prompt too long", { outcome: "context_full", problem: expect.stringMatching(/^Prompt is too long/), ...none }],
  ["connection cut", { outcome: "network" }],
  ["nobody at the address", { outcome: "network", ...none }],
  ["refused by the model", { outcome: "refused" }],
  ["interrupted", { outcome: "crashed", problem: "It broke its turn off by itself." }],
])("%s", (situation, end) => {
  expect(turnOf(situation)).toMatchObject(end);
});

test("a conversation is made smaller in a turn without any sign of the model", () => {
  const results = linesOf("made smaller").filter((line) => line?.type === "result");
  expect(results.map((result) => endOf(result, nothingTold))).toMatchObject([
    { kind: "stopped", reason: "end_turn" },
    { kind: "stopped", reason: "end_turn", outputTokens: 0 },
  ]);
});

test("a turn of its own says that nobody has prompted it", () => {
  const results = linesOf("a turn of its own").filter((line) => line?.type === "result");
  expect(results.map(({ origin }) => origin?.kind)).toEqual([undefined, "task-notification"]);
  expect(results.map(({ user_message_uuids }) => user_message_uuids?.length)).toEqual([1, undefined]);
});

test("no secret, account or environment is in what is kept of a line", () => {
  const kept = readdirSync(streams).map((file) => JSON.stringify(linesOf(file.replace(".jsonl", ""))));
  expect(kept.filter((text) => /apiKeySource|account|memory_paths|mcp_servers|sk-ant/i.test(text))).toEqual([]);
});
