import { expect, test } from "vitest";
import type { Finding } from "../../src/contract/examination.ts";
import type { Place } from "../../src/contract/launch.ts";
import type { AgentName, LaunchId, ObjectId } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import type { Told } from "../../src/contract/told.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { addAgent, changeAgent } from "../../src/hived/agents/agents.ts";
import { addDeployment, endDeployment } from "../../src/hived/lifecycle/deployments.ts";
import { examineAgent, readAgentPrompt } from "../../src/hived/lifecycle/look-into.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import { openCore, type TestCore } from "../support/open-core.ts";

const place: Place = {
  ...{
    agentsRoot: "/a",
    sharedRoot: "/s",
    docsRoot: "/d",
    launchesRoot: "/l",
    privateRoot: "/p",
    node: "/n",
    program: "/h",
  },
  ...{ runtimes: ["process"], missing: {} },
};
const tree = "a".repeat(40) as ObjectId;
const alice = "alice" as AgentName;
const yaml = "harness: { driver: acp, profile: script }\n";
const toBase64 = (text: string) => Buffer.from(text).toString("base64");
const answer: Told = { text: "You are alice.", way: "by hand", skills: [] };
const finding: Finding = { what: "git", state: "well", found: "It reads.", next: null };

/** hived's parts with a runner that only answers; what happens is kept in order. */
function open(core: TestCore, token = "t0ken") {
  const seen: unknown[] = [];
  const runner = {
    place: () => place,
    call: async (name: string, request: object) => {
      if (name !== "prepareAgent") seen.push([name, request]);
      return name === "examine" ? { findings: [finding] } : answer;
    },
  };
  const sockets = {
    open: async (launch: LaunchId) => void seen.push(["open", launch]),
    close: async (launch: LaunchId) => void seen.push(["close", launch]),
  };
  const parts = {
    core,
    runner: runner as never,
    forgeUrl: "http://forge.test",
    sockets,
    tokens: { read: (): string | undefined => token },
    forge: {
      as: () => ({ readFiles: async () => [{ path: "agent.yaml", content: toBase64(yaml), executable: false }] }),
    },
    provisionAgent: async () => undefined,
  };
  return { parts: parts as unknown as LifecycleParts, seen };
}

async function stoppedAgent(core: TestCore, hasRun = true): Promise<void> {
  const config = JSON.stringify(AgentConfig.parse({ harness: { driver: "acp", profile: "script" } }));
  await core.db.write((tx) => {
    addAgent(tx, core, { name: alice, role: "worker", wanted_tree: tree, wanted_commit: tree });
    if (hasRun) changeAgent(tx, core, alice, { config, running_tree: tree, state: "stopped", wish: "stopped" });
  });
}

test("a stopped agent is examined in a launch's directory of its own, which is gone with the answer", async () => {
  await using core = openCore();
  await stoppedAgent(core);
  const { parts, seen } = open(core);
  expect(await examineAgent(parts, alice)).toEqual({
    ...{ agent: alice, codingAgent: "script", runtime: "process", findings: [finding] },
  });
  const launch = expect.stringMatching(/^launch-/);
  expect(seen).toEqual([
    ["open", launch],
    ["examine", expect.objectContaining({ launch, command: ["/n", "/h/src/script-agent/main.ts"] })],
    ["close", launch],
  ]);
  expect(new Set(seen.map((step) => JSON.stringify(step).match(/launch-\w+/)?.[0])).size).toBe(1);
});

test("the directory is gone, too, when the runner fails", async () => {
  await using core = openCore();
  await stoppedAgent(core);
  const { parts, seen } = open(core);
  parts.runner = { place: () => place, call: () => Promise.reject(new Error("it broke")) } as never;
  await expect(examineAgent(parts, alice)).rejects.toThrow("it broke");
  expect(seen.at(-1)).toEqual(["close", expect.anything()]);
});

test("what an agent is told is asked of its runner, with where it finds what", async () => {
  await using core = openCore();
  await stoppedAgent(core);
  const { parts, seen } = open(core);
  expect(await readAgentPrompt(parts, alice)).toEqual(answer);
  const values = {
    agent: "alice",
    role: "a worker",
    forge: "http://forge.test",
    state: "/a/alice/state",
    docs: "/d/current",
  };
  const driver = expect.objectContaining({ kind: "acp", profile: "script" });
  expect(seen).toEqual([["readPrompt", { agent: alice, tree, values: expect.objectContaining(values), driver }]]);
});

test("of an agent that has never run, the version that could not be started is examined", async () => {
  await using core = openCore();
  await stoppedAgent(core, false);
  await core.db.write((tx) => {
    const number = addDeployment(tx, core, { agent: alice, commit: tree, tree, approvals: [] });
    endDeployment(tx, { agent: alice, number }, "failed", "alice could not be started.");
  });
  expect(await examineAgent(open(core).parts, alice)).toMatchObject({ codingAgent: "script", findings: [finding] });
  expect(await readAgentPrompt(open(core).parts, alice)).toEqual(answer);
});

test("an agent of which no version has come, or that has no account any more, is refused with what to do", async () => {
  await using core = openCore();
  await stoppedAgent(core, false);
  await expect(readAgentPrompt(open(core).parts, alice)).rejects.toThrow(Refusal);
  await expect(examineAgent(open(core).parts, alice)).rejects.toThrow(
    "No version of alice has come here yet: it is converging.",
  );
  await using other = openCore();
  await stoppedAgent(other);
  const { parts } = open(other);
  parts.tokens = { read: () => undefined };
  await expect(examineAgent(parts, alice)).rejects.toThrow("alice has no account on the forge any more.");
});
