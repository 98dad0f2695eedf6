/** What is chosen on the page is what hived reads. */
import { expect, test } from "vitest";
import { answerText } from "../../src/dashboard/parts/answer-text.ts";
import { readAnswer } from "../../src/hived/questions/answer-text.ts";

const options = ["0", "1", "2", "yes, at once", "no\nnever"];
const read = (multi: boolean, chosen: number[], words = "") =>
  readAnswer({ options, multi }, answerText(options, chosen, words));

test.each(options.map((option, place) => [option, place] as const))("%j is read as itself", (option, place) => {
  expect(read(false, [place])).toBe(option);
  expect(read(true, [place])).toBe(option);
});

test("several are read as those, in the order of the options, whatever is added", () => {
  expect(read(true, [3, 0, 2], "1")).toBe("0\n2\nyes, at once\n\n1");
  expect(read(false, [1], "2\nand more")).toBe("1\n\n2\nand more");
});

test("words without a choice are read as words", () => {
  expect(readAnswer({ options: [], multi: false }, answerText([], [], " Go on. "))).toBe("Go on.");
  expect(() => read(false, [], "Go on.")).toThrow("There is no option");
});
