/** What `hive threads` shows, whole. */
import { expect, test } from "vitest";
import { EpochMs } from "../../src/contract/names.ts";
import { ThreadPage } from "../../src/contract/thread.ts";
import { threadsText } from "../../src/hive/commands/threads.ts";

const openedAt = EpochMs.parse(Date.UTC(2026, 10, 28, 1, 2, 3));
const url = "http://forge/1";
const page = ThreadPage.parse({
  threads: [
    { kind: "approval", id: 7, owner: "alice", summary: "Add carol", openedAt, state: "changes_requested", url },
    {
      kind: "question",
      id: 12,
      owner: "bob",
      summary: "Which?\x1b[2J",
      openedAt,
      role: "target",
      counterparty: "alice",
      url,
    },
    {
      kind: "question",
      id: 13,
      owner: "bob",
      summary: "Why?",
      openedAt,
      role: "asker",
      counterparty: "operator",
      url: null,
    },
    {
      kind: "pr",
      id: 1,
      owner: "bob",
      summary: "Fix",
      openedAt,
      repo: "bob/notes",
      role: "author",
      state: "open",
      url,
    },
  ],
  totals: { approval: 1, question: 150, pr: 1 },
});

test("each open thread is a row with whose it is and where to look, and the totals say what is on the next page", () => {
  expect(threadsText(page, 100)).toBe(`\
kind      number       since             owner  state                 summary     address
approval  7            2026-11-28 01:02  alice  changes requested     Add carol   http://forge/1
question  12           2026-11-28 01:02  bob    owes alice an answer  Which? [2J  http://forge/1
question  13           2026-11-28 01:02  bob    asked operator        Why?
pr        bob/notes#1  2026-11-28 01:02  bob    open                  Fix         http://forge/1

1 approvals, 150 questions, 1 pull requests in all. \`--offset 104\` shows the next ones.
`);
});

test("where there is nothing it says so", () => {
  const nothing = { threads: [], totals: { approval: 0, question: 0, pr: 0 } };
  expect(threadsText(nothing, 0)).toBe("Nothing is open.\n");
  expect(threadsText({ ...nothing, totals: page.totals }, 200)).toBe("There are only 152.\n");
});
