import { expect, test } from "vitest";
import { Examination } from "../../src/contract/examination.ts";
import { examinationText } from "../../src/hive/commands/agent-doctor.ts";

test("what an examination found is shown line by line, and below each failure what to do", () => {
  const examination = Examination.parse({
    agent: "alice",
    codingAgent: "opencode",
    runtime: "bubblewrap",
    findings: [
      { what: "coding agent", state: "well", found: "It is installed: 1.18.33.", next: null },
      { what: "sign-in", state: "failed", found: "It is not signed in.", next: "Sign it in." },
      { what: "API", state: "unknown", found: "It has the choice of\u001b[2J many providers.", next: null },
    ],
  });
  expect(examinationText(examination)).toBe(`\
alice: opencode, run by bubblewrap

coding agent  well     It is installed: 1.18.33.
sign-in       FAILED   It is not signed in.
                       Sign it in.
API           unknown  It has the choice of [2J many providers.
`);
});
