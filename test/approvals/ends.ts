/** The ends that an approval's way can have: each with a status, an event, and a message to its submitter, once. */
import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { AgentName } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { broughtBy } from "../../src/contract/version.ts";
import { readVersions } from "../../src/hived/approvals/history.ts";
import { askForRevert, revertAgent } from "../../src/hived/approvals/revert.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { provisionAgent } from "../../src/hived/forge/provision.ts";
import { yaml } from "../lifecycle/open-lifecycle.ts";
import type { Approvals } from "./open-approvals.ts";

export function ends(hive: () => Approvals, onOne: typeof test): void {
  const rebase = "Rebase it, and push it again.";

  test("outdated: its agent changed on main since it was proposed", async () => {
    await hive().write("agents/alice/agent.yaml", yaml);
    const proposed = await hive().propose("alice-2", { "agents/alice/AGENTS.md": "Two.\n" });
    await hive().write("agents/alice/AGENTS.md", "One.\n");
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    const why = `agents/alice changed on main since this was proposed. ${rebase}`;
    expect(hive().row(proposed)).toMatchObject({ state: "refused", problem: why });
    expect(hive().told(proposed)).toEqual([`it was not carried out: ${why}`]);
    expect((await hive().statuses(proposed.head))[0]).toBe(`deploy failure: refused: ${why}`);
    expect(hive().eventsOf(proposed)).toEqual(["opened", "waiting", "preparing", "refused"]);
    await hive().expectSettled(proposed);
  });

  test("conflicting: what it changes was changed on main, too", async () => {
    const proposed = await hive().propose("pets", { "decisions/pets.md": "Cats.\n" });
    await hive().write("decisions/pets.md", "Dogs.\n");
    await hive().follow(proposed);
    await hive().review(proposed, "APPROVED");
    while (hive().row(proposed).state !== "refused") {
      expect(
        await hive()
          .followOnce(proposed)
          .catch((error) => error),
      ).toBeOneOf([undefined, expect.any(Fault)]);
      hive().core.clock.advance(31_000); // what is still being looked at after so long is a conflict
    }
    const why = "it conflicts with main. Rebase it on main, and push it again.";
    expect(hive().row(proposed)).toMatchObject({ problem: why });
    expect(hive().told(proposed)).toEqual([`it was not carried out: ${why}`]);
    expect((await hive().statuses(proposed.head))[0]).toBe(`deploy failure: refused: ${why}`);
    await hive().expectSettled(proposed);
  });

  test("changes requested: what the operator says of all and of lines reaches the submitter as one message", async () => {
    const proposed = await hive().propose("dave", hive().worker("dave", "Work.\nRest.\n"));
    const comments = [
      { path: "agents/dave/AGENTS.md", body: "Why?", old_position: 0, new_position: 2 },
      { path: "agents/dave/agent.yaml", body: "Good.", old_position: 0, new_position: 1 },
    ];
    await hive().review(proposed, "REQUEST_CHANGES", { body: "Not so.", comments });
    await hive().follow(proposed);
    const [told, ...others] = hive().told(proposed);
    expect(others).toEqual([]);
    expect(told).toMatch(/^the operator asks for changes: Not so\.\n\n- agents\/dave\//);
    for (const { path, body, new_position } of comments)
      expect(told).toContain(`- ${path}, line ${new_position}: ${body}`);
    expect(told).toMatch(/Push a new version with the same topic\.$/);
    expect(hive().row(proposed)).toMatchObject({
      state: "changes_requested",
      problem: expect.stringContaining("Why?"),
    });
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy failure: the operator asks for changes");
    const [review] = (await hive().bot.listReviews(agentsRepo, proposed.number)).filter(
      ({ lineCount }) => lineCount > 0,
    );
    const answer = { path: "agents/dave/AGENTS.md", body: "Never mind.", new_position: 2 };
    const lines = `/repos/${agentsRepo}/pulls/${proposed.number}/reviews/${review?.id}/comments`;
    await hive().manager.call("POST", lines, answer); // which are not the operator's words
    await hive().expectSettled(proposed);

    await hive().review(proposed, "REQUEST_CHANGES", { body: "And shorter." });
    await hive().follow(proposed);
    expect(hive().told(proposed)).toEqual([told, expect.stringContaining("asks for changes: And shorter.")]);
  });

  test("superseded: a new push begins anew, the old head says by which, and what was said of that counts no more", async () => {
    const older = await hive().propose("erin", hive().worker("erin"));
    await hive().follow(older);
    await hive().review(older, "APPROVED");
    const newer = await hive().propose("erin", { ...hive().worker("erin"), "agents/erin/notes.md": "One more.\n" });
    expect(newer.number).toBe(older.number);
    await hive().follow(newer);
    expect(hive().row(newer)).toMatchObject({ state: "waiting", head: newer.head });
    expect((await hive().statuses(older.head))[0]).toBe(`deploy failure: superseded by ${newer.head.slice(0, 10)}`);
    expect(await hive().verdicts(newer)).toEqual([expect.stringContaining(`This is about ${newer.head}.`)]);
    expect(hive().eventsOf(newer)).toEqual(["opened", "waiting", "opened", "waiting"]);
    const { problem } = hive().row(newer); // null where the forge has dismissed the approval itself
    expect(hive().told(newer)).toEqual(problem === null ? [] : [`it still waits. ${problem}`]);
    await hive().expectSettled(newer);
  });

  onOne("superseded: also where the older head is gone from the forge", async () => {
    const proposed = await hive().propose("ruth", hive().worker("ruth"));
    await hive().follow(proposed);
    const { core } = hive();
    await core.db.write((tx) =>
      tx.run("UPDATE approvals SET head = :head WHERE number = :number", { ...proposed, head: "f".repeat(40) }),
    );
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "waiting", head: proposed.head });
  });

  const orders = [
    ["in the order in which they came", ["rest", "play"]],
    ["in the other order", ["play", "rest"]],
  ] as const;
  const agentWithTwo = async (name: string) => {
    await hive().write(`agents/${name}/agent.yaml`, yaml);
    await hive().write(`agents/${name}/AGENTS.md`, "Work.\n");
    const propose = (what: string, again = "") =>
      hive().propose(`${name}-${what}${again}`, { [`agents/${name}/${what}.md`]: `${what}\n` });
    return { propose, rest: await propose("rest"), play: await propose("play") };
  };
  const expectBoth = async (name: string) => {
    const tree = await hive().bot.readDirectoryTree(agentsRepo, "main", `agents/${name}`);
    expect(hive().agent(name)).toMatchObject({
      running_tree: tree,
      wanted_tree: tree,
      state: "idle",
      difference: null,
    });
    for (const what of ["rest", "play"]) expect(await hive().readMain(`agents/${name}/${what}.md`)).toBe(`${what}\n`);
  };

  onOne.each(orders)(
    "two for one agent, approved %s: the later one is outdated; proposed anew, the agent is as main then says",
    async (_, [first, second]) => {
      const name = `olga-${first}`;
      const two = await agentWithTwo(name);
      for (const what of [first, second]) {
        await hive().review(two[what], "APPROVED");
        await hive().follow(two[what]);
      }
      await hive().becomes(two[first], "deployed");
      expect(hive().row(two[second])).toMatchObject({
        state: "refused",
        problem: expect.stringContaining("changed on main"),
      });
      const again = await two.propose(second, "-again"); // from main as it is now
      await hive().review(again, "APPROVED");
      await hive().follow(again);
      await hive().becomes(again, "deployed");
      await expectBoth(name);
    },
  );

  onOne.each(orders)("two for one agent, merged by hand %s: both are there, as main says", async (_, order) => {
    const name = `pat-${order[0]}`;
    const two = await agentWithTwo(name);
    for (const what of order) {
      await hive().follow(two[what]);
      await hive().review(two[what], "APPROVED");
      const wish = { Do: "merge", head_commit_id: two[what].head };
      await hive().operator.call("POST", `${hive().pullPath(two[what])}/merge`, wish);
    }
    for (const what of order) await hive().follow(two[what]);
    for (const what of order) await hive().becomes(two[what], "deployed");
    await expectBoth(name);
  });

  test("denied: closed by the operator, whose last comment is the reason", async () => {
    const proposed = await hive().propose("frank", hive().worker("frank"));
    await hive().follow(proposed);
    await hive().comment(proposed, hive().operator, "We have enough.");
    await hive().comment(proposed, hive().manager, "Please!");
    await hive().close(proposed, hive().operator);
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "denied", problem: "We have enough." });
    expect(hive().told(proposed)).toEqual(["it was closed without being merged: We have enough."]);
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy failure: denied: We have enough.");
    await hive().expectSettled(proposed);
  });

  test("withdrawn: closed by whoever proposed it; opened again it begins anew", async () => {
    const proposed = await hive().propose("grace", hive().worker("grace"));
    await hive().follow(proposed);
    await hive().close(proposed, hive().manager);
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "withdrawn" });
    expect(hive().told(proposed)).toEqual(["you have closed it, so nothing is done with it."]);
    expect((await hive().statuses(proposed.head))[0]).toMatch(/^deploy failure: withdrawn: /);
    await hive().expectSettled(proposed);
    await hive().manager.call("PATCH", hive().pullPath(proposed), { state: "open" });
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "waiting" });
  });

  test("retargeted: against another branch it is not acted on", async () => {
    const proposed = await hive().propose("heidi", hive().worker("heidi"));
    await hive().follow(proposed);
    const branch = { new_branch_name: "draft", old_branch_name: "main" };
    await hive().operator.call("POST", `/repos/${agentsRepo}/branches`, branch);
    await hive().manager.call("PATCH", hive().pullPath(proposed), { base: "draft" });
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    const why = "it is against draft, and only main counts. Set its base to main, or propose it anew.";
    expect(hive().row(proposed)).toMatchObject({ state: "refused", problem: why });
    expect(hive().told(proposed)).toEqual([`it was not carried out: ${why}`]);
    expect((await hive().statuses(proposed.head))[0]).toBe(`deploy failure: refused: ${why}`);
    await hive().expectSettled(proposed);
    await hive().manager.call("PATCH", hive().pullPath(proposed), { base: "main" });
    await hive().follow(proposed);
    const problem = expect.stringContaining("another branch"); // of the approval, which was given meanwhile
    expect(hive().row(proposed)).toMatchObject({ state: "waiting", problem });
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy pending: it is looked at again");
  });

  test("work in progress: its title is to be changed, which is enough, and is what it is called from then on", async () => {
    const proposed = await hive().propose("drafted", { "decisions/drafted.md": "Go on.\n" });
    const rename = (title: string) => hive().manager.call("PATCH", hive().pullPath(proposed), { title });
    await rename("WIP: decide");
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    const why = "its title says that it is work in progress: take “WIP:” off it";
    expect(hive().row(proposed)).toMatchObject({ state: "invalid", summary: "WIP: decide", problem: why });
    expect(hive().told(proposed)).toEqual([`it can't be acted on yet: ${why}.`]);
    expect(await hive().statuses(proposed.head)).toEqual([`validate failure: ${why}`]);
    await hive().expectSettled(proposed);
    await rename("Decide");
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "deployed", summary: "Decide" });
    expect(await hive().statuses(proposed.head)).toContain("validate success: valid: decision");
  });

  test("what is said without deciding reaches the submitter as messages, and what the approval tells is told once", async () => {
    const { operator, manager, forgeParts, as } = hive();
    await provisionAgent(forgeParts, AgentName.parse("rita"), "worker");
    const proposed = await hive().propose("talk", { "decisions/talk.md": "Go on.\n" });
    const its = `your pull request #${proposed.number} of ${agentsRepo}`;
    expect(await hive().hear(proposed)).toEqual([]);
    await hive().comment(proposed, operator, "Why so few?");
    const comments = [{ path: "decisions/talk.md", body: "On what?", old_position: 0, new_position: 1 }];
    await hive().review(proposed, "COMMENT", { body: "Hm.", comments });
    const objection = { event: "REQUEST_CHANGES", commit_id: proposed.head, body: "No." };
    await as("rita").call("POST", `${hive().pullPath(proposed)}/reviews`, objection);
    await hive().comment(proposed, manager, "Because.");
    expect(await hive().hear(proposed)).toEqual([
      `operator: operator wrote under ${its}:\n\nWhy so few?`,
      `operator: operator commented on ${its}:\n\nHm.\n\n- decisions/talk.md, line 1: On what?`,
      `system: rita asked for changes in ${its}:\n\nNo.`,
    ]);
    const fromApproval = (text: string) => `system: Your proposal #${proposed.number}: ${text}`;
    await hive().review(proposed, "REQUEST_CHANGES", { body: "Longer." });
    expect(await hive().hear(proposed)).toEqual([
      fromApproval("the operator asks for changes: Longer.\n\nPush a new version with the same topic."),
    ]);
    await hive().comment(proposed, operator, "One is enough.");
    await hive().close(proposed, operator);
    expect(await hive().hear(proposed)).toEqual([fromApproval("it was closed without being merged: One is enough.")]);
    await manager.call("PATCH", hive().pullPath(proposed), { state: "open" });
    await hive().comment(proposed, operator, "I said no.");
    expect(await hive().hear(proposed)).toEqual([`operator: operator wrote under ${its}:\n\nI said no.`]);
    await hive().close(proposed, operator);
    expect(await hive().hear(proposed)).toEqual([fromApproval("it was closed without being merged.")]);
    await manager.call("PATCH", hive().pullPath(proposed), { state: "open" });
    await hive().review(proposed, "APPROVED", { body: "Well, then." });
    expect(await hive().hear(proposed)).toEqual([
      fromApproval("it was approved, and main has it."),
      `operator: operator approved ${its}:\n\nWell, then.`,
    ]);
    expect(await hive().hear(proposed)).toEqual([]);
  });

  onOne("renamed, it is called as the forge calls it, and nothing else changes", async () => {
    const proposed = await hive().propose("renaming", { "decisions/renaming.md": "Go on.\n" });
    await hive().follow(proposed);
    const before = hive().row(proposed);
    await hive().manager.call("PATCH", hive().pullPath(proposed), { title: "Another name" });
    await hive().follow(proposed);
    expect(hive().row(proposed)).toEqual({ ...before, summary: "Another name" });
  });

  onOne("a second manager is refused, until the hive has none", async () => {
    const files = { "agents/mona/agent.yaml": yaml.replace("worker", "manager"), "agents/mona/AGENTS.md": "Manage.\n" };
    const proposed = await hive().propose("mona", files);
    await hive().follow(proposed);
    const problem = expect.stringContaining("the hive has a manager already");
    expect(hive().row(proposed)).toMatchObject({ state: "invalid", problem });
    const { core } = hive();
    const setRole = (role: string) =>
      core.db.write((tx) => tx.run("UPDATE agents SET role = :role WHERE name = 'manager'", { role }));
    await setRole("worker");
    await hive()
      .follow(proposed)
      .finally(() => setRole("manager"));
    expect(hive().row(proposed)).toMatchObject({ state: "waiting", problem: null });
  });

  onOne("preparation failed: nothing is merged", async () => {
    const proposed = await hive().propose("ivan", hive().worker("ivan"));
    hive().runner.before.prepareAgent = () => {
      throw new Refusal("no_space", "There is no space for ivan.", "Make some.");
    };
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    delete hive().runner.before.prepareAgent;
    const why = "There is no space for ivan. Make some.";
    expect(hive().row(proposed)).toMatchObject({ state: "refused", problem: why });
    expect(hive().told(proposed)).toEqual([`it was not carried out: ${why}`]);
    expect((await hive().statuses(proposed.head))[0]).toBe(`deploy failure: refused: ${why}`);
    expect(await hive().isMerged(proposed)).toBe(false);
    await hive().expectSettled(proposed);
  });

  onOne(
    "merged, and its agent can't be started: what ran before goes on, until the operator has main put back",
    async () => {
      const first = await hive().propose("judy", hive().worker("judy", "One.\n"));
      await hive().review(first, "APPROVED");
      await hive().follow(first);
      await hive().becomes(first, "deployed");
      const { running_tree: tree } = hive().agent("judy") ?? {};
      const second = await hive().propose("judy-2", { "agents/judy/AGENTS.md": "Two.\n" });
      hive().runner.before.launch = () => {
        delete hive().runner.before.launch;
        throw new Refusal("launch_failed", "judy could not be started: it ended with code 1.", "Mend it.");
      };
      await hive().review(second, "APPROVED");
      await hive().follow(second);
      await hive().becomes(second, "failed");
      expect(hive().told(second)).toEqual([expect.stringContaining("judy could not be started")]);
      expect((await hive().statuses(second.head))[0]).toContain("deploy failure: judy could not be started");
      await hive().core.event("AgentChanged", ({ fact: { agent } }) => {
        return agent.name === "judy" && agent.state === "idle" && agent.difference !== null;
      });
      const difference = expect.stringMatching(/^Version 2, which main wants, is not what runs\. .* ended with code 1/);
      expect(hive().agent("judy")).toMatchObject({ running_tree: tree, deployment: 1, problem: null, difference });
      await hive().expectSettled(second);

      const judy = AgentName.parse("judy");
      await askForRevert(hive().parts, judy);
      const { fact } = await hive().core.event("Note", ({ fact }) =>
        fact.text.includes("(Put judy back to version 1)"),
      );
      const revert = { number: Number(/#(\d+)/.exec(fact.text)?.[1]) };
      await revertAgent(hive().parts, judy); // it was cut off after that
      await hive().follow(revert);
      await hive().becomes(revert, "deployed");
      const row = hive().row(revert);
      expect(row).toMatchObject({ kind: "config", submitter: "system", permissions: ["is given another AGENTS.md"] });
      expect(hive().eventsOf(revert)).toContain("merging"); // so it was approved, not merged by hand
      expect(
        hive()
          .notes()
          .filter((text) => text.includes(`#${revert.number} `)),
      ).toEqual([
        `With the operator's token: approved #${revert.number} (Put judy back to version 1) at ${row.head.slice(0, 10)}`,
      ]);
      expect(await hive().readMain("agents/judy/AGENTS.md")).toBe("One.\n");
      expect(hive().agent("judy")).toMatchObject({ running_tree: tree, wanted_tree: tree, difference: null });
      expect(hive().row(second)).toMatchObject({ state: "failed" });
      await expect(askForRevert(hive().parts, judy)).rejects.toMatchObject({ code: "no_difference" });
      const { versions } = hive().core.db.read((reader) => readVersions(reader, { agent: judy, limit: 5 }));
      expect(versions.map(({ number, state, approvals }) => [number, state, approvals.map((by) => by.number)])).toEqual(
        [
          [3, "ready", [revert.number]],
          [2, "failed", [second.number]],
          [1, "ready", [first.number]],
        ],
      );
      expect(versions.map(broughtBy)).toEqual([
        `#${revert.number} of the hive, approved`,
        `#${second.number} of manager, approved`,
        `#${first.number} of manager, approved`,
      ]);
    },
  );

  test("merged by the operator's hand: that counts as approved", async () => {
    const proposed = await hive().propose("kim", hive().worker("kim"));
    await hive().follow(proposed);
    await hive().review(proposed, "APPROVED");
    const merge = () => hive().operator.status("POST", `${hive().pullPath(proposed)}/merge`, { Do: "merge" });
    await expect.poll(merge, { timeout: 20_000 }).toBe(200); // 405 while the forge looks for conflicts
    await hive().follow(proposed);
    await hive().becomes(proposed, "deployed");
    expect(hive().eventsOf(proposed)).toEqual(["opened", "waiting", "converging", "deployed"]);
    expect(hive().told(proposed)).toEqual(["it was merged by hand, and kim runs as version 1."]);
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy success: kim runs version 1");
    await hive().expectSettled(proposed);
  });

  onOne("approved before anybody had looked at it: it is looked at, and then carried out", async () => {
    const proposed = await hive().propose("leo", hive().worker("leo"));
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    await hive().becomes(proposed, "deployed");
    expect(hive().eventsOf(proposed)).toEqual(["opened", "waiting", "preparing", "merging", "converging", "deployed"]);
    expect(hive().told(proposed)).toEqual(["it was approved, and leo runs as version 1."]);
    expect(await hive().statuses(proposed.head)).toEqual([
      "deploy success: leo runs version 1",
      "deploy pending: leo is prepared",
      "validate success: valid: spawn leo",
    ]);
    await hive().expectSettled(proposed);
  });

  test("the operator's push to main needs no approval: its commit has the status", async () => {
    await hive().write("agents/mia/agent.yaml", yaml);
    const commit = await hive().main();
    await hive().followMain();
    await hive().core.event("AgentChanged", ({ fact: { agent } }) => agent.name === "mia" && agent.state === "idle");
    await expect
      .poll(() => hive().statuses(commit), { timeout: 20_000 })
      .toContain("deploy success: mia runs version 1");
  });
}
