import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { DriverSpec } from "../../src/contract/launch.ts";
import type { AgentName, ObjectId } from "../../src/contract/names.ts";
import type { Told } from "../../src/contract/told.ts";
import { readPrompt } from "../../src/hive-runner/agent-prompt.ts";

const top = mkdtempSync(join(tmpdir(), "hive-"));
afterAll(() => rmSync(top, { recursive: true }));

const tree = "a".repeat(40) as ObjectId;
const values = {
  agent: "alice",
  role: "a worker",
  forge: "http://127.0.0.1:3000",
  state: "/agents/alice/state",
  shared: "/shared",
  docs: "/docs",
  config: "/agents/alice/config",
};

const driver = {
  ...{ kind: "acp" as const, profile: "script" as const, cwd: "/", mcpServers: [], session: null },
  model: null,
};
const toldBy = { promptFile: "/run/hive/prompt.md", plugin: "/run/hive/plugin" };

/** What alice is told, with these files in her own directory and in the docs. */
const told = async (own: Record<string, string>, docs: Record<string, string> = {}): Promise<string> =>
  (await read(own, docs, { ...driver, ...toldBy })).text;

function read(own: Record<string, string>, docs: Record<string, string>, spec: DriverSpec): Promise<Told> {
  const root = mkdtempSync(join(top, "place-"));
  const write = (directory: string, files: Record<string, string>) => {
    mkdirSync(directory, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content);
    }
  };
  write(join(root, "agents/alice/config", tree), own);
  write(join(root, "docs/current"), docs);
  const places = { agentsRoot: join(root, "agents"), docsRoot: join(root, "docs"), program: process.cwd() };
  return readPrompt(places, { agent: "alice" as AgentName, tree, values, driver: spec });
}

/** The lines of the index of skills. */
const index = async (text: Promise<string>) => (await text).split("\n").filter((line) => line.includes("/SKILL.md)"));

const skill = (description: string) => `---\nname: x\ndescription: ${description}\n---\n\n# How to\n`;

test("an agent is told who and where it is, which skills there are, and its own AGENTS.md", async () => {
  const own = {
    "AGENTS.md": "# alice\n\nYou look after the parser.\n",
    "skills/grammar/SKILL.md": skill("How we write it"),
  };
  const docs = { "README.md": "x", "skills/README.md": "x", "skills/review/SKILL.md": skill("When you review") };
  await expect(told(own, docs)).resolves.toMatchFileSnapshot("golden/agent-prompt.md");
});

test("without skills and without a word of its own there is no section of them", async () => {
  expect(await told({})).not.toMatch(/## Skills|AGENTS\.md\n/);
});

test("of two skills with one name the agent's own is told", async () => {
  const own = { "skills/review/SKILL.md": skill("mine") };
  const docs = { "skills/review/SKILL.md": skill("everybody's"), "skills/a/SKILL.md": skill("A") };
  expect(await index(told(own, docs))).toEqual([
    "- review (/agents/alice/config/skills/review/SKILL.md): mine",
    "- a (/docs/skills/a/SKILL.md): A",
  ]);
});

test.each([
  ["over several lines", "---\ndescription: >-\n  One\n  two\n---\n", "One two"],
  ["too long", skill("x".repeat(2000)), `${"x".repeat(1023)}…`],
  ["in a head that is no YAML", "---\ndescription: [\n---\n", "(its SKILL.md does not say what it is for)"],
  ["by an alias", "---\na: &a hello\ndescription: *a\n---\n", "(its SKILL.md does not say what it is for)"],
  ["missing", "# How to\n", "(its SKILL.md does not say what it is for)"],
])("a skill whose description is %s is told of all the same", async (_, text, description) => {
  expect(await index(told({}, { "skills/one/SKILL.md": text }))).toEqual([
    `- one (/docs/skills/one/SKILL.md): ${description}`,
  ]);
});

test("a SKILL.md or an AGENTS.md that is a directory keeps nobody from being told the rest", async () => {
  const text = told({ "AGENTS.md/x": "x" }, { "skills/odd/SKILL.md/x": "x", "skills/z/SKILL.md": skill("Z") });
  expect(await index(text)).toEqual([
    "- odd (/docs/skills/odd/SKILL.md): (its SKILL.md does not say what it is for)",
    "- z (/docs/skills/z/SKILL.md): Z",
  ]);
  expect(await text).toContain("(It is a directory in `hive/agents`, not a file");
});

test("an index that is too long is cut, and says how many are left out", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, number) => [`skills/s${number + 10}/SKILL.md`, skill("y".repeat(1000))]),
  );
  const text = told({}, many);
  expect(await index(text)).toHaveLength(15);
  expect(await text).toContain("There are 25 more, which do not fit here: look beside them.");
});

test("what an AGENTS.md has in double braces stays as it is", async () => {
  expect(await told({ "AGENTS.md": "Write {{agent}} and $& into templates." })).toContain(
    "Write {{agent}} and $& into templates.",
  );
});

test("what its coding agent lists by itself is not told again, and nothing is left out by both", async () => {
  const head = (name: string, description: string) => `---\nname: ${name}\ndescription: ${description}\n---\n`;
  const own = { "skills/review/SKILL.md": head("review", "mine") };
  const docs = {
    "skills/review/SKILL.md": head("review", "everybody's"),
    "skills/testing/SKILL.md": head("testing", "How to test"),
    "skills/other/SKILL.md": head("another", "not of its directory's name"),
    "skills/Loud/SKILL.md": head("Loud", "in capitals"),
    "skills/long/SKILL.md": head("long", "x".repeat(1025)),
    "skills/nameless/SKILL.md": "---\ndescription: without a name\n---\n",
    "skills/plain/SKILL.md": "# No head\n",
  };
  const { text, skills } = await read(own, docs, { ...driver, ...toldBy, profile: "opencode" });
  expect(skills.map(({ file, description }) => [file, description])).toEqual([
    ["/agents/alice/config/skills/review/SKILL.md", "mine"],
    ["/docs/skills/testing/SKILL.md", "How to test"],
  ]);
  const names = (await index(Promise.resolve(text))).map((line) => line.split(" ")[1]);
  expect(names).toEqual(["Loud", "long", "nameless", "other", "plain"]);
});
