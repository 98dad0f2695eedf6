import { expect, test } from "vitest";
import { parseAgentYaml } from "../../src/hived/agents/agent-yaml.ts";

const problemsOf = (text: string) => {
  const parsed = parseAgentYaml(text);
  return "problems" in parsed ? parsed.problems : [];
};

test("an agent.yaml needs nothing but its harness", () => {
  expect(parseAgentYaml("harness: { driver: acp, profile: script }")).toMatchObject({
    config: { role: "worker", recipients: [], runtime: { network: "full" }, limits: { turn_minutes: 60 } },
  });
});

test("what is not YAML is named by its line", () => {
  expect(problemsOf("role: worker\nharness: [")).toEqual([expect.stringMatching(/^line \d+: /)]);
});

test("a wrong value is named by its line and field", () => {
  expect(problemsOf("role: worker\nharness:\n  driver: acp\n  profile: gpt\n")).toEqual([
    expect.stringMatching(/^line 4: field harness\.profile: /),
  ]);
});

test("an unknown field is a problem, so that a misspelt limit is not simply ignored", () => {
  expect(problemsOf("harness: { driver: acp, profile: script }\nrecipient: [bob]\n")).toEqual([
    expect.stringContaining("recipient"),
  ]);
});

test("Claude Code is named by its driver, and each coding agent may have a command, a model and variables of its own", () => {
  const harness = {
    driver: "claude",
    command: ["/opt/claude"],
    model: "opus",
    env: { ANTHROPIC_BASE_URL: "http://gw" },
  };
  expect(parseAgentYaml(JSON.stringify({ harness }))).toMatchObject({ config: { harness } });
});

test.each([
  ["HIVE_AGENT", "is the hive's own"],
  ["PATH", "is the hive's own"],
  ["LD_PRELOAD", "load something"],
  ["NODE_OPTIONS", "load something"],
  ["OPENAI_API_KEY", "looks like a secret"],
  ["CLAUDE_CODE_OAUTH_TOKEN", "looks like a secret"],
  ["GOOGLE_APPLICATION_CREDENTIALS", "looks like a secret"],
  ["a b", "no name of a variable"],
])("the variable %s is refused with its line and the reason", (name, reason) => {
  const text = `harness:\n  driver: claude\n  env:\n    MAX_THINKING_TOKENS: "1000"\n    ${name}: x\n`;
  expect(problemsOf(text)).toEqual([expect.stringMatching(`^line 5: field harness\\.env\\.${name}: .*${reason}`)]);
});

test("an alias is refused with its line", () => {
  expect(problemsOf("a: &a [x, x]\nrole: *a\n")).toEqual(["line 2: aliases (*name) are not allowed"]);
});

test("a file of over 64 KiB is not looked at", () => {
  expect(problemsOf(`# ${"x".repeat(70_000)}`)).toEqual([expect.stringContaining("65536 bytes")]);
});
