import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { findApproval } from "../../src/hived/approvals/approvals.ts";
import { followApproval } from "../../src/hived/approvals/follow.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { provisionAgent } from "../../src/hived/forge/provision.ts";
import { type Lifecycle, openLifecycle } from "../lifecycle/open-lifecycle.ts";
import { forges } from "../support/forges.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const yaml = "role: worker\nharness: { driver: acp, profile: script }\nruntime: { driver: process }\n";

describe.each(forges)("on $name", ({ start }) => {
  let forge: RunningForge;
  let hive: Lifecycle;
  beforeAll(async () => {
    forge = await start();
    hive = await openLifecycle(forge);
    await provisionAgent(hive.forgeParts, AgentName.parse("manager"), "manager");
    await hive.broker.connect();
  });
  afterAll(async () => {
    await hive.broker[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("an approval that was given to another base does not count for main; one that is given again does", async () => {
    const { operator, core, parts, forgeParts } = hive;
    const manager = withToken(forge.url, forgeParts.tokens.read("manager") ?? "");
    const files = { "agents/alice/agent.yaml": yaml, "agents/alice/AGENTS.md": "Do it.\n" };
    const { number, head } = await manager.propose(agentsRepo, "agent-alice", files);
    const pull = `/repos/${agentsRepo}/pulls/${number}`;
    const approve = () =>
      operator.call("POST", `${pull}/reviews`, { event: "APPROVED", commit_id: head, body: "Good." });
    await operator.call("POST", `/repos/${agentsRepo}/branches`, { new_branch_name: "draft", old_branch_name: "main" });
    await manager.call("PATCH", pull, { base: "draft" });
    await approve();
    await manager.call("PATCH", pull, { base: "main" });

    const row = () => core.db.read((reader) => findApproval(reader, number));
    await followApproval(parts, number);
    expect(row()).toMatchObject({ state: "waiting", problem: expect.stringContaining("another branch") });
    await approve();
    await followApproval(parts, number);
    expect(row()?.mergeCommit).toEqual(expect.any(String));
  });
});
