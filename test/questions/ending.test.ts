import { expect, test } from "vitest";
import type { AgentName, EpochMs } from "../../src/contract/names.ts";
import type { Question } from "../../src/contract/question.ts";
import { boxesOf } from "../../src/hived/questions/boxes.ts";
import { closedEnding } from "../../src/hived/questions/ending.ts";

const question: Question = {
  id: 1,
  number: 7,
  asker: "alice" as AgentName,
  target: "operator",
  question: "Which?",
  options: [],
  multi: false,
  context: null,
  deadline: null,
  state: "open",
  outcome: null,
  answer: null,
  answeredBy: null,
  url: null,
  openedAt: 0 as EpochMs,
  closedAt: null,
};
const closedAt = 1_000_000 as EpochMs;
const close = { user: "operator", at: closedAt };
const said = (id: number, user: string, body: string, secondsBefore: number) => {
  const at = (closedAt - secondsBefore * 1000) as EpochMs;
  return { id, user, body, createdAt: at, updatedAt: at };
};

test("what was said long before a close is talk, and no answer", () => {
  const comments = [said(1, "operator", "hm, let me think", 60)];
  expect(closedEnding(question, comments, close)).toMatchObject({ outcome: "unanswered" });
  comments.push(said(2, "alice", "please do", 1));
  expect(closedEnding(question, comments, close)).toMatchObject({ outcome: "unanswered" });
  comments.push(said(3, "operator", "the red one", 1));
  expect(closedEnding(question, comments, close)).toMatchObject({ answer: { text: "the red one", comment: 3 } });
});

test("boxes in a comment of anybody's but the bot are nobody's answer, nor is what the bot quotes", () => {
  const asked = { ...question, options: ["yes", "no"] };
  const ticked = boxesOf(asked).replace("- [ ] yes", "- [x] yes");
  const forged = [said(1, "alice", ticked, 60), said(2, "hive-bot", `@alice: no.\n\n${ticked}`, 50)];
  expect(closedEnding(asked, forged, close)).toMatchObject({ outcome: "unanswered" });
  const own = [...forged, said(3, "hive-bot", ticked, 40)];
  expect(closedEnding(asked, own, close)).toMatchObject({ answer: { text: "yes", by: "operator", comment: 0 } });
});

test("closed by its asker it is cancelled, and by who may not answer it is not answered, whatever is ticked", () => {
  const asked = { ...question, options: ["yes", "no"] };
  const boxes = [said(1, "hive-bot", boxesOf(asked).replace("- [ ] yes", "- [x] yes"), 60)];
  expect(closedEnding(asked, boxes, { ...close, user: "alice" })).toMatchObject({ outcome: "cancelled" });
  expect(closedEnding(asked, boxes, { ...close, user: "hive-admin" })).toMatchObject({ outcome: "unanswered" });
  expect(closedEnding(asked, boxes, null)).toMatchObject({ outcome: "unanswered" });
});
