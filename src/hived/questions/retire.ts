/** What an agent that is destroyed had asked, and what it was asked. */
import type { AgentName } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { tellOutcome } from "./letters.ts";
import { closeQuestion, openQuestionsOf } from "./questions.ts";

/** Its questions are cancelled, those to it are closed without an answer, and the others hear why. Repeated, it finds none. */
export function closeQuestionsOf(tx: Transaction, core: Core, agent: AgentName): void {
  for (const { id, asker } of openQuestionsOf(tx, agent)) {
    const outcome = asker === agent ? "cancelled" : "unanswered";
    const closed = closeQuestion(tx, core, id, { outcome, closedIn: "hive" });
    if (!closed) continue;
    tellOutcome(tx, core, closed);
    core.scheduler.enqueue(tx, "post-question", String(id));
  }
}
