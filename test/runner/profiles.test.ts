import { expect, test } from "vitest";
import { profiles } from "../../src/hive-runner/profiles/profiles.ts";
import { codingAgentOf } from "../../src/hived/agents/coding-agents.ts";

test.each([
  ["codex", "sk-proj-1", "OPENAI_API_KEY"],
  ["gemini", "AIza1", "GEMINI_API_KEY"],
  ["opencode", "sk-ant-1", "ANTHROPIC_API_KEY"],
  ["opencode", "sk-or-1", "OPENROUTER_API_KEY"],
  ["opencode", "AIza1", "GEMINI_API_KEY"],
  ["opencode", "sk-1", "OPENAI_API_KEY"],
  ["claude", "sk-ant-oat01-1", "CLAUDE_CODE_OAUTH_TOKEN"],
] as const)("%s is signed in with the key %s by %s", (profile, key, variable) => {
  expect(profiles[profile].login?.variableOf(key)).toBe(variable);
});

test.each(["script", "codex", "gemini", "opencode", "claude"] as const)(
  "%s finds in its environment whatever it can be signed in with, and the page offers a link where it has one",
  (profile) => {
    const { secrets = [], signsInByLink = false } = codingAgentOf({ driver: "acp", profile, env: {} });
    const { variables = [], linkArguments = null } = profiles[profile].login ?? {};
    expect([...variables].sort()).toEqual([...secrets].sort());
    expect(linkArguments !== null).toBe(signsInByLink);
  },
);
