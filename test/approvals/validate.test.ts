import { expect, test } from "vitest";
import { validate } from "../../src/hived/approvals/validate.ts";
import { config, decision, destroy, file, files, inputs, spawn, yaml } from "./proposal.ts";

test("characters that nobody sees are named in what a proposal would allow", () => {
  const model = "opus\u202E\u200B";
  const text = `harness: { driver: claude, model: "${model}" }\nruntime: { driver: process }\n`;
  const said = validate({ ...spawn, headText: text }).permissions.map((permission) => permission.text);
  expect(said.join("\n")).toContain("opus<U+202E><U+200B>");
  expect(said.join("\n")).not.toMatch(/\p{Cf}/u);
});

test("a new directory is the spawn of its agent, with all that it may do", () => {
  const verdict = validate(spawn);
  expect(verdict).toMatchObject({ kind: "spawn", agent: "bob", problems: [] });
  expect(verdict.permissions).toContainEqual({ weight: "risk", text: "reaches the whole network" });
});

test("a changed directory is a config, with what changes alone", () => {
  const verdict = validate(config(`${yaml}recipients: [carol]\n`));
  expect(verdict).toMatchObject({ kind: "config", agent: "bob", problems: [] });
  expect(verdict.permissions).toEqual([{ weight: "more", text: "may newly write to carol" }]);
});

test("a removed directory is the end of its agent", () => {
  expect(validate(destroy)).toMatchObject({ kind: "destroy", agent: "bob", problems: [] });
});

test("inputs.json alone is inputs, and files of decisions/ are a decision, also several", () => {
  expect(validate(inputs('{"inputs":{}}', '{"inputs":{}}'))).toMatchObject({
    kind: "inputs",
    agent: null,
    problems: [],
  });
  expect(validate(decision)).toMatchObject({ kind: "decision", agent: null, problems: [] });
});

test.each([
  [["agents/bob/agent.yaml", "agents/carol/agent.yaml"], "agents/bob, agents/carol"],
  [["agents/bob/agent.yaml", "inputs.json"], "agents/bob, inputs.json"],
  [["decisions/tabs.md", "inputs.json"], "decisions/tabs.md, inputs.json"],
  [["README.md"], "README.md, which no approval is about"],
  [["agents/bob"], "agents/bob, which no approval is about"],
  [["decisions/tabs/why.md"], "decisions/tabs/why.md, which"],
  [[], "It changes nothing."],
])("a change of %j is none that can be acted on, and says what to do instead", (changedPaths, why) => {
  const { kind, agent, problems } = validate({ ...spawn, changedPaths });
  expect({ kind, agent }).toEqual({ kind: "other", agent: null });
  expect(problems).toEqual([expect.stringContaining(why)]);
  expect(problems[0]).toMatch(/split it up, or let the operator merge it by hand\.$/);
});

test.each(["operator", "Bob", "b", "bob--b", "hive-bot", "api"])("an agent can't be called %s", (name) => {
  const verdict = validate({ ...spawn, changedPaths: [`agents/${name}/agent.yaml`] });
  expect(verdict.problems).toEqual([expect.stringContaining(`agents/${name}: `)]);
});

test("links, submodules and a missing AGENTS.md are problems", () => {
  const head = [file("agent.yaml"), file("skills", { mode: "160000" }), file("passwd", { mode: "120000" })];
  expect(validate({ ...spawn, head }).problems).toEqual([
    expect.stringContaining("agents/bob/skills: only plain files"),
    expect.stringContaining("agents/bob/passwd: only plain files"),
    expect.stringContaining("AGENTS.md: it is missing"),
  ]);
});

test("a prompt and a file of a skill have at most 64 KiB, an agent 1 MiB in all", () => {
  const bytes = 64 * 1024;
  const of = (size: number) => [
    file("agent.yaml"),
    file("AGENTS.md", { bytes: size }),
    file("skills/a/b", { bytes: size }),
  ];
  expect(validate({ ...spawn, head: of(bytes) }).problems).toEqual([]);
  expect(validate({ ...spawn, head: of(bytes + 1) }).problems).toEqual([
    "agents/bob/AGENTS.md: 65537 bytes, and a prompt has at most 65536",
    "agents/bob/skills/a/b: 65537 bytes, and a file of a skill has at most 65536",
  ]);
  const { problems } = validate({ ...spawn, head: [...files, file("data.csv", { bytes: 1024 * 1024 })] });
  expect(problems).toEqual(["agents/bob: over 1048576 bytes in all"]);
});

test("an empty prompt is a problem", () => {
  const head = [file("agent.yaml"), file("AGENTS.md", { bytes: 0 })];
  expect(validate({ ...spawn, head }).problems).toEqual(["agents/bob/AGENTS.md: it is empty"]);
});

test("an agent.yaml that does not parse is named with file, line and field", () => {
  expect(validate({ ...spawn, headText: "harness:\n  driver: smoke\n  profile: script\n" }).problems).toEqual([
    expect.stringMatching(/^agents\/bob\/agent\.yaml: line 2: field harness\.driver: /),
  ]);
});

test("there is one manager", () => {
  const headText = `role: manager\n${yaml}`;
  expect(validate({ ...spawn, headText }).problems).toEqual([expect.stringContaining("has a manager already")]);
  expect(validate({ ...spawn, headText, manager: null }).problems).toEqual([]);
});

const pinned = '{\n  "inputs": {\n    "cli": "2.0.0"\n  }\n}\n';

test.each([
  ["no JSON", "inputs: {}", "inputs.json: Unexpected token"],
  ["another field", pinned.replace("}\n}", '},\n  "x": 1\n}'), "inputs.json: field (top): Unrecognized key"],
  [
    "a range",
    pinned.replace("2.0.0", "^2.0.0"),
    "inputs.json: line 3: field inputs.cli: is one exact version, no range",
  ],
  ["a version that moves", pinned.replace("2.0.0", "latest"), "inputs.json: line 3: field inputs.cli: moves"],
  ["a number", pinned.replace('"2.0.0"', "2"), "inputs.json: line 3: field inputs.cli: Invalid input"],
  [
    "an unknown input",
    pinned.replace("cli", "cil"),
    "inputs.json: field inputs.cil: nothing is built from it. Known: claude-agent-acp, claude-code, cli, ",
  ],
])("inputs.json with %s is refused, and says where", (_, headText, problem) => {
  expect(validate(inputs(headText, pinned)).problems).toEqual([expect.stringContaining(problem)]);
});

test("an input that main pins can be pinned otherwise, or no more; inputs.json itself can't go", () => {
  expect(validate(inputs(pinned.replace("2.0.0", "2.0.1"), pinned)).problems).toEqual([]);
  expect(validate(inputs('{"inputs":{}}', pinned)).problems).toEqual([]);
  expect(validate({ ...inputs("", pinned), head: [], headText: null }).problems).toEqual([
    "inputs.json: it is missing",
  ]);
});

test("a decision is plain files, none over 256 KiB", () => {
  const odd = file("decisions/tabs.md", { mode: "120000", bytes: 256 * 1024 + 1 });
  expect(validate({ ...decision, head: [odd] }).problems).toEqual([
    "decisions/tabs.md: only plain files are allowed, no links and no submodules",
    "decisions/tabs.md: over 262144 bytes",
  ]);
});
