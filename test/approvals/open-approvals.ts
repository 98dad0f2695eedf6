/** Approvals on a real forge, with what each leaves behind: its row, statuses, comments, and what its submitter was told. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { AgentName, type ObjectId, type Sequence } from "../../src/contract/names.ts";
import { findAgent } from "../../src/hived/agents/agents.ts";
import { type ApprovalRow, findApproval } from "../../src/hived/approvals/approvals.ts";
import { followApproval } from "../../src/hived/approvals/follow.ts";
import { eventsAfter } from "../../src/hived/events/event-log.ts";
import { agentsRepo, bot as botName } from "../../src/hived/forge/plan.ts";
import { provisionAgent } from "../../src/hived/forge/provision.ts";
import { refresh } from "../../src/hived/forge/refresh.ts";
import { enqueueConverge } from "../../src/hived/lifecycle/wishes.ts";
import { pullWork } from "../../src/hived/pulls/tell-pull.ts";
import { openLifecycle, yaml } from "../lifecycle/open-lifecycle.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

export type Approvals = Awaited<ReturnType<typeof openApprovals>>;
type Proposed = { number: number; head: string };

/** The manager proposes, the operator reviews; nothing is followed but by the test. */
export async function openApprovals(forge: RunningForge) {
  const hive = await openLifecycle(forge);
  const { core, parts, forgeParts, operator } = hive;
  await provisionAgent(forgeParts, AgentName.parse("manager"), "manager");
  const runner = await hive.broker.connect();
  await core.db.write((tx) => {
    core.scheduler.retryNow(tx); // what found no runner rests by a clock that stands still
    enqueueConverge(tx, core, AgentName.parse("manager"));
  });
  await core.event("AgentChanged", ({ fact }) => fact.agent.name === "manager" && fact.agent.state === "idle");
  const as = (user: string) => withToken(forge.url, forgeParts.tokens.read(user) ?? "");
  const [manager, bot] = [as("manager"), forgeParts.forge.as(botName)];
  const admin = withToken(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim());
  const pullPath = ({ number }: Pick<Proposed, "number">) => `/repos/${agentsRepo}/pulls/${number}`;
  const row = ({ number }: Pick<Proposed, "number">): ApprovalRow => {
    const found = core.db.read((reader) => findApproval(reader, number));
    if (!found) throw new Error(`${number} has no row`);
    return found;
  };
  const events = () => core.db.read((reader) => eventsAfter(reader, 0 as Sequence, 100_000)).map(({ fact }) => fact);
  return {
    ...hive,
    runner,
    manager,
    admin,
    bot,
    as,
    row,
    followOnce: ({ number }: Pick<Proposed, "number">) => followApproval(parts, number),
    /** Again, as the scheduler does, once the forge has looked for conflicts. */
    async follow(proposed: Pick<Proposed, "number">): Promise<void> {
      for (let tries = 0; ; tries += 1)
        try {
          return await followApproval(parts, proposed.number);
        } catch (error) {
          if (tries > 20 || !(error instanceof Fault && /can't merge #\d+ yet/.test(error.message))) throw error;
          await expect
            .poll(() => operator.call("GET", pullPath(proposed)), { timeout: 20_000 })
            .toMatchObject({
              mergeable: true,
            });
        }
    },
    /** What is left open the forge looks at again for conflicts with each push: that is most of what it does then. */
    async closeAll(): Promise<void> {
      for (const { number } of await bot.listPulls(agentsRepo, { state: "open" }))
        await operator.call("PATCH", pullPath({ number }), { state: "closed" });
    },
    /** Follows it, and then what is said there. @returns what its submitter hears besides, since the last call */
    async hear(proposed: Proposed): Promise<string[]> {
      const key = `${agentsRepo}#${proposed.number}`;
      const all = () =>
        events().flatMap((fact) =>
          fact.kind === "MessageSent" && fact.message.to === "manager" ? [fact.message] : [],
        );
      const seen = all().length;
      await refresh(core, forgeParts.forge, key, { follow: () => undefined, forget: () => undefined });
      await this.follow(proposed);
      await pullWork(core, forgeParts.forge)["tell-pull"]?.run(key, AbortSignal.abort());
      return all()
        .slice(seen)
        .map(({ from, body }) => `${from}: ${body.replace(/ \(“?[^)]*\)/, "").replace(/\nhttps?:\S+$/, "")}`);
    },
    propose: (topic: string, files: Record<string, string | null>) => manager.propose(agentsRepo, topic, files),
    worker: (name: string, prompt = "Work.\n") => ({
      [`agents/${name}/agent.yaml`]: yaml,
      [`agents/${name}/AGENTS.md`]: prompt,
    }),
    review: (proposed: Proposed, event: "APPROVED" | "REQUEST_CHANGES" | "COMMENT", more: object = {}) =>
      operator.call("POST", `${pullPath(proposed)}/reviews`, { event, commit_id: proposed.head, body: "", ...more }),
    pullPath,
    comment: (proposed: Proposed, by: typeof operator, body: string) =>
      by.call("POST", `/repos/${agentsRepo}/issues/${proposed.number}/comments`, { body }),
    close: (proposed: Proposed, by: typeof operator) => by.call("PATCH", pullPath(proposed), { state: "closed" }),
    readMain: async (path: string) => (await bot.readFile(agentsRepo, "main", path))?.toString(),
    agent: (name: string) => core.db.read((reader) => findAgent(reader, name)),
    /** Resolves once follow-main and converge have brought it there. */
    becomes: (proposed: Pick<Proposed, "number">, state: ApprovalRow["state"]) =>
      core.event("ApprovalChanged", ({ fact }) => {
        return fact.approval.number === proposed.number && fact.approval.state === state;
      }),
    /** of a head, newest first: "deploy failure: why" */
    statuses: async (head: string) =>
      (await bot.listStatuses(agentsRepo, head)).map(
        ({ context, state, description }) => `${context.replace("hive/", "")} ${state}: ${description}`,
      ),
    verdicts: async ({ number }: Proposed) =>
      (await bot.listComments(agentsRepo, number)).filter(({ user }) => user === botName).map(({ body }) => body),
    /** what the submitter was told about it, without its beginning and its link */
    told: ({ number }: Pick<Proposed, "number">): string[] =>
      events().flatMap((fact) =>
        fact.kind === "MessageSent" && fact.message.body.startsWith(`Your proposal #${number} `)
          ? [fact.message.body.replace(/^.*?\): /s, "").replace(/\nhttps?:\S+$/, "")]
          : [],
      ),
    /** the states that its events told, one after the other */
    eventsOf: ({ number }: Pick<Proposed, "number">) =>
      events()
        .flatMap((fact) =>
          fact.kind === "ApprovalChanged" && fact.approval.number === number ? [fact.approval.state] : [],
        )
        .filter((state, index, all) => state !== all[index - 1]),
    /** what an agent was told at the start of each of its versions */
    wakesOf: (name: string): string[] =>
      events().flatMap((fact) =>
        fact.kind === "MessageSent" &&
        fact.message.to === name &&
        /^(Welcome|Your configuration)/.test(fact.message.body)
          ? [fact.message.body]
          : [],
      ),
    /** Resolves once no work of a kind is left; what has failed is tried at once. */
    allDone: (kind: string): Promise<void> =>
      expect
        .poll(
          async () => {
            await core.db.write((tx) => core.scheduler.retryNow(tx));
            return core.db.read((reader) => reader.get("SELECT key FROM work WHERE kind = :kind", { kind }));
          },
          { timeout: 30_000 },
        )
        .toBeUndefined(),
    /** Resolves when nothing more is due; what failed is not, as its clock stands still. */
    async quiet(): Promise<void> {
      const due = "SELECT 1 FROM work WHERE state = 'pending' AND due_at <= :now";
      while (core.db.read((reader) => reader.get(due, { now: core.clock.now() })))
        await new Promise((resolve) => setImmediate(resolve));
    },
    notes: () => events().flatMap((fact) => (fact.kind === "Note" ? [fact.text] : [])),
    isMerged: async ({ number }: Proposed) => (await bot.readPull(agentsRepo, number))?.state === "merged",
    /** Once more changes nothing, on the forge or here. */
    async expectSettled(proposed: Proposed): Promise<void> {
      const all = async () => ({
        row: row(proposed),
        told: this.told(proposed),
        verdicts: await this.verdicts(proposed),
        statuses: await this.statuses(proposed.head),
      });
      const before = await all();
      await this.follow(proposed);
      expect(await all()).toEqual(before);
    },
    headOf: async ({ number }: Proposed) => (await bot.readPull(agentsRepo, number))?.head as ObjectId,
    async [Symbol.asyncDispose]() {
      await hive.broker[Symbol.asyncDispose]();
    },
  };
}
