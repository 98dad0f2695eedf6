/** Proposals of new workers beside the tour's, with what the operator and others do with them. */
import { expect } from "vitest";
import { z } from "zod";
import type { Approval } from "../../src/contract/approval.ts";
import type { Hive } from "../support/start-hive.ts";
import { agentsRepo } from "./outcome.ts";
import type { Tour } from "./tour.ts";

/** An agent's files by their path in its directory. */
type Files = Record<string, string>;

const Pull = z.object({ merged: z.boolean() });
const Reviews = z.array(z.object({ state: z.string(), dismissed: z.boolean() }));

export type Proposals = ReturnType<typeof openProposals>;

export function openProposals(hive: Hive, { manager, files }: Tour) {
  const pullPath = ({ number }: Approval) => `${agentsRepo}/pulls/${number}`;
  const now = ({ number }: Approval) => hive.now.approvals.find((row) => row.number === number);

  return {
    /** the files of a worker like the tour's */
    workerFiles: {
      "agent.yaml": files["worker/agent.yaml"],
      "AGENTS.md": files["worker/AGENTS.md"],
      "script.yaml": files["worker/script.yaml"],
    },
    /** Proposes a worker by git, in the manager's name, or a new version of that proposal; resolves once it is judged. */
    async propose(name: string, content: Files): Promise<Approval> {
      const own = Object.fromEntries(Object.entries(content).map(([path, text]) => [`agents/${name}/${path}`, text]));
      const { number, head } = await hive.as(manager).propose("hive/agents", `agent-${name}`, own);
      return hive.until(({ approvals }) =>
        approvals.find((row) => row.number === number && row.head === head && row.state !== "opened"),
      );
    },
    approve: (approval: Approval, { by = "operator", head = approval.head }: { by?: string; head?: string } = {}) =>
      hive.as(by).call("POST", `${pullPath(approval)}/reviews`, { event: "APPROVED", commit_id: head, body: "Good." }),
    requestChanges: (approval: Approval, body: string) =>
      hive
        .as("operator")
        .call("POST", `${pullPath(approval)}/reviews`, { event: "REQUEST_CHANGES", commit_id: approval.head, body }),
    retarget: (approval: Approval, base: string) => hive.as(manager).call("PATCH", pullPath(approval), { base }),
    now,
    async isMerged(approval: Approval): Promise<boolean> {
      return Pull.parse(await hive.as("operator").call("GET", pullPath(approval))).merged;
    },
    /** Whether the forge itself lets an approval count that was given to an earlier head. */
    async hasLiveApproval(approval: Approval): Promise<boolean> {
      const reviews = Reviews.parse(await hive.as("operator").call("GET", `${pullPath(approval)}/reviews`));
      return reviews.some(({ state, dismissed }) => state === "APPROVED" && !dismissed);
    },
    /** Does something that must change nothing, and waits until it would have. */
    async expectNoEffect(approval: Approval, deed: () => Promise<unknown>): Promise<void> {
      const before = now(approval);
      await hive.settled(deed);
      expect(now(approval)).toEqual(before);
      expect(await this.isMerged(approval)).toBe(false);
    },
    /** Waits until the submitter is told about a proposal in such words. */
    told: ({ number }: Approval, words: RegExp) =>
      hive.until(({ messages }) =>
        messages.find(
          ({ to, body }) => to === manager && body.startsWith(`Your proposal #${number} `) && words.test(body),
        ),
      ),
  };
}
