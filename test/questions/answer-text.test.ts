import { expect, test } from "vitest";
import { isAnswer, readAnswer, tickedIn } from "../../src/hived/questions/answer-text.ts";

const options = ["red", "dark  blue", "green, or none"];
const one = { options, multi: false };
const several = { options, multi: true };

test.each([
  ["red", "red"],
  [" RED ", "red"],
  ["dark blue", "dark  blue"],
  ["2", "dark  blue"],
  ["3.", "green, or none"],
  ["green, or none", "green, or none"],
  ["1\nas it was\nbefore", "red\n\nas it was\nbefore"],
])("%j chooses an option by its text or number, and may say more below", (said, answer) => {
  expect(readAnswer(one, said)).toBe(answer);
});

test.each([
  ["1, 2", "red\ndark  blue"],
  ["red\n3\nbecause", "red\ngreen, or none\n\nbecause"],
  ["2,2", "dark  blue"],
])("%j chooses several, with commas or line by line", (said, answer) => {
  expect(readAnswer(several, said)).toBe(answer);
});

test.each([
  ["purple", "no_such_option"],
  ["0", "no_such_option"],
  ["4", "no_such_option"],
  ["red, purple", "no_such_option"],
  ["1, 2", "one_option"],
  [" \n ", "empty_answer"],
])("%j is refused: %s", (said, code) => {
  expect(() => readAnswer(one, said)).toThrow(expect.objectContaining({ code }));
});

test("a refusal names the options", () => {
  const next = "Choose one of: 1. red; 2. dark blue; 3. green, or none. More words go on a line below.";
  expect(() => readAnswer(one, "purple")).toThrow(expect.objectContaining({ next }));
});

test("without options every word is an answer", () => {
  expect(readAnswer({ options: [], multi: false }, " 4, or five\nperhaps ")).toBe("4, or five\nperhaps");
});

test.each(["/answer yes", "/answer: yes", "/answer\nyes", "/answer"])("%j is an answer", (body) => {
  expect(isAnswer(body)).toBe(true);
});
test.each(["see /answer", "/answers", "/answered", " /answer", "/answer-me"])("%j is none", (body) => {
  expect(isAnswer(body)).toBe(false);
});

test("ticked are the options whose boxes the forge's pages have ticked", () => {
  const body = "- [ ] red\n- [x] dark blue\r\n- [X] green, or none\n- [x] purple";
  expect(tickedIn({ options }, body)).toEqual(["dark  blue", "green, or none"]);
});
