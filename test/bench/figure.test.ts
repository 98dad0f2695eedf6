import { expect, test } from "vitest";
import { bound, interleave, judge, median, notInstalled, percentile, toLine } from "./figure.ts";

test("the median of an even number of values lies between the middle two", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 3])).toBe(4);
});

test("a percentile is one of the values: the smallest that so many do not exceed", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([1, 50, 99, 100]);
  expect(percentile([7], 0.99)).toBe(7);
});

const figure = { name: "sends", unit: "/s", goal: { atLeast: 2 } };

test("a figure is the ratio of the medians, held against its goal", () => {
  expect(judge({ ...figure, ours: [10, 30, 21], floor: [10, 9, 11] })).toMatchObject({ ratio: 2.1, pass: true });
  expect(judge({ ...figure, ours: [19], floor: [10] })).toMatchObject({ ratio: 1.9, pass: false });
  expect(judge({ ...figure, goal: { atMost: 2 }, ours: [19], floor: [10] })).toMatchObject({ pass: true });
});

test("a floor that moved by over 30 % between rounds neither passes nor fails anything", () => {
  expect(judge({ ...figure, ours: [50], floor: [10, 13] }).pass).toBe(true);
  expect(judge({ ...figure, ours: [50], floor: [10, 13.1] }).pass).toBe("noisy");
});

test("measures take turns, round by round", async () => {
  const order: string[] = [];
  const measure = (name: string) => async () => order.push(name);
  expect(await interleave(2, { ours: measure("ours"), floor: measure("floor") })).toEqual({
    ours: [1, 3],
    floor: [2, 4],
  });
  expect(order).toEqual(["ours", "floor", "ours", "floor"]);
});

test("a line has a place for everything, also where there is nothing to say", () => {
  expect(toLine(judge({ ...figure, ours: [12345], floor: [5000] }))).toBe(
    "sends | 12345 /s | 5000 | 2.47 | >= 2 x | pass",
  );
  expect(toLine(bound("lost", "messages", 0, 0))).toBe("lost | 0.00 messages | - | - | <= 0 messages | pass");
  expect(toLine(notInstalled("sends", "/s", figure.goal))).toBe("sends | - | - | - | >= 2 x | not installed");
});
