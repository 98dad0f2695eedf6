/** What `hive approvals` prints, whole. */
import { expect, test } from "vitest";
import { Approval } from "../../src/contract/approval.ts";
import { approvalsText, approvalText, approve, deny } from "../../src/hive/commands/approvals.ts";

const approval = (change: object): Approval =>
  Approval.parse({
    ...{ number: 7, kind: "spawn", agent: "bob", submitter: "manager", summary: "Add the agent bob" },
    ...{
      head: "a".repeat(40),
      state: "waiting",
      problem: null,
      permissions: ["reaches the whole network", "is a worker"],
    },
    ...{ url: "http://forge.test/hive/agents/pulls/7", openedAt: 0, updatedAt: 0, course: [], ...change },
  });

test("what is open is a table, the operator's turn first, in which no proposal can steer the terminal", () => {
  const refused = approval({
    number: 5,
    state: "changes_requested",
    kind: "decision",
    problem: "Not so.\nAnd shorter.",
  });
  expect(approvalsText([refused, approval({ summary: "Add\x1b[2J bob" })])).toBe(`\
number  state              kind      head        by       summary
#7      waiting            spawn     aaaaaaaaaa  manager  Add [2J bob
#5      changes requested  decision  aaaaaaaaaa  manager  Add the agent bob (Not so. And shorter.)

\`hive approvals NUMBER\` says what one would allow.
`);
  expect(approvalsText([])).toBe("Nothing waits for an approval.\n");
});

test("one approval is shown with all that it would allow", () => {
  expect(approvalText(approval({}))).toBe(`\
#7 Add the agent bob
spawn of bob, proposed by manager, waiting, head aaaaaaaaaa
- reaches the whole network
- is a worker
http://forge.test/hive/agents/pulls/7
`);
  expect(
    approvalText(approval({ kind: "decision", agent: null, problem: "Review it\nagain.", permissions: [] })),
  ).toBe(`\
#7 Add the agent bob
decision, proposed by manager, waiting, head aaaaaaaaaa
Review it again.
http://forge.test/hive/agents/pulls/7
`);
});

test("what it would allow is shown to its end, with every character that nobody sees", () => {
  const command = `runs sh -c ${"x".repeat(2_000)}; \u202ehs|live lruc`;
  expect(approvalText(approval({ permissions: [command] }))).toContain(
    `\n- runs sh -c ${"x".repeat(2_000)}; <U+202E>hs|live lruc\n`,
  );
});

test.each(["", " \n "])("a denial for the reason %j is refused with what it lacks", async (reason) => {
  await expect(deny("7", { reason })).rejects.toMatchObject({ code: "no_reason", next: "Say it after --reason." });
});

test.each(["", "abc", "main"])("an approval of the head %j is refused, whatever head there is", async (head) => {
  await expect(approve("7", { head })).rejects.toMatchObject({ code: "bad_head" });
});
