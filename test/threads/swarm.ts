/** A hive with much that is settled and something that is open, for what has to be quick however much there is. */
import { AgentName, type EpochMs, type ObjectId } from "../../src/contract/names.ts";
import { putApproval } from "../../src/hived/approvals/approvals.ts";
import { putItem } from "../../src/hived/forge/forge-items.ts";
import { addQuestion, closeQuestion } from "../../src/hived/questions/questions.ts";
import type { TestCore } from "../support/open-core.ts";

const head = "a".repeat(40) as ObjectId;
const batch = 500;

/** As many approvals, questions and pull requests, by turns; all of them alice's, and for bob to review or to answer. */
export async function fillThreads(core: TestCore, { closed, open }: { closed: number; open: number }): Promise<void> {
  const [alice, bob] = [AgentName.parse("alice"), AgentName.parse("bob")];
  for (let first = 0; first < closed + open; first += batch) {
    await core.db.write((tx) => {
      for (let number = first + 1; number <= Math.min(first + batch, closed + open); number += 1) {
        const isOpen = number > closed;
        const common = { number, head, url: `http://forge.test/${number}` };
        if (number % 3 === 0)
          putApproval(tx, core, {
            ...common,
            kind: "config",
            agent: "alice",
            submitter: alice,
            summary: `Change number ${number} of what alice is and may do`,
            state: isOpen ? "waiting" : "deployed",
            problem: null,
            permissions: [],
            openedAt: number as EpochMs,
            mergeCommit: null,
            circumstances: "main ",
          });
        else if (number % 3 === 1) {
          const asked = {
            asker: alice,
            target: bob,
            question: `Which of them, for the ${number}th time?`,
            context: null,
          };
          const { id } = addQuestion(tx, core, { ...asked, options: [], multi: false, deadline: null }, null);
          if (!isOpen) closeQuestion(tx, core, id, { outcome: "unanswered", closedIn: "forge" });
        } else
          putItem(tx, {
            ...common,
            repo: "alice/notes",
            kind: "pull",
            title: `Note number ${number} on what was seen`,
            author: alice,
            state: isOpen ? "open" : "merged",
            base: "main",
            reviewers: [bob],
            assignees: [],
            createdAt: number as EpochMs,
            updatedAt: number as EpochMs,
          });
      }
    });
  }
}
