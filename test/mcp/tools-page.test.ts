/** docs/tools.md is made of the tools themselves: with `UPDATE_SNAPSHOT=1` it is written anew. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { inputOf, toolInstructions, toolList } from "../../src/contract/tools.ts";

const head = `# The agents' tools

<!-- made by test/mcp/tools-page.test.ts, which fails when it is not as it makes it -->

An agent has these tools from the MCP server \`hyperhive\`. Inside its sandbox \`hive mcp\` serves them on stdio; a client outside
calls them at \`/mcp\`, see [mcp.md](mcp.md). Who calls is known from the socket, or from the token: no tool takes it as an argument.

- A call that is refused is answered by an error in words: what is wrong, and what to do next. An argument that a tool does not have
  is refused, too.
- An answer has at most 20,000 characters. What is longer comes in pages, and says with which \`offset\` it goes on; a message is never
  cut (a client outside gets one that is longer by itself).
- An agent calls as often as \`budgets.tool_calls_per_minute\` of its agent.yaml says, all of a minute at once if it likes. A call
  beyond that is refused after a second, with the limit and the time when there is room again.
- A call whose answer got lost with a restart of hived is made again by \`hive mcp\` where that can do no harm: one that only looks,
  a proposal, and what has a \`client_id\`, which \`hive mcp\` adds where it is left out. Of any other the agent is told that it may
  have been carried out.

Every client is told at the beginning:

> ${toolInstructions}
`;

type Property = {
  type?: string;
  default?: unknown;
  description?: string;
  anyOf?: { type?: string }[];
  items?: Property;
};

function render(): string {
  return [head, ...toolList.map(section)].join("\n");
}

function section(tool: (typeof toolList)[number]): string {
  const { name, description, role, readOnly } = tool;
  const schema = z.toJSONSchema(inputOf(tool, true), { io: "input" });
  const inside = tool.input.shape;
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Property>);
  const notes = [
    ...(role ? [`For the ${role} alone.`] : []),
    ...(readOnly ? ["It only looks."] : []),
    ...(properties.some(([key]) => !(key in inside)) ? ["What is marked * is for clients outside of a sandbox."] : []),
  ];
  const rows = properties.map(([key, property]) =>
    [
      `\`${key}\`${key in inside ? "" : " *"}`,
      typeText(property),
      schema.required?.includes(key) ? "needed" : defaultText(property),
      (property.description ?? "").replaceAll("|", "\\|"),
    ].join(" | "),
  );
  const table =
    rows.length === 0
      ? ["It takes no arguments."]
      : ["| argument | type | left out | |", "|---|---|---|---|", ...rows.map((row) => `| ${row} |`)];
  return [`## ${name}\n`, `${[description, ...notes].join(" ")}\n`, ...table, ""].join("\n");
}

const typeText = ({ type, anyOf, items }: Property): string =>
  type === "array" ? `list of ${typeText(items ?? {})}s` : (type ?? anyOf?.map(typeText).join(" or ") ?? "value");

const defaultText = (property: Property): string =>
  property.default === undefined ? "may be" : `\`${JSON.stringify(property.default)}\``;

test("docs/tools.md says what the tools are", async () => {
  await expect(render()).toMatchFileSnapshot(join(import.meta.dirname, "../../docs/tools.md"));
});
