/** What must not count in the story: approvals of something else than what is proposed, and proposals that nobody can approve. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { bin, type Hive, hives } from "../support/start-hive.ts";
import { begin } from "./begin.ts";
import { agentsRepo, expectDeployed, statusOf, verdictsOf } from "./outcome.ts";
import type { Proposals } from "./proposals.ts";
import { readTour } from "./tour.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const tour = readTour();
const run = promisify(execFile);

describe.for(hives)("on $name", ({ open }) => {
  let hive: Hive;
  let proposals: Proposals;
  beforeAll(async () => {
    hive = open();
    ({ proposals } = await begin(hive, tour));
  });
  afterAll(() => hive[Symbol.asyncDispose]());

  test("an approval of an older head deploys nothing and says to review again; one of the head deploys it", async () => {
    const older = await proposals.propose("older-head", proposals.workerFiles);
    const newer = await proposals.propose("older-head", { ...proposals.workerFiles, "notes.md": "One more file.\n" });
    await proposals.approve(newer, { head: older.head });
    const waiting = await hive.until(({ approvals }) =>
      approvals.find(({ number, problem }) => number === newer.number && problem?.includes("review it again")),
    );
    expect(waiting).toMatchObject({ state: "waiting", head: newer.head });
    expect(waiting.problem).toContain(older.head.slice(0, 10));
    expect(await proposals.isMerged(newer)).toBe(false);
    await proposals.approve(newer);
    await expectDeployed(hive, newer);
  });

  test("a push after the approval needs a new one, also where the forge lets the old one live", async () => {
    const { "AGENTS.md": _, ...others } = proposals.workerFiles;
    const incomplete = await proposals.propose("pushed-after", others);
    expect(incomplete.problem).toContain("AGENTS.md: it is missing");
    await proposals.expectNoEffect(incomplete, () => proposals.approve(incomplete));
    const complete = await proposals.propose("pushed-after", proposals.workerFiles);
    await hive.nothingDue();
    const isLive = await proposals.hasLiveApproval(complete);
    expect(proposals.now(complete)).toMatchObject({
      state: "waiting",
      head: complete.head,
      problem: isLive ? expect.stringContaining("review it again") : null,
    });
    expect(await proposals.isMerged(complete)).toBe(false);
  });

  test("a pull request against another branch is not acted on, and says why; set to main again it waits for a new approval", async () => {
    const approval = await proposals.propose("elsewhere", proposals.workerFiles);
    const branch = { new_branch_name: "draft", old_branch_name: "main" };
    await hive.as("operator").call("POST", `${agentsRepo}/branches`, branch);
    await proposals.retarget(approval, "draft");
    await proposals.told(approval, /it is against draft, and only main counts/);
    expect(proposals.now(approval)).toMatchObject({ state: "refused", problem: expect.stringContaining("draft") });
    await proposals.expectNoEffect(approval, () => proposals.approve(approval));
    await proposals.retarget(approval, "main");
    await hive.until(({ approvals }) =>
      approvals.find(
        ({ number, problem }) => number === approval.number && problem?.includes("against another branch"),
      ),
    );
    expect(await proposals.isMerged(approval)).toBe(false);
  });

  test("an agent.yaml that does not parse is told by line and field, in a status and a comment", async () => {
    const text = "role: worker\nharness:\n  driver: acp\n  profile: scirpt\n";
    const approval = await proposals.propose("misspelt", { ...proposals.workerFiles, "agent.yaml": text });
    const told = /agent\.yaml: line 4: field harness\.profile/;
    expect(approval).toMatchObject({ state: "invalid", problem: expect.stringMatching(told) });
    expect(await statusOf(hive, approval.head, "hive/validate")).toMatchObject({
      status: "failure",
      description: expect.stringMatching(told),
    });
    expect(await verdictsOf(hive, approval.number)).toEqual([expect.stringMatching(told)]);
    await proposals.told(approval, told);
  });

  test("the command line approves exactly what it shows, and denies with a reason", async () => {
    const [good, bad] = [
      await proposals.propose("by-command", proposals.workerFiles),
      await proposals.propose("by-nobody", proposals.workerFiles),
    ];
    expect(await command("approvals")).toMatch(
      new RegExp(`^#${good.number} +waiting +spawn +${good.head.slice(0, 10)}`, "m"),
    );
    for (const permission of good.permissions)
      expect(await command("approvals", String(good.number))).toContain(`\n- ${permission}\n`);
    await expect(command("approve", String(good.number), "--head", bad.head)).rejects.toMatchObject({ code: 78 });
    expect(await command("approve", String(good.number), "--head", good.head.slice(0, 10))).toContain("Approved at");
    await expectDeployed(hive, good);
    expect(await command("deny", String(bad.number), "--reason", "One is enough.")).toContain("denied");
    await proposals.told(bad, /it was closed without being merged/);
    expect(proposals.now(bad)).toMatchObject({ state: "denied", problem: "One is enough." });
    expect(hive.now.notes.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`With the operator's token: approved #${good.number} `),
        expect.stringContaining(`With the operator's token: denied #${bad.number} `),
      ]),
    );
    expect(await command("approvals")).not.toMatch(new RegExp(`^#(${good.number}|${bad.number}) `, "m"));
  });

  test("what main wants and can't be started is shown, and put back by the command line, until what runs is wanted", async () => {
    const { manager } = tour;
    const agent = () => hive.now.agents.find(({ name }) => name === manager);
    const before = agent();
    const file = `${agentsRepo}/contents/agents/${manager}/agent.yaml`;
    const { sha } = z.object({ sha: z.string() }).parse(await hive.as("operator").call("GET", file));
    const content = Buffer.from("role: nobody\n").toString("base64");
    await hive.as("operator").call("PUT", file, { branch: "main", message: "Break it", sha, content });
    await hive.until(() => agent()?.difference?.includes("line 1: field role"));
    expect(agent()).toMatchObject({ runningTree: before?.runningTree, launch: before?.launch });
    await expect(command("status")).rejects.toMatchObject({
      stdout: expect.stringContaining(`hive agent revert ${manager}`),
    });
    expect(await command("agent", "revert", manager)).toContain("A pull request puts");
    await hive.until(() => agent()?.difference === null && agent()?.wantedTree === before?.runningTree);
    const deployed = await hive.until(({ approvals }) =>
      approvals.find(({ submitter, state }) => submitter === "system" && state === "deployed"),
    );
    expect(await command("agent", "history", manager)).toMatch(
      new RegExp(
        `^3 .* ready +#${deployed.number} of the hive, approved\\n2 .* failed .*field role.*\\n1 .* ready `,
        "m",
      ),
    );
    expect(await command("approvals")).not.toContain(`#${deployed.number} `);
  });

  const command = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [bin, ...args], { env: hive.env })).stdout;

  test("a name that is reserved is refused with its proposal, and one that is taken when it is approved", async () => {
    const reserved = await proposals.propose("operator", proposals.workerFiles);
    expect(reserved).toMatchObject({ state: "invalid", problem: expect.stringContaining("this name is reserved") });
    const stranger = { username: "mallory", email: "mallory@elsewhere.invalid", password: "Somebody-else-7" };
    await hive.as("hive-admin").call("POST", "/admin/users", stranger);
    const taken = await proposals.propose("mallory", proposals.workerFiles);
    await proposals.approve(taken);
    await proposals.told(taken, /The forge has a user mallory that is not of this hive\. Choose another name/);
    expect(proposals.now(taken)).toMatchObject({ state: "refused" });
    expect(await statusOf(hive, taken.head, "hive/deploy")).toMatchObject({ status: "failure" });
    expect(await proposals.isMerged(taken)).toBe(false);
  });
});
