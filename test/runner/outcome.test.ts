import { expect, test } from "vitest";
import { type DriverEnd, outcomeOf } from "../../src/hive-runner/outcome.ts";
import { profiles } from "../../src/hive-runner/profiles/profiles.ts";

const error = (message: string, errorKind: string | null = null, code = -32_603): DriverEnd => ({
  kind: "error",
  code,
  message,
  errorKind,
  retryAt: null,
});
const outcome = (end: DriverEnd) => outcomeOf(end, null, profiles.script).outcome;

test.each([
  [error("Authentication required", null, -32_000), "needs_login"],
  [error("Invalid API key", "authentication_failed"), "needs_login"],
  [error("no credit", "billing_error"), "billing"],
  [error("Unknown model", "model_not_found"), "model_unavailable"],
  [error("429 Too Many Requests"), "rate_limited"],
  [error("the model is overloaded"), "overloaded"],
  [error("Prompt is too long"), "context_full"],
  [error("connect ECONNREFUSED 127.0.0.1:1"), "network"],
  [error("cannot read properties of undefined"), "crashed"],
  [{ kind: "gone", problem: "it was ended by SIGKILL" }, "crashed"],
  [{ kind: "stopped", reason: "end_turn" }, "ok"],
  [{ kind: "stopped", reason: "max_tokens" }, "context_full"],
  [{ kind: "stopped", reason: "max_turn_requests" }, "budget"],
  [{ kind: "stopped", reason: "refusal" }, "refused"],
  [{ kind: "stopped", reason: "cancelled" }, "crashed"],
] as [DriverEnd, string][])("%j is %s", (end, expected) => {
  expect(outcome(end)).toBe(expected);
});

test("a turn that was cut off ends as why it was cut off, however the agent took it", () => {
  expect(outcomeOf({ kind: "stopped", reason: "cancelled" }, "silent", profiles.script).outcome).toBe("stalled");
  expect(outcomeOf({ kind: "gone", problem: "killed" }, "too long", profiles.script).outcome).toBe("timed_out");
  expect(outcomeOf({ kind: "gone", problem: "killed" }, "cancelled", profiles.script).outcome).toBe("cancelled");
  expect(outcomeOf({ kind: "gone", problem: "killed" }, "stopped", profiles.script).outcome).toBe("lost");
});

test("a turn that came to its end although it was cut off has ended well", () => {
  expect(outcomeOf({ kind: "stopped", reason: "end_turn" }, "stopped", profiles.script).outcome).toBe("ok");
});
