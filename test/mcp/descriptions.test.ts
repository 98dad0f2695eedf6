/** What a coding agent is told of the tools: short enough that none cuts it, and of each tool by the name that it is called by. */
import { expect, test } from "vitest";
import type { z } from "zod";
import { isToolOf, toolInstructions, toolList } from "../../src/contract/tools.ts";

const manager = toolList.filter((tool) => isToolOf("manager", tool));
const textsOf = ({ description, input }: (typeof toolList)[number]) => [
  description,
  ...Object.values(input.shape).map((schema) => (schema as z.ZodType).description ?? ""),
];
const characters = (texts: string[]) => texts.reduce((sum, text) => sum + text.length, 0);

test("all descriptions together, with those of arguments, have under 4,000 characters", () => {
  expect(characters(manager.flatMap(textsOf))).toBeLessThan(4_000);
});

test("the server's instructions have under 2,000 characters", () => {
  expect(toolInstructions.length).toBeLessThan(2_000);
});

test("a tool that a text names exists, and is there for whoever reads that text", () => {
  const words = (texts: string[]) => texts.flatMap((text) => text.match(/(?<=`)[a-z]+(_[a-z]+)*(?=`)/g) ?? []);
  const known = new Set<string>(toolList.map(({ name }) => name));
  for (const role of ["manager", "worker"] as const) {
    const own = toolList.filter((tool) => isToolOf(role, tool));
    const names = new Set(own.map(({ name }) => name));
    const others = new Set(["manager", "operator", "main", ...own.flatMap(({ input }) => Object.keys(input.shape))]);
    const named = words([toolInstructions, ...own.flatMap(textsOf)]);
    expect(named.filter((word) => !names.has(word) && !others.has(word))).toEqual([]);
    expect(named.some((word) => known.has(word))).toBe(true);
  }
});

test("no tool of the manager's is a worker's", () => {
  const only = toolList.filter((tool) => !isToolOf("worker", tool)).map(({ name }) => name);
  expect(only).toEqual(["agent_status", "agent_log", "restart_agent", "rebuild_agent"]);
});
