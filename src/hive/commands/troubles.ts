/** What goes wrong in a running hive besides its processes: a line each, with what can be done about it. */
import { type Agent, isAgentInTrouble } from "../../contract/agent.ts";
import type { WorkTrouble } from "../../contract/facts.ts";
import type { Pair } from "../../contract/pair.ts";
import { oneLine, timeText } from "../line.ts";

type Troubled = {
  agents: readonly Agent[];
  restingPairs: readonly Pair[];
  /** work that was given up, or fails again and again */
  troubles: readonly WorkTrouble[];
};

/** Whether somebody has to do something; what goes on by itself is only told. */
export const needsSomebody = ({ agents, troubles }: Pick<Troubled, "agents" | "troubles">): boolean =>
  troubles.some(({ state }) => state === "failed") || agents.some(isAgentInTrouble);

export const troubleLines = ({ agents, restingPairs, troubles }: Troubled): string[] => [
  ...agents.flatMap(linesOfAgent),
  ...restingPairs.map(
    ({ one, other, restsUntil }) =>
      `${one} and ${other}: they wrote to each other too often and rest${restsUntil === null ? "" : ` until ${timeText(restsUntil)}`}; the dashboard lifts it`,
  ),
  ...troubles.map(
    ({ kind, key, attempts, state, lastError }) =>
      `work ${[kind, key].filter(Boolean).join(" ")}: ${state === "failed" ? "given up" : "fails"} after ${count(attempts, "attempt")}: ${oneLine(lastError, 200)}`,
  ),
];

function linesOfAgent(agent: Agent): string[] {
  const { name, state, since, retryAt, difference, deadLetters, failedTurns, lostWakes, lostWakeAt, canary } = agent;
  const says = (text: string) => `${name}: ${text}`;
  return [
    state === "parked" &&
      `parked since ${timeText(since)}, ${retryAt === null ? "until somebody helps" : `until ${timeText(retryAt)}`}`,
    difference !== null && `${oneLine(difference, 500)} \`hive agent revert ${name}\` puts main back`,
    deadLetters > 0 && `${count(deadLetters, "dead letter")}; \`hive messages ${name}\` shows them`,
    failedTurns > 0 && `${count(failedTurns, "failed turn")} in a row; \`hive turns ${name}\` shows them`,
    canary?.state === "failed" && `the canary of ${timeText(canary.sentAt)} failed. ${canary.problem ?? ""}`,
    lostWakeAt !== null && `${count(lostWakes, "lost wake")}, the last at ${timeText(lostWakeAt)}`,
  ]
    .filter((text) => text !== false)
    .map(says);
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
