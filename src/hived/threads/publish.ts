/** Tells every watcher when an agent's open threads have changed. */
import type { Agent } from "../../contract/agent.ts";
import type { FactKind } from "../../contract/facts.ts";
import type { AgentName } from "../../contract/names.ts";
import { listAgents } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { toldPages } from "../events/event-log.ts";
import { openThreads } from "./open-threads.ts";

export type ThreadPublisher = {
  /** Something of the forge has changed that is no event by itself. */
  changed(tx: Transaction): void;
  /** Tells what a crash may have left untold; then each change, until the signal. */
  watch(signal: AbortSignal): void;
};

/** Facts that can change somebody's page; of an agent only that it is new, or another one sees the whole hive by now. */
const causes: ReadonlySet<FactKind> = new Set<FactKind>(["ApprovalChanged", "QuestionChanged"]);

export function openThreadPublisher(core: Core): ThreadPublisher {
  const told = core.db.read(toldPages); // a start tells nobody what was told before it
  const standings = new Map<AgentName, string>();
  /** An agent changes with each of its canaries, and more, which changes nobody's page: a sweep for all would be too much. */
  const isNewStanding = ({ name, role, wish }: Pick<Agent, "name" | "role" | "wish">): boolean => {
    const before = standings.get(name);
    standings.set(name, `${role} ${wish}`);
    return before !== standings.get(name);
  };
  let isQueued = false;
  const publish = () => {
    if (isQueued) return;
    isQueued = true;
    const written = core.db.write((tx) => {
      isQueued = false;
      for (const [agent, text] of tellChanged(tx, core, told)) tx.afterCommit(() => told.set(agent, text));
    });
    written.catch((error: unknown) => {
      isQueued = false;
      core.log.error({ err: error }, "open threads could not be told");
    });
  };
  return {
    changed: (tx) => tx.afterCommit(publish),
    watch(signal) {
      for (const row of core.db.read(listAgents)) isNewStanding(row);
      core.events.watch((facts) => {
        const changed = facts.filter(
          (fact) => causes.has(fact.kind) || (fact.kind === "AgentChanged" && isNewStanding(fact.agent)),
        );
        if (changed.length > 0) publish();
      }, signal);
      publish();
    },
  };
}

/** Appends a fact for each page that is not as it was told last, and returns these as text. */
function tellChanged(tx: Transaction, core: Core, told: ReadonlyMap<AgentName, string>): [AgentName, string][] {
  const pages = listAgents(tx).map(({ name }) => ({ agent: name, page: openThreads(tx, name) }));
  const changed = pages.filter(({ agent, page }) => told.get(agent) !== JSON.stringify(page));
  for (const { agent, page } of changed)
    core.events.append(tx, { kind: "ThreadsChanged", agent, page }, core.clock.now());
  return changed.map(({ agent, page }) => [agent, JSON.stringify(page)]);
}
