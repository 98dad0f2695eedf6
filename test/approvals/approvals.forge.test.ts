/** Approvals on each forge, from the pull request to what it brings about: one hive for all, as making one takes longest. */
import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import { forges } from "../support/forges.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { howMany } from "../support/stories.ts";
import { cutOff } from "./cut-off.ts";
import { ends } from "./ends.ts";
import { kinds } from "./kinds.ts";
import { onlyWhatCounts } from "./only-what-counts.ts";
import { type Approvals, openApprovals } from "./open-approvals.ts";
import { operatorsWord } from "./operator.ts";

/** Instead of a test that is not meant for a forge: skipped would be one that should run, and can't. */
const noTest = Object.assign(() => undefined, { each: () => () => undefined }) as unknown as typeof test;

describe.each(forges)("on $name", ({ name, start }) => {
  let forge: RunningForge;
  let hive: Approvals;
  beforeAll(async () => {
    forge = await start();
    hive = await openApprovals(forge);
  });
  afterEach(() => hive.closeAll());
  afterAll(async () => {
    await hive[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  const isSoak = howMany(0) > 0;
  const isEmbedded = name === "the embedded forge";
  /** for what makes no other calls of the forge than what is tried on each of them */
  const onOne = isEmbedded ? test : noTest;
  describe("each kind", () => kinds(() => hive, onOne));
  describe("each end", () => ends(() => hive, onOne));
  describe("only what counts", () => onlyWhatCounts(() => hive, isEmbedded ? noTest : test));
  describe("the operator's word", () => operatorsWord(() => hive, onOne));
  describe("cut off", () => cutOff(() => hive, isEmbedded ? [2, 7, 12, 18] : [9], isSoak ? test : onOne));
});
