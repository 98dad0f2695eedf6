import { expect, test } from "vitest";
import { type Proposal, validate } from "../../src/hived/approvals/validate.ts";

const yaml = "harness: { driver: acp, profile: script }\n";
const files = ["agent.yaml", "AGENTS.md"].map((path) => ({ path, mode: "100644", bytes: 100 }));
const spawn: Proposal = {
  changedPaths: ["agents/bob/agent.yaml", "agents/bob/AGENTS.md"],
  head: files,
  main: [],
  headYaml: yaml,
  mainYaml: null,
  manager: "manager",
};

test("a new directory is the spawn of its agent, with all that it may do", () => {
  const verdict = validate(spawn);
  expect(verdict).toMatchObject({ kind: "spawn", agent: "bob", problems: [] });
  expect(verdict.permissions).toContain("reaches the whole network");
});

test("a changed directory is a config, with what changes alone", () => {
  const verdict = validate({ ...spawn, main: files, mainYaml: yaml, headYaml: `${yaml}recipients: [carol]\n` });
  expect(verdict.kind).toBe("config");
  expect(verdict.permissions).toEqual([
    "may write to the manager, the operator, carol (before: may write to the manager, the operator)",
  ]);
});

test("a removed directory, inputs, a decision and anything mixed are not acted on, and say what to do instead", () => {
  const kinds = [
    { ...spawn, head: [], main: files, headYaml: null, mainYaml: yaml },
    { ...spawn, changedPaths: ["inputs.json"] },
    { ...spawn, changedPaths: ["decisions/tabs.md"] },
    { ...spawn, changedPaths: ["agents/bob/agent.yaml", "agents/carol/agent.yaml"] },
    { ...spawn, changedPaths: [] },
  ].map((proposal) => validate(proposal));
  expect(kinds.map(({ kind }) => kind)).toEqual(["destroy", "inputs", "decision", "other", "other"]);
  for (const { problems } of kinds) expect(problems).toHaveLength(1);
});

test.each(["operator", "Bob", "b", "bob--b", "hive-bot", "api"])("an agent can't be called %s", (name) => {
  const verdict = validate({ ...spawn, changedPaths: [`agents/${name}/agent.yaml`] });
  expect(verdict.problems).toEqual([expect.stringContaining(`agents/${name}: `)]);
});

test("links, submodules and a missing AGENTS.md are problems", () => {
  const head = [
    { path: "agent.yaml", mode: "100644", bytes: 10 },
    { path: "skills", mode: "160000", bytes: 0 },
    { path: "passwd", mode: "120000", bytes: 11 },
  ];
  expect(validate({ ...spawn, head }).problems).toEqual([
    expect.stringContaining("agents/bob/skills: only plain files"),
    expect.stringContaining("agents/bob/passwd: only plain files"),
    expect.stringContaining("AGENTS.md: it is missing"),
  ]);
});

test("an agent.yaml that does not parse is named with file, line and field", () => {
  expect(validate({ ...spawn, headYaml: "harness:\n  driver: smoke\n  profile: script\n" }).problems).toEqual([
    expect.stringMatching(/^agents\/bob\/agent\.yaml: line 2: field harness\.driver: /),
  ]);
});

test("there is one manager", () => {
  const headYaml = `role: manager\n${yaml}`;
  expect(validate({ ...spawn, headYaml }).problems).toEqual([expect.stringContaining("has a manager already")]);
  expect(validate({ ...spawn, headYaml, manager: null }).problems).toEqual([]);
});
