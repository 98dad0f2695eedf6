/** Tells every watcher when an agent's open threads have changed. */
import type { FactKind } from "../../contract/facts.ts";
import type { AgentName } from "../../contract/names.ts";
import type { ThreadPage } from "../../contract/thread.ts";
import { listAgents } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { pageOf, sweepThreads } from "./open-threads.ts";

export type ThreadPublisher = {
  /** Something of the forge has changed that is no event by itself. */
  changed(tx: Transaction): void;
  /** Ends once what it was writing is written. */
  run(signal: AbortSignal): Promise<void>;
};

/** Facts that can change somebody's page. */
const causes: ReadonlySet<FactKind> = new Set<FactKind>(["ApprovalChanged", "QuestionChanged", "AgentChanged"]);

export function openThreadPublisher(core: Core): ThreadPublisher {
  const told = new Map<AgentName, string>();
  let isDue = true; // at its start it tells all: a crash may have come between a change and its telling
  let wake: () => void = () => undefined;
  const ring = () => {
    isDue = true;
    wake();
  };
  const publish = () =>
    core.db.write((tx) => {
      const sweep = sweepThreads(tx);
      for (const { name, wish } of listAgents(tx)) {
        const page = pageOf(sweep, name);
        const text = JSON.stringify(page);
        if (told.get(name) === text || (wish === "destroyed" && isEmpty(page))) continue;
        core.events.append(tx, { kind: "ThreadsChanged", agent: name, page }, core.clock.now());
        tx.afterCommit(() => told.set(name, text));
      }
    });
  return {
    changed: (tx) => tx.afterCommit(ring),
    async run(signal) {
      core.events.watch((facts) => facts.some(({ kind }) => causes.has(kind)) && ring(), signal);
      signal.addEventListener("abort", () => wake(), { once: true });
      while (!signal.aborted) {
        if (isDue) {
          isDue = false;
          await publish();
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

const isEmpty = ({ threads }: ThreadPage): boolean => threads.length === 0;
