import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tools as hiveTools } from "../../src/contract/tools.ts";
import { parseAgentYaml } from "../../src/hived/agents/agent-yaml.ts";
import { openMemory } from "../../src/script-agent/memory.ts";
import { readScript } from "../../src/script-agent/script.ts";
import type { Tools } from "../../src/script-agent/tools.ts";
import { takeTurn } from "../../src/script-agent/turn.ts";

const manager = "seeds/hive/agents/agents/manager";
const { worker = "" } = readScript(join(manager, "script.yaml")).vars;
const welcome = { id: "1", from: "system", body: "Welcome: you have been started for the first time. Begin." };

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "hive-"));
});
afterEach(() => rmSync(state, { recursive: true }));

test("the first turn of the manager proposes a worker that the hive would take", async () => {
  const [proposal] = await proposals([welcome]);
  expect(proposal).toMatchObject({ name: worker, reason: expect.stringContaining("first worker") });
  expect(parseAgentYaml(proposal?.agent_yaml ?? "")).toHaveProperty("config");
  expect(Object.keys(proposal?.files ?? {})).toEqual(["script.yaml"]);
  const script = readScript(join(manager, "worker/script.yaml"));
  expect(script.rules.map(({ name }) => name)).toContain("first day");
});

test("what is proposed already, or there already, is not proposed again", async () => {
  const thread = { kind: "approval", id: 1, summary: `Add the agent ${worker}`, state: "waiting" };
  expect(await proposals([welcome], { threads: `{"threads": [\n${JSON.stringify(thread)}\n]}` })).toEqual([]);
  expect(await proposals([{ ...welcome, id: "2" }], { me: `You are manager.\n- ${worker} (worker, idle)` })).toEqual(
    [],
  );
});

test("asked for changes, the manager proposes again what the operator wants", async () => {
  const body = `Your proposal #4 (Add the agent ${worker}): the operator asks for changes: Be polite.\n\nPush a new version with the same topic.`;
  const [proposal] = await proposals([{ ...welcome, body }]);
  expect(proposal).toMatchObject({ name: worker, prompt: expect.stringContaining("(message 1)\n\nBe polite.\n") });
});

test("a report of the worker is answered once, and nothing comes of the answer", async () => {
  const called = await turn([{ id: "9", from: worker, body: "My first day" }]);
  expect(called.filter(([name]) => name === "send")).toEqual([
    ["send", expect.objectContaining({ to: worker, in_reply_to: 9, client_id: "thanks-9" })],
  ]);
});

test("no name of the tour is in the code", () => {
  const sources = readdirSync("src", { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const naming = sources.filter(({ parentPath, name }) =>
    readFileSync(join(parentPath, name), "utf8").includes(worker),
  );
  expect(naming.map(({ name }) => name)).toEqual([]);
});

async function proposals(...turnOf: Parameters<typeof turn>) {
  const called = await turn(...turnOf);
  return called.flatMap(([name, args]) =>
    name === "propose_agent" ? [hiveTools.propose_agent.input.parse(args)] : [],
  );
}

/** One turn of the manager; every call is parsed as the hive parses it. */
async function turn(
  messages: { id: string; from: string; body: string }[],
  { me = "You are manager.", threads = "" } = {},
) {
  const called: [string, unknown][] = [];
  const tools: Tools = {
    async call(name, args) {
      called.push([name, hiveTools[name as keyof typeof hiveTools].input.parse(args)]);
      return { isSuccess: true, text: name === "whoami" ? me : threads };
    },
    close: () => Promise.resolve(),
  };
  const nothing = () => Promise.resolve();
  const show = { say: nothing, begin: () => Promise.resolve({ retry: nothing, end: nothing }) };
  const script = readScript(join(manager, "script.yaml"));
  const stage = { script, directory: manager, state, told: "", memory: openMemory(state), tools, show };
  await takeTurn(stage, messages, new AbortController().signal);
  return called;
}
