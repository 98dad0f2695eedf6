import { expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { AgentVersion } from "../../src/contract/version.ts";
import { historyText } from "../../src/hive/commands/history.ts";

const alice = AgentName.parse("alice");
const version = (number: number, row: Record<string, unknown> = {}) =>
  AgentVersion.parse({
    ...{ number, commit: "c".repeat(40), tree: "d".repeat(40), at: Date.UTC(2026, 10, 28, 1, 2, 3), state: "ready" },
    ...{ problem: null, approvals: [] },
    ...row,
  });
const by = (number: number, submitter: string, isApproved: boolean) => ({
  ...{ number, submitter, isApproved },
  ...{ summary: "Change it", url: `http://127.0.0.1:3000/hive/agents/pulls/${number}` },
});

test("each version is a line: when, what, what became of it, and who brought it", () => {
  const versions = [
    version(3, { approvals: [by(9, "system", true)] }),
    version(2, {
      state: "failed",
      problem: "It ended\nwith code 1.",
      approvals: [by(7, "manager", true), by(8, "bob", false)],
    }),
    version(1),
  ];
  expect(historyText(alice, { versions, more: true })).toBe(`\
version  began                commit      tree        result  brought by                                          problem
3        2026-11-28 01:02:03  cccccccccc  dddddddddd  ready   #9 of the hive, approved
2        2026-11-28 01:02:03  cccccccccc  dddddddddd  failed  #7 of manager, approved; #8 of bob, merged by hand  It ended with code 1.
1        2026-11-28 01:02:03  cccccccccc  dddddddddd  ready   without a pull request

There are older ones: --limit.
`);
  expect(historyText(alice, { versions: [], more: false })).toBe("alice has had no version yet.\n");
});
