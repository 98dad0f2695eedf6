/** The kinds of work that keep the hive and the forge alike, each with its handler. */
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { agentsRepo, questionsRepo } from "../forge/plan.ts";
import { type ProvisionParts, provision } from "../forge/provision.ts";
import { type FetchedItem, refresh } from "../forge/refresh.ts";
import { followQuestion } from "../questions/answer.ts";
import { postQuestion } from "../questions/ask.ts";
import type { Handler } from "../work/scheduler.ts";
import { reconcile } from "./reconcile.ts";

type Kind = "provision" | "reconcile" | "refresh" | "post-question";

/** @param threadsChanged told with each fetched item, as an open pull request is somebody's open thread */
export function intakeHandlers(
  parts: ProvisionParts,
  threadsChanged: (tx: Transaction) => void,
): Record<Kind, Handler> {
  const { core, forge } = parts;
  const follow = (tx: Transaction, fetched: FetchedItem) => {
    threadsChanged(tx);
    followItem(tx, core, fetched);
  };
  return {
    provision: { atOnce: 1, run: () => provision(parts).then(() => undefined) },
    reconcile: { atOnce: 1, run: () => reconcile(parts) },
    refresh: { atOnce: 4, run: (key) => refresh(core, forge, key, follow).then(() => undefined) },
    "post-question": { atOnce: 2, run: (key) => postQuestion(core, forge, Number(key)).then(() => undefined) },
  };
}

/** Where an item goes on from the projection. */
function followItem(tx: Transaction, core: Core, fetched: FetchedItem): void {
  const { repo, kind, number } = fetched.item;
  if (repo === agentsRepo && kind === "pull") core.scheduler.enqueue(tx, "approval", String(number));
  if (repo === questionsRepo && kind === "issue") followQuestion(tx, core, fetched);
}
