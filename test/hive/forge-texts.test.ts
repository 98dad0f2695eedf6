import { expect, test } from "vitest";
import { checkText, repairText } from "../../src/hive/commands/forge-check.ts";
import { rotationText } from "../../src/hive/commands/token-rotate.ts";

const drift = [
  { what: "organization hive", wanted: "private visibility", found: "limited" },
  { what: "label question of hive/questions", wanted: "the colour 1d76db", found: null },
];

test("a check prints what differs as a table, and how to put it right", () => {
  expect(checkText(drift)).toBe(
    [
      "what                              wanted              found",
      "organization hive                 private visibility  limited",
      "label question of hive/questions  the colour 1d76db   missing",
      "",
      "`hive forge check --fix` puts this right.",
      "",
    ].join("\n"),
  );
  expect(checkText([])).toBe("The forge is as it should be.\n");
});

test("a repair prints what was wrong, and what only the operator can do", () => {
  expect(repairText(drift.slice(0, 1), ["Make a token."])).toMatch(
    /limited\n\nThis was put right\.\nMake a token\.\n$/,
  );
  expect(repairText([], [])).toBe("The forge was as it should be.\n");
});

test("a rotation prints who has a new token, and when the old ones end", () => {
  const text = rotationText([
    { user: "bob", problem: null },
    { user: "operator", problem: "Make one yourself." },
  ]);
  expect(text).toMatch(/^bob {7}has a new token\noperator {2}Make one yourself\.\nThe old ones end in a minute/);
});
