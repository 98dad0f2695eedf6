/** What waits for the operator, and what is worth being told at once. */
import { type Agent, isStuck } from "../contract/agent.ts";
import type { Approval, ApprovalState } from "../contract/approval.ts";
import type { Fact } from "../contract/facts.ts";
import type { HiveState } from "../contract/fold.ts";
import type { Question } from "../contract/question.ts";

export type Attention = { approvals: Approval[]; questions: Question[] };

/** Oldest first: what has waited longest stands on top. */
export function attentionOf(hive: HiveState): Attention {
  return {
    approvals: hive.approvals.filter(isForOperator).sort((a, b) => a.openedAt - b.openedAt),
    questions: hive.questions.filter(asksOperator).sort((a, b) => a.openedAt - b.openedAt),
  };
}

/** States that a submitter has to end by a new push. */
export const forSubmitter: ReadonlySet<ApprovalState> = new Set<ApprovalState>([
  "invalid",
  "changes_requested",
  "refused",
]);

const isForOperator = ({ state, submitter }: Approval) =>
  state === "waiting" || (submitter === "operator" && forSubmitter.has(state));

const asksOperator = ({ state, target }: Question) => state === "open" && target === "operator";

/** What a fact made so urgent that it is said aloud; undefined for what was so before, or can wait to be seen. */
export function newsIn(before: HiveState, after: HiveState, fact: Fact): string | undefined {
  switch (fact.kind) {
    case "ApprovalChanged":
      return approvalNews(
        fact.approval,
        before.approvals.find(({ number }) => number === fact.approval.number),
      );
    case "QuestionChanged": {
      const known = before.questions.find(({ id }) => id === fact.question.id);
      const isNew = asksOperator(fact.question) && !(known && asksOperator(known));
      return isNew ? `${fact.question.asker} asks you: ${fact.question.question}` : undefined;
    }
    case "AgentChanged":
      return agentNews(
        fact.agent,
        before.agents.find(({ name }) => name === fact.agent.name),
      );
    case "WorkTroubled":
      return fact.work.state === "failed" ? `Work was given up: ${fact.work.lastError}` : undefined;
    case "ForgeChanged": {
      const { problem } = fact.forge;
      if (problem) return problem === before.forge?.problem ? undefined : `The forge: ${problem}`;
      return before.forge?.problem && after.forge ? "The forge is well again." : undefined;
    }
    default:
      return undefined;
  }
}

function approvalNews(now: Approval, before: Approval | undefined): string | undefined {
  if (now.state === before?.state) return undefined;
  if (isForOperator(now)) return `An approval waits for you: ${now.summary}`;
  if (now.state === "deployed" || now.state === "failed") return `${now.summary}: ${now.state}`;
  return undefined;
}

function agentNews(now: Agent, before: Agent | undefined): string | undefined {
  if (now.lostWakes > (before?.lostWakes ?? now.lostWakes)) return `${now.name} did not wake up, and was helped.`;
  if (now.canary?.state === "failed" && before?.canary?.state !== "failed")
    return `The loop of ${now.name} does not answer. ${now.canary.problem ?? ""}`;
  if (now.difference !== null && now.difference !== before?.difference) return `${now.name}: ${now.difference}`;
  if (!isStuck(now) || (before && isStuck(before) && before.state === now.state)) return undefined;
  return `${now.name} is ${now.state}: ${now.problem ?? "no reason was given"}`;
}
