/** The state of the hive as the front page begins with it; what happens afterwards is folded in by the page itself. */
import type { ForgeHealth } from "../../contract/facts.ts";
import { type HiveState, stateLimits } from "../../contract/fold.ts";
import type { AgentName } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import type { ThreadPage } from "../../contract/thread.ts";
import { listAgents, toAgent } from "../agents/agents.ts";
import { newestApprovals } from "../approvals/approvals.ts";
import { entriesSince } from "../broker/inbox.ts";
import { newestMessages } from "../broker/messages.ts";
import { restingPairs } from "../broker/pairs.ts";
import { newestTurns } from "../broker/turns.ts";
import type { Core } from "../core.ts";
import type { Reader } from "../database/write.ts";
import { logEnds, newestNotes } from "../events/event-log.ts";
import { troubledWork } from "../work/work.ts";

export type StateParts = {
  core: Core;
  forgeHealth(): ForgeHealth;
  newestQuestions(reader: Reader, limit: number): Question[];
  openThreads(reader: Reader, agent: AgentName): ThreadPage;
};

/** Reads all of it in one transaction, together with the place in the event log that it stands for. */
export function readState({ core, forgeHealth, newestQuestions, openThreads }: StateParts): HiveState {
  return core.db.read((reader) => {
    const agents = listAgents(reader).map(toAgent);
    const messages = newestMessages(reader, stateLimits.messages);
    const oldest = messages[0];
    return {
      sequence: logEnds(reader).newest,
      forge: forgeHealth(),
      agents,
      messages,
      entries: oldest ? entriesSince(reader, oldest.id) : [],
      restingPairs: restingPairs(reader),
      turns: newestTurns(reader, stateLimits.turns),
      approvals: newestApprovals(reader, stateLimits.approvals),
      questions: newestQuestions(reader, stateLimits.questions),
      threads: Object.fromEntries(agents.map(({ name }) => [name, openThreads(reader, name)])),
      troubles: troubledWork(reader),
      notes: newestNotes(reader, stateLimits.notes),
    };
  });
}
