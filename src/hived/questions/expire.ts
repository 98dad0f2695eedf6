/** Work `expire-question`: a question's deadline has come. */
import type { Core } from "../core.ts";
import type { Forge } from "../forge/client.ts";
import { settleQuestion } from "./follow.ts";
import { tellOutcome } from "./letters.ts";
import { closeQuestion } from "./questions.ts";

/** Looks at the forge first: an answer that was given in time counts, whatever kept us from hearing of it. */
export async function expireQuestion(core: Core, forge: Forge, id: number): Promise<void> {
  await settleQuestion(core, forge, id);
  await core.db.write((tx) => {
    const closed = closeQuestion(tx, core, id, { outcome: "expired", closedIn: "hive" });
    if (!closed) return;
    tellOutcome(tx, core, closed);
    core.scheduler.enqueue(tx, "post-question", String(id));
  });
}
