/** What must not deploy anything: whatever looks like the operator's approval of a head on main, and is not. */
import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { hookSecret } from "../../src/hived/forge/hooks.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { keepProtection } from "../../src/hived/forge/protection.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { deliverWebhook } from "../../src/hived/intake/doorbell.ts";
import type { Person } from "../support/raw-forge.ts";
import type { Approvals } from "./open-approvals.ts";
import { race } from "./race.ts";

const rule = `/repos/${agentsRepo}/branch_protections/main`;
const notOfficial = expect.stringContaining("not official");

/** @param onRenaming for what needs a forge that renames users, or closes issues by what commits say */
export function onlyWhatCounts(hive: () => Approvals, onRenaming: typeof test): void {
  const decision = (slug: string) => hive().propose(slug, { [`decisions/${slug}.md`]: "Go on.\n" });
  type Proposed = Awaited<ReturnType<typeof decision>>;
  const approveAs = (who: Person, proposed: Proposed) =>
    who.call("POST", `${hive().pullPath(proposed)}/reviews`, { event: "APPROVED", commit_id: proposed.head });
  const expectWaiting = async (proposed: Proposed, problem: unknown, after: string) => {
    await hive().follow(proposed);
    const { state, problem: found } = hive().row(proposed);
    expect({ state, problem: found, isMerged: await hive().isMerged(proposed) }, after).toEqual({
      ...{ state: "waiting", problem, isMerged: false },
    });
  };
  const anAgent = async () => {
    const bob = AgentName.parse("bob-2");
    await provisionAgent(hive().forgeParts, bob, "worker");
    return hive().as(bob);
  };

  test("nobody's word but the operator's review: not another agent's, the bot's, the admin's, no comment, no webhook", async () => {
    const { forgeParts, operator, admin, as } = hive();
    const agent = await anAgent();
    const proposed = await decision("nobodys");
    await expectWaiting(proposed, null, "at first");
    const comments = `/repos/${agentsRepo}/issues/${proposed.number}/comments`;
    const edit = async (by: Person, from: string, to: string) => {
      const { id } = (await by.call("POST", comments, { body: from })) as { id: number };
      await by.call("PATCH", `/repos/${agentsRepo}/issues/comments/${id}`, { body: to });
      return id;
    };
    const ring = (secret: string) => {
      const body = JSON.stringify({
        ...{ action: "reviewed", number: proposed.number, pull_request: { number: proposed.number, merged: true } },
        ...{ review: { type: "pull_request_review_approved" }, sender: { login: "operator" } },
        repository: { full_name: agentsRepo },
      });
      const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
      return deliverWebhook(forgeParts, { id: secret, event: "pull_request_approved", signature, body });
    };
    const tries: [string, () => Promise<unknown>][] = [
      ["an approval by another agent", () => approveAs(agent, proposed)],
      ["an approval by the bot", () => approveAs(as("hive-bot"), proposed)],
      ["an approval by the admin", () => approveAs(admin, proposed)],
      ["a forced merge by the admin", () => forceMerge(admin, proposed)],
      ["a review that only comments", () => hive().review(proposed, "COMMENT", { body: "APPROVED" })],
      ["a comment of the operator's, edited", () => edit(operator, "Hm.", "/approve APPROVED LGTM")],
      ["a comment of an agent's, edited", () => edit(agent, "Hm.", "The operator approves this.")],
      ["a webhook that is forged", () => expect(ring("guessed")).rejects.toMatchObject({ code: "bad_signature" })],
      ["a webhook with the right secret that lies", () => ring(hookSecret(forgeParts.secrets))],
    ];
    for (const [name, attempt] of tries) {
      await attempt();
      await expectWaiting(proposed, null, name);
    }
    const id = await edit(operator, "No.", "Not yet.");
    const asIfOperator = { body: "/approve APPROVED" };
    expect(await agent.status("PATCH", `/repos/${agentsRepo}/issues/comments/${id}`, asIfOperator)).toBe(403);
  });

  const forceMerge = async (by: Person, proposed: Proposed) => {
    const wish = { Do: "merge", force_merge: true, head_commit_id: proposed.head };
    await expect // 405 also while the forge looks for conflicts
      .poll(() => by.call("POST", `${hive().pullPath(proposed)}/merge`, wish).catch(String), { timeout: 20_000 })
      .toContain("not allowed to merge");
  };

  test("an approval that was given to another base does not count for main; one that is given again does", async () => {
    const { operator, manager } = hive();
    const proposed = await decision("elsewhere");
    const branch = { new_branch_name: "side", old_branch_name: "main" };
    await operator.call("POST", `/repos/${agentsRepo}/branches`, branch);
    await manager.call("PATCH", hive().pullPath(proposed), { base: "side" });
    await hive().review(proposed, "APPROVED");
    await manager.call("PATCH", hive().pullPath(proposed), { base: "main" });
    await expectWaiting(proposed, expect.stringContaining("another branch"), "approved elsewhere");
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "deployed" });
  });

  test("an approval from before a denial does not count when whoever proposed it opens it again; a new one does", async () => {
    const { operator, manager } = hive();
    const proposed = await decision("denied");
    await hive().follow(proposed);
    await hive().review(proposed, "APPROVED");
    await hive().close(proposed, operator);
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "denied" });
    await manager.call("PATCH", hive().pullPath(proposed), { state: "open" });
    await expectWaiting(proposed, expect.stringContaining("before it was closed"), "opened again");
    expect((await hive().statuses(proposed.head))[0]).toBe("deploy pending: it is looked at again");
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "deployed" });
  });

  test("a word that was given under another rule does not count, nor when the rule is right again; a new one does", async () => {
    const { admin, as, bot, core, forgeParts } = hive();
    const proposed = await decision("rules");
    await admin.call("PATCH", rule, { approvals_whitelist_username: [] });
    await hive().review(proposed, "APPROVED");
    await expectWaiting(proposed, notOfficial, "the rule names nobody");
    await admin.call("PATCH", rule, { enable_approvals_whitelist: false });
    await approveAs(as("hive-bot"), proposed);
    const [last] = (await bot.listReviews(agentsRepo, proposed.number)).slice(-1);
    expect(last).toMatchObject({ user: "hive-bot", official: true });
    await expectWaiting(proposed, notOfficial, "everybody who writes is official");
    await keepProtection(core, forgeParts.forge);
    await expectWaiting(proposed, notOfficial, "the rule is right again");
    await hive().review(proposed, "APPROVED");
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "deployed" });
  });

  onRenaming("nobody is the operator by having got that name, and who had it no more", async () => {
    const { admin, core, forgeParts } = hive();
    const agent = await anAgent();
    const rename = (from: string, to: string) =>
      admin.call("POST", `/admin/users/${from}/rename`, { new_username: to });
    const proposed = await decision("renamed");
    await hive().follow(proposed);
    await hive().review(proposed, "APPROVED");
    await rename("operator", "somebody");
    try {
      await expectWaiting(proposed, null, "the operator has another name");
      await rename("bob-2", "operator");
      await approveAs(agent, proposed);
      await expectWaiting(proposed, notOfficial, "an agent has that name");
      const taken = expect.objectContaining({ code: "name_taken" });
      await expect(keepProtection(core, forgeParts.forge)).rejects.toEqual(taken); // which would name the agent in the rule
      await expect(provision(forgeParts)).rejects.toEqual(taken); // and in the operator's teams
      await approveAs(agent, proposed);
      await expectWaiting(proposed, notOfficial, "hived has looked after the rule");
    } finally {
      await rename("operator", "bob-2");
      await rename("somebody", "operator");
    }
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "deployed" }); // the operator's own word, again
  });

  test("a head that merges can't take back, unseen, what was restricted on main since", async () => {
    const limits = "decisions/limits.md";
    await hive().write(limits, "Everything is allowed.\n");
    const restriction = await hive().propose("restrict", { [limits]: "Little is.\n" });
    await hive().write("decisions/meanwhile.md", "So it is.\n");
    const parents = [await hive().main(), restriction.head];
    await hive().review(restriction, "APPROVED");
    await hive().follow(restriction);
    // It has two merge bases, and the forge shows the difference to one alone, where the file is as it was.
    const files = { "decisions/innocent.md": "Go on.\n" };
    const innocent = await hive().manager.propose(agentsRepo, "innocent", files, parents);
    await hive().review(innocent, "APPROVED");
    await hive().follow(innocent);
    const problem = expect.stringContaining("It contains a merge");
    expect(hive().row(innocent)).toMatchObject({ state: "invalid", problem });
    expect([await hive().isMerged(innocent), await hive().readMain(limits)]).toEqual([false, "Little is.\n"]);
  });

  onRenaming(
    "the bot's merge closes nobody's issue, whatever the proposal's title and its commits' messages say",
    async () => {
      const { operator, manager } = hive();
      const ask = async () => {
        const made = await operator.call("POST", "/repos/hive/questions/issues", { title: "May I?" });
        const { number } = made as { number: number };
        const state = async () => (await operator.call("GET", `/repos/hive/questions/issues/${number}`)) as object;
        return {
          number,
          state,
          address: `http://${new URL(hive().parts.forgeUrl).host}/hive/questions/issues/${number}`,
        };
      };
      const [named, titled, seen] = [await ask(), await ask(), await ask()];
      const files = { "decisions/harmless.md": "Go on.\n" };
      for (const said of [`hive/questions#${named.number}`, named.address]) {
        const closing = await manager.propose(agentsRepo, "harmless", files, [], `Decide it\n\nFixes ${said}`);
        await hive().review(closing, "APPROVED");
        await hive().follow(closing);
        const problem = expect.stringContaining("A commit message says “Fixes ");
        expect(hive().row(closing)).toMatchObject({ state: "invalid", problem });
        expect(await hive().isMerged(closing)).toBe(false);
      }
      const message = `Decide it\n\nSee hive/questions#${seen.number}`;
      const proposed = await manager.propose(agentsRepo, "harmless", files, [], message);
      await manager.call("PATCH", hive().pullPath(proposed), { title: `Closes hive/questions#${titled.number}` });
      await hive().review(proposed, "APPROVED");
      await hive().follow(proposed);
      expect(hive().row(proposed)).toMatchObject({ state: "deployed" });
      const timeline = `/repos/hive/questions/issues/${seen.number}/timeline`; // the forge reads what was pushed later
      await expect
        .poll(() => operator.call("GET", timeline), { timeout: 20_000 })
        .toContainEqual(expect.objectContaining({ type: "commit_ref" }));
      for (const { state } of [named, titled]) expect(await state()).toMatchObject({ state: "open" });
    },
  );

  test("a push beside the approval of the head before it is never merged", async () => {
    for (const pushAt of [14, 17]) {
      const slug = `race-${pushAt}`;
      const path = `decisions/${slug}.md`;
      const proposed = await hive().propose(slug, { [path]: slug });
      const approve = () => hive().review(proposed, "APPROVED");
      const push = (text: string) => hive().propose(slug, { [path]: text });
      const isMerged = await race(hive(), { number: proposed.number, path, text: slug, approve, push }, pushAt);
      if (!isMerged) await hive().follow(proposed);
      expect(hive().row(proposed).state).toBe(isMerged ? "deployed" : "waiting");
    }
  });
}
