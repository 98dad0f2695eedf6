import { isAgentInTrouble } from "../../contract/agent.ts";
import type { HiveState } from "../../contract/fold.ts";
import { attentionOf } from "../attention.ts";

type Vital = { href: string; label: string; value: number; note: string; isUrgent: boolean };

/** The hive in four numbers, each the way to its part of the page. */
export const Vitals = ({ hive }: { hive: HiveState }) => (
  <nav class="vitals" aria-label="Overview">
    {vitalsOf(hive).map(({ href, label, value, note, isUrgent }) => (
      <a key={href} class={isUrgent ? "vital urgent" : "vital"} href={href}>
        <span class="vital-value">{value}</span>
        <span class="vital-label">{label}</span>
        <span class="vital-note">{note}</span>
      </a>
    ))}
  </nav>
);

function vitalsOf(hive: HiveState): Vital[] {
  const { approvals, questions } = attentionOf(hive);
  const waiting = approvals.length + questions.length;
  const queued = hive.entries.filter(({ state, recipient }) => state === "queued" && recipient !== "operator").length;
  const dead = hive.entries.filter(({ state }) => state === "dead").length;
  const troubled = hive.agents.filter(isAgentInTrouble).length;
  const threads = new Set(
    Object.values(hive.threads).flatMap((page) =>
      page.threads.map((thread) => `${thread.kind} ${"repo" in thread ? thread.repo : ""} ${thread.id}`),
    ),
  );
  return [
    {
      href: "#needs-you",
      label: waiting === 1 ? "needs you" : "need you",
      value: waiting,
      note: waiting === 0 ? "nothing to decide" : `${approvals.length} to review, ${questions.length} to answer`,
      isUrgent: waiting > 0,
    },
    {
      href: "#agents",
      label: hive.agents.length === 1 ? "agent" : "agents",
      value: hive.agents.length,
      note: troubled > 0 ? `${troubled} in trouble` : `${working(hive)} working`,
      isUrgent: troubled > 0,
    },
    {
      href: "#messages",
      label: "queued",
      value: queued,
      note: dead > 0 ? `messages, and ${dead} dead` : `messages, and ${inTurn(hive)} in a turn`,
      isUrgent: dead > 0,
    },
    {
      href: "#threads",
      label: threads.size === 1 ? "open thread" : "open threads",
      value: threads.size,
      note: "over all agents",
      isUrgent: false,
    },
  ];
}

const working = ({ agents }: HiveState) => agents.filter(({ state }) => state === "working").length;
const inTurn = ({ entries }: HiveState) => entries.filter(({ state }) => state === "leased").length;
