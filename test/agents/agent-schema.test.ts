/** The JSON schema of agent.yaml says what the check says, to the editor of whoever writes one. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { agentSchemaText, parseAgentYaml } from "../../src/hived/agents/agent-yaml.ts";

const validate = new Ajv2020().compile(JSON.parse(agentSchemaText()));
const isTaken = (text: string) => "config" in parseAgentYaml(text);

test.each([
  "seeds/hive/agents/agents/manager/agent.yaml",
  "seeds/hive/agents/agents/manager/worker/agent.yaml",
  "templates/agent.yaml",
])("%s names the schema in its first line, and fits it", (path) => {
  const text = readFileSync(path, "utf8");
  expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=../../agent.schema.json");
  expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  expect(isTaken(text)).toBe(true);
});

const least = "harness: { driver: acp, profile: script }\n";

test.each([
  ["the least", least, true],
  ["a recipient", `${least}recipients: [bob, "*"]\n`, true],
  ["no harness", "role: worker\n", false],
  ["another profile", "harness: { driver: acp, profile: gpt }\n", false],
  [
    "another driver",
    "harness: { driver: claude, model: opus, env: { HTTP_PROXY: http://p, MAX_TOKENS: '5' } }\n",
    true,
  ],
  ["a profile that its driver has not", "harness: { driver: claude, profile: script }\n", false],
  ["a variable that looks like a secret", "harness: { driver: claude, env: { GEMINI_API_KEY: x } }\n", false],
  ["a variable that is ours", "harness: { driver: claude, env: { HIVE_AGENT: x } }\n", false],
  ["a command of nothing", "harness: { driver: claude, command: [] }\n", false],
  ["an unknown field", `${least}recipient: [bob]\n`, false],
  ["a name that is none", `${least}recipients: [Bob]\n`, false],
  ["a number out of bounds", `${least}limits: { turn_minutes: 0 }\n`, false],
])("schema and check agree on %s", (_, text, isGood) => {
  expect(validate(parse(text))).toBe(isGood);
  expect(isTaken(text)).toBe(isGood);
});

type Field = { description?: string; properties?: Record<string, Field>; oneOf?: Field[] };

test("each field of it has a description", () => {
  const nameless = ({ properties = {}, oneOf = [] }: Field): string[] =>
    [...Object.entries(properties), ...oneOf.flatMap((form) => Object.entries(form.properties ?? {}))].flatMap(
      ([name, field]) => [...(field.description ? [] : [name]), ...nameless(field)],
    );
  expect(nameless(JSON.parse(agentSchemaText()))).toEqual([]);
});
