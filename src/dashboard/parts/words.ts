/** The states of things in words for the operator, each with its tone: how much it wants to be looked at. */
import type { AgentState } from "../../contract/agent.ts";
import type { ApprovalKind, ApprovalState } from "../../contract/approval.ts";
import type { WorkTrouble } from "../../contract/facts.ts";
import type { InboxEntry } from "../../contract/message.ts";
import type { QuestionState } from "../../contract/question.ts";
import type { Outcome } from "../../contract/turn.ts";

/** `ask` wants the operator, `busy` moves by itself, `quiet` rests. */
export type Tone = "quiet" | "busy" | "good" | "warn" | "bad" | "ask";
export type Word = { text: string; tone: Tone };

export const agentWords: Record<AgentState, Word> = {
  converging: { text: "converging", tone: "busy" },
  idle: { text: "idle", tone: "good" },
  working: { text: "working", tone: "busy" },
  parked: { text: "parked", tone: "warn" },
  failed: { text: "failed", tone: "bad" },
  stopped: { text: "stopped", tone: "quiet" },
};

export const approvalWords: Record<ApprovalState, Word> = {
  opened: { text: "opened", tone: "busy" },
  invalid: { text: "invalid", tone: "bad" },
  waiting: { text: "waits for your review", tone: "ask" },
  changes_requested: { text: "changes requested", tone: "warn" },
  preparing: { text: "preparing", tone: "busy" },
  merging: { text: "merging", tone: "busy" },
  converging: { text: "converging", tone: "busy" },
  deployed: { text: "deployed", tone: "good" },
  failed: { text: "failed", tone: "bad" },
  refused: { text: "refused", tone: "bad" },
  denied: { text: "denied", tone: "quiet" },
  withdrawn: { text: "withdrawn", tone: "quiet" },
};

/** A state as a step of a course, where "waits for your review" would be too much. */
export const stepText = (state: ApprovalState): string => (state === "waiting" ? "review" : approvalWords[state].text);

export const approvalKindWords: Record<ApprovalKind, string> = {
  spawn: "new agent",
  config: "change of an agent",
  destroy: "removal of an agent",
  inputs: "inputs",
  decision: "decision",
  other: "other change",
};

export const questionWords: Record<QuestionState, Word> = {
  posting: { text: "being posted", tone: "busy" },
  open: { text: "open", tone: "ask" },
  closed: { text: "closed", tone: "quiet" },
};

/** An entry's state; the operator's own are read, not handled. */
export function entryWord({ state, recipient }: Pick<InboxEntry, "state" | "recipient">): Word {
  switch (state) {
    case "queued":
      return recipient === "operator" ? { text: "for you", tone: "ask" } : { text: "queued", tone: "quiet" };
    case "leased":
      return { text: "in a turn", tone: "busy" };
    case "handled":
      return { text: "handled", tone: "good" };
    case "dead":
      return { text: "dead letter", tone: "bad" };
    case "cancelled":
      return { text: "cancelled", tone: "quiet" };
    case "read":
      return { text: "read", tone: "good" };
  }
}

export const outcomeText = (outcome: Outcome): string => outcome.replaceAll("_", " ");

/** Ends that say nothing against the agent: it ran well, was stopped by somebody, or lost its runner. */
export function outcomeTone(outcome: Outcome): Tone {
  if (outcome === "ok") return "good";
  return outcome === "lost" || outcome === "cancelled" ? "quiet" : "bad";
}

/** A kind of work that is not named here is shown by its own name: newer work, or none that usually fails. */
export function workText({ kind, key }: Pick<WorkTrouble, "kind" | "key">): string {
  switch (kind) {
    case "provision":
      return "Setting up the forge";
    case "reconcile":
      return "Comparing with the forge";
    case "try-hook":
      return "Trying the forge's webhooks";
    case "refresh":
      return `Fetching ${key} from the forge`;
    case "approval":
      return `Following approval #${key}`;
    case "follow-main":
      return "Following main of hive/agents";
    case "update-docs":
      return "Updating /docs";
    case "converge":
      return `Bringing ${key} to its wanted version`;
    case "forget-messages":
      return "Forgetting old messages";
    case "end-pair-rest":
      return `Letting ${key.replace("/", " and ")} write to each other again`;
    case "post-question":
      return `Posting question ${key}`;
    default:
      return key === "" ? kind : `${kind} ${key}`;
  }
}

/** Who wrote or gets a message. */
export const personText = (address: string): string =>
  address === "operator" ? "you" : address === "system" ? "the hive" : address;
