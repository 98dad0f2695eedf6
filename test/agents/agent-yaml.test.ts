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

test("an alias is refused with its line", () => {
  expect(problemsOf("a: &a [x, x]\nrole: *a\n")).toEqual(["line 2: aliases (*name) are not allowed"]);
});

test("a file of over 64 KiB is not looked at", () => {
  expect(problemsOf(`# ${"x".repeat(70_000)}`)).toEqual([expect.stringContaining("65536 bytes")]);
});
