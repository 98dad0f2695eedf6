import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { findAgent } from "../../src/hived/agents/agents.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { newestDeployment } from "../../src/hived/lifecycle/deployments.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent } from "../support/open-core.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { type Lifecycle, openLifecycle } from "./open-lifecycle.ts";

describe.each(forges)("what main of hive/agents says, on $name", ({ start }) => {
  let forge: RunningForge;
  let hive: Lifecycle;
  const failed = async (number: number) =>
    (
      await hive.core.event(
        "ApprovalChanged",
        ({ fact }) => fact.approval.number === number && fact.approval.state === "failed",
      )
    ).fact.approval;
  const told = (number: number) =>
    hive.core.event(
      "MessageSent",
      ({ fact }) => fact.message.to === "boss" && fact.message.body.startsWith(`Your proposal #${number} `),
    );

  beforeAll(async () => {
    forge = await start();
    hive = await openLifecycle(forge);
    await addIdleAgent(hive.core, "boss", { role: "manager" });
    await hive.push("boss");
  });
  afterAll(async () => {
    await hive.broker[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test.each([
    [101, "gone", "main has no agents/gone"],
    [102, "No_Name", "agents/No_Name is no agent's directory"],
  ])(
    "a merged approval (%i) whose agent %s is none has failed, and its submitter hears why",
    async (number, agent, why) => {
      if (agent === "No_Name") await hive.push(agent);
      await hive.merged(number, agent);
      await hive.followMain();
      expect(await failed(number)).toMatchObject({ problem: expect.stringContaining(why) });
      expect((await told(number)).fact.message.body).toContain(why);
      const [status] = await hive.forgeParts.forge.as("hive-bot").listStatuses(agentsRepo, await hive.main());
      expect(status).toMatchObject({ context: "hive/deploy", state: "failure" });
    },
  );

  test("an agent that main loses while it is on its way ends its deployment, and fails what waited for it", async () => {
    const alice = AgentName.parse("alice");
    const newest = () => hive.core.db.read((reader) => newestDeployment(reader, alice));
    await hive.push("alice");
    await hive.merged(103, "alice");
    await hive.followMain(); // no runner is connected: it stays on its way
    await hive.core.event("AgentChanged", ({ fact }) => fact.agent.name === alice);
    expect(newest()).toMatchObject({ state: "converging", approvals: [103] });
    await hive.remove("alice");
    await hive.followMain();
    expect(await failed(103)).toMatchObject({ problem: expect.stringContaining("main has no agents/alice") });
    await told(103);
    expect(newest()).toMatchObject({ state: "superseded" });
    expect(hive.core.db.read((reader) => findAgent(reader, alice))).toMatchObject({ wish: "destroyed" });
  });
});
