/** What each kind of approval brings about once it is approved, however its pull request was made. */
import { expect, test } from "vitest";
import { Refusal } from "../../src/contract/refusal.ts";
import { agentSchemaText } from "../../src/hived/agents/agent-yaml.ts";
import { agentSchemaFile, agentsRepo } from "../../src/hived/forge/plan.ts";
import { provision } from "../../src/hived/forge/provision.ts";
import type { Approvals } from "./open-approvals.ts";

export function kinds(hive: () => Approvals, onOne: typeof test): void {
  test("the schema of agent.yaml is there from the start, and what the operator makes of it stays", async () => {
    expect(await hive().readMain(agentSchemaFile)).toBe(agentSchemaText());
    await hive().write(agentSchemaFile, "{}\n");
    await provision(hive().forgeParts);
    expect(await hive().readMain(agentSchemaFile)).toBe("{}\n");
  });

  onOne("a removed directory stops its agent for good, and its proposer hears when that is done", async () => {
    const proposed = await hive().propose("spawn-bob", hive().worker("bob"));
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    await hive().becomes(proposed, "deployed");
    const removal = await hive().propose("destroy-bob", {
      "agents/bob/agent.yaml": null,
      "agents/bob/AGENTS.md": null,
    });
    await hive().follow(removal);
    expect(hive().row(removal)).toMatchObject({ kind: "destroy", agent: "bob", state: "waiting" });
    await hive().review(removal, "APPROVED");
    await hive().follow(removal);
    await hive().becomes(removal, "deployed");
    expect(hive().agent("bob")).toMatchObject({ wish: "destroyed", state: "stopped", launch: null });
    expect(hive().forgeParts.tokens.read("bob")).toBeUndefined();
    expect(hive().told(removal)).toEqual(["it was approved, and bob is stopped for good. Its state is kept."]);
    expect((await hive().statuses(removal.head))[0]).toBe("deploy success: bob is stopped for good");
    await hive().expectSettled(removal);
  });

  test("another version of inputs.json is merged, and told", async () => {
    await hive().write("inputs.json", '{ "inputs": { "cli": "1.0.0" } }\n');
    const text = '{ "inputs": { "cli": "1.0.1" } }\n';
    const proposed = await hive().propose("cli-1.0.1", { "inputs.json": text });
    await hive().review(proposed, "APPROVED"); // before anybody has looked at it
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ kind: "inputs", agent: null, state: "deployed" });
    expect(await hive().readMain("inputs.json")).toBe(text);
    expect(hive().told(proposed)).toEqual(["it was approved, and main has it."]);
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy success: merged");
    await hive().expectSettled(proposed);
  });

  onOne("inputs.json that changed on main since is outdated, and says so", async () => {
    const proposed = await hive().propose("cli-1.0.2", { "inputs.json": '{ "inputs": { "cli": "1.0.2" } }\n' });
    await hive().write("inputs.json", '{ "inputs": { "cli": "1.1.0" } }\n');
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({
      state: "refused",
      problem: expect.stringContaining("inputs.json changed"),
    });
    expect(await hive().isMerged(proposed)).toBe(false);
  });

  test("a decision on a branch, opened by the forge's API, goes the same way as one that was pushed", async () => {
    const bot = hive().as("hive-bot");
    const content = Buffer.from("We indent with tabs.\n").toString("base64");
    await bot.call("POST", `/repos/${agentsRepo}/contents/decisions/tabs.md`, {
      ...{ content, message: "Tabs", branch: "main", new_branch: "tabs" },
    });
    const opened = await bot.call("POST", `/repos/${agentsRepo}/pulls`, { head: "tabs", base: "main", title: "Tabs" });
    const branched = { number: (opened as { number: number }).number, head: "" };
    branched.head = await hive().headOf(branched);
    const pushed = await hive().propose("spaces", { "decisions/spaces.md": "No spaces.\n" });
    for (const proposed of [branched, pushed]) {
      await hive().follow(proposed);
      expect(hive().row(proposed)).toMatchObject({ kind: "decision", state: "waiting" });
      await hive().review(proposed, "APPROVED");
      await hive().follow(proposed);
      expect(hive().row(proposed)).toMatchObject({ state: "deployed" });
      expect((await hive().statuses(proposed.head))[0]).toBe("deploy success: merged");
    }
    expect(
      hive()
        .row(branched)
        .course.map(({ state }) => state),
    ).toEqual(
      hive()
        .row(pushed)
        .course.map(({ state }) => state),
    );
    expect(hive().told(pushed)).toEqual(["it was approved, and main has it."]);
    expect(await hive().readMain("decisions/tabs.md")).toBe("We indent with tabs.\n");
  });

  onOne(
    "several things at once are refused with the reason, as status, comment and message, also when approved",
    async () => {
      const proposed = await hive().propose("both", { ...hive().worker("carol"), "README.md": "Mine.\n" });
      await hive().review(proposed, "APPROVED");
      await hive().follow(proposed);
      expect(hive().row(proposed)).toMatchObject({ kind: "other", agent: null, state: "invalid" });
      const why = "It changes several things at once: README.md, agents/carol.";
      expect((await hive().statuses(proposed.head))[0]).toContain(`validate failure: ${why}`);
      expect(await hive().verdicts(proposed)).toEqual([expect.stringContaining(why)]);
      expect(hive().told(proposed)).toEqual([expect.stringContaining(why)]);
      expect(await hive().isMerged(proposed)).toBe(false);
      await hive().expectSettled(proposed);
    },
  );

  test("one about several agents that the operator merges by hand is told of each, and fails with one of them", async () => {
    const proposed = await hive().propose("several", {
      ...hive().worker("nina"),
      ...hive().worker("otto"),
      "README.md": "Ours.\n",
    });
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ kind: "other", state: "invalid" });
    await hive().review(proposed, "APPROVED");
    hive().runner.before.launch = () => {
      delete hive().runner.before.launch; // the other one starts
      throw new Refusal("launch_failed", "There is no space.", "Make some.");
    };
    const merge = () => hive().operator.status("POST", `${hive().pullPath(proposed)}/merge`, { Do: "merge" });
    await expect.poll(merge, { timeout: 20_000 }).toBe(200); // 405 while the forge looks for conflicts
    await hive().follow(proposed);
    await hive().becomes(proposed, "failed");
    await hive().core.event("MessageSent", ({ fact: { message } }) => {
      return message.body.startsWith(`Your proposal #${proposed.number} `) && message.body.includes("as version 1.");
    });
    await hive().allDone("tell-deployment");
    const said = hive().told(proposed).slice(1).sort().join("\n");
    expect(said).toMatch(
      /^it was merged by hand, and (nina|otto) runs as version 1\.\n(?!\1)(nina|otto) could not be started: .+$/,
    );
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy failure: There is no space. Make some.");
    await hive().expectSettled(proposed);
  });

  onOne("what a push takes back is told to whoever proposed it, with a status and an event", async () => {
    const first = await hive().propose("pia", hive().worker("pia", "One.\n"));
    await hive().review(first, "APPROVED");
    await hive().follow(first);
    await hive().becomes(first, "deployed");
    const second = await hive().propose("pia-2", { "agents/pia/AGENTS.md": "Two.\n" });
    await hive().review(second, "APPROVED");
    await hive().follow(second);
    await hive().becomes(second, "deployed");
    await hive().write("agents/pia/AGENTS.md", "One.\n");
    await hive().followMain();
    const why = "It was taken back: pia runs version 3, which is version 1 again.";
    await hive().core.event("ApprovalChanged", ({ fact }) => fact.approval.problem === why);
    expect(hive().told(second)).toEqual(["it was approved, and pia runs as version 2.", why]);
    expect(hive().told(first)).toHaveLength(1);
    expect((await hive().statuses(second.head))[0]).toBe(`deploy failure: ${why}`);
    await hive().expectSettled(second);
  });
}
