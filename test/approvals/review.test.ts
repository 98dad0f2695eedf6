import { expect, test } from "vitest";
import { EpochMs, ObjectId } from "../../src/contract/names.ts";
import { decide, reasonOf } from "../../src/hived/approvals/review.ts";
import type { GivenReview } from "../../src/hived/forge/client.ts";

const head = ObjectId.parse("a".repeat(40));
const older = ObjectId.parse("b".repeat(40));
const pull = { head, author: "manager" };
const approval: GivenReview = {
  id: 1,
  user: "operator",
  state: "APPROVED",
  official: true,
  dismissed: false,
  stale: false,
  commitId: head,
  body: "",
  lineCount: 0,
  submittedAt: EpochMs.parse(0),
  entry: 5,
  outdatedBy: null,
};

test("the operator's official approval of the head counts", () => {
  expect(decide(pull, [approval])).toEqual({ kind: "approved" });
});

test.each([
  ["somebody else's", { user: "bob" }],
  ["a dismissed one", { dismissed: true }],
  ["one that is not official", { official: false }],
  ["one of an older head, though the forge still calls it good", { commitId: older }],
  ["one that was given to another base", { outdatedBy: "change_target_branch" }],
  ["one that was given before it was closed", { outdatedBy: "close" }],
  ["a mere comment", { state: "COMMENT" }],
  ["one that is not submitted yet", { state: "PENDING" }],
] satisfies [string, Partial<GivenReview>][])("%s does not count as an approval", (_, change) => {
  expect(decide(pull, [{ ...approval, ...change }]).kind).toBe("none");
});

test("an approval of an older head says so to the operator", () => {
  expect(decide(pull, [{ ...approval, commitId: older }])).toEqual({
    kind: "none",
    problem: expect.stringContaining("review it again"),
  });
});

test("an approval of the head that was dismissed says so to the operator, one of an older head that was needs no word", () => {
  expect(decide(pull, [{ ...approval, dismissed: true }])).toEqual({
    kind: "none",
    problem: expect.stringContaining("was dismissed: approve it again"),
  });
  expect(decide(pull, [{ ...approval, dismissed: true, commitId: older }])).toEqual({ kind: "none", problem: null });
});

test("an approval that was given to another base, or before it was closed, says so to the operator", () => {
  const said = {
    change_target_branch: /another branch.*review it again/,
    close: /before it was closed.*review it again/,
  };
  for (const outdatedBy of ["change_target_branch", "close"] as const)
    expect(decide(pull, [{ ...approval, outdatedBy }])).toEqual({
      kind: "none",
      problem: expect.stringMatching(said[outdatedBy]),
    });
});

test("the newest word of the operator counts, whichever way it goes", () => {
  const changes = { ...approval, id: 2, state: "REQUEST_CHANGES", body: "too wide" };
  expect(decide(pull, [changes, approval])).toEqual({
    kind: "changes_requested",
    ...{ review: 2, entry: 5, reason: "too wide" },
  });
  expect(decide(pull, [changes, approval, { ...approval, id: 3 }])).toEqual({ kind: "approved" });
});

test("nobody approves a pull request of their own, the operator neither", () => {
  expect(decide({ head, author: "operator" }, [approval]).kind).toBe("none");
});

test("what the operator said of all and of single lines is one text", () => {
  const comments = [
    { place: "agents/bob/AGENTS.md, line 3", body: "Shorter.\n" },
    { place: "agents/bob/agent.yaml, line 2 as it was", body: "Why not?" },
  ];
  expect(reasonOf("Too wide.\n", comments)).toBe(
    "Too wide.\n\n- agents/bob/AGENTS.md, line 3: Shorter.\n- agents/bob/agent.yaml, line 2 as it was: Why not?",
  );
  expect(reasonOf("", comments.slice(0, 1))).toBe("- agents/bob/AGENTS.md, line 3: Shorter.");
});
