import { expect, test } from "vitest";
import type { QuestionTarget } from "../../src/contract/question.ts";
import { answerIn } from "../../src/hived/questions/answer.ts";

const question = { target: "bob" as QuestionTarget, options: ["red", "dark  blue", "green"] };
const comment = (user: string, body: string) => ({ user, body });
const open = { isOpen: true, body: "", comments: [] };
const closed = { ...open, isOpen: false };

test("a comment of the target's that begins with /answer answers", () => {
  const comments = [
    comment("bob", "let me think"),
    comment("bob", "/answer blue\nas the sky"),
    comment("bob", "/answer no"),
  ];
  expect(answerIn(question, { ...open, comments })).toEqual({ from: "bob", text: "blue\nas the sky" });
});

test("the operator may answer anything", () => {
  const comments = [comment("operator", "/answer yes")];
  expect(answerIn(question, { ...open, comments })).toEqual({ from: "operator", text: "yes" });
});

test.each(["alice", "hive-bot", "hive-admin", "Bob", ""])("a comment of %j's answers nothing", (user) => {
  const comments = [comment(user, "/answer yes")];
  expect(answerIn(question, { ...open, comments })).toBeNull();
  expect(answerIn(question, { ...closed, comments })).toEqual({ from: "system", text: "" });
});

test.each(["see /answer", "/answers", "/answered", " /answer"])(
  "%j is no answer while the question is open",
  (body) => {
    expect(answerIn(question, { ...open, comments: [comment("bob", body)] })).toBeNull();
  },
);

test("a closed one is answered by the last word of the target or the operator", () => {
  const comments = [
    comment("bob", "what do you mean?"),
    comment("alice", "the paint"),
    comment("operator", "blue, please"),
  ];
  expect(answerIn(question, { ...closed, comments })).toEqual({ from: "operator", text: "blue, please" });
});

test("closed without a word, it is answered by the ticked options", () => {
  const body = "- [ ] red\n- [x] dark blue\r\n- [X] green\n- [x] purple";
  expect(answerIn(question, { ...closed, body })).toEqual({ from: "system", text: "dark  blue\ngreen" });
  expect(answerIn(question, { ...open, body })).toBeNull();
});

test("closed with neither, it has no answer", () => {
  expect(answerIn(question, closed)).toEqual({ from: "system", text: "" });
});
