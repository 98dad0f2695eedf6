import fc from "fast-check";
import { expect, test } from "vitest";
import type { EpochMs } from "../../src/contract/names.ts";
import { readHiddenBlock, writeHiddenBlock } from "../../src/hived/questions/hidden-block.ts";

const block = fc.record({
  id: fc.nat(),
  askedAt: fc.nat().map((at) => at as EpochMs),
  options: fc.array(fc.string({ unit: "binary" })),
  multi: fc.boolean(),
  deadline: fc.option(fc.nat().map((at) => at as EpochMs)),
});

test("what is written is read again, whatever the options say", () => {
  fc.assert(
    fc.property(block, (written) => {
      const text = writeHiddenBlock(written);
      expect(readHiddenBlock(`${text}\n\nthe question`)).toEqual(written);
    }),
  );
});

test("nothing in it can end the comment, or begin another line", () => {
  fc.assert(
    fc.property(block, (written) => {
      const inside = writeHiddenBlock(written).slice("<!--".length, -"-->".length);
      expect(inside).not.toMatch(/--|>|<|\n/);
    }),
  );
});

test.each([
  ["", "no body"],
  ["just a text", "no block"],
  ["text\n<!-- hive:question {} -->", "a block further down"],
  ["<!-- hive:question {not json -->", "no JSON"],
  ['<!-- hive:question {"id":"1"} -->', "another shape"],
])("%j has no block: %s", (body) => {
  expect(readHiddenBlock(body)).toBeNull();
});
