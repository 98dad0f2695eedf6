import { RequestError } from "@agentclientprotocol/sdk";
import { expect, test } from "vitest";
import { outcomeOfError } from "../../src/hive-runner/drivers/acp-failure.ts";
import { type DriverEnd, outcomeOf } from "../../src/hive-runner/outcome.ts";

const error = (message: string, errorKind: string | null = null, code = -32_603) =>
  new RequestError(code, message, errorKind === null ? undefined : { errorKind });

test.each([
  [error("Authentication required", null, -32_000), "needs_login"],
  [error("API key not valid", null, 401), "needs_login"],
  [error("Invalid API key", "authentication_failed"), "needs_login"],
  [error("no credit", "billing_error"), "billing"],
  [error("Unknown model", "model_not_found"), "model_unavailable"],
  [error("429 Too Many Requests"), "rate_limited"],
  [error("the model is overloaded"), "overloaded"],
  [error("Prompt is too long"), "context_full"],
  [error("connect ECONNREFUSED 127.0.0.1:1"), "network"],
  [error("API Error: 529, try again"), "overloaded"],
  [error("Request rejected (429)"), "rate_limited"],
  [error('{"status":401}'), "needs_login"],
  [error("HTTP/1.1 503"), "overloaded"],
  [error("Request failed with status code 500"), "overloaded"],
  [error("Budget has been exceeded! Current cost: 12"), "budget"],
  [error("You are over your monthly budget"), "budget"],
  [error("400: thinking.budget_tokens: must be at least 1024"), "crashed"],
  [error("unexpected token at line 500"), "crashed"],
  [error("took 429 ms, wrote 401 bytes"), "crashed"],
  [error("cannot read properties of undefined"), "crashed"],
])("an agent's error %j is %s", (failure, expected) => {
  expect(outcomeOfError(failure, [])).toBe(expected);
});

test("what an agent is known to say counts more than what they say in common", () => {
  expect(outcomeOfError(error("429: buy more"), [[/buy more/, "billing"]])).toBe("billing");
});

test.each([
  [{ kind: "gone", problem: "it was ended by SIGKILL" }, "crashed"],
  [{ kind: "stopped", reason: "end_turn" }, "ok"],
  [{ kind: "stopped", reason: "max_tokens" }, "context_full"],
  [{ kind: "stopped", reason: "max_turn_requests" }, "budget"],
  [{ kind: "stopped", reason: "refusal" }, "refused"],
  [{ kind: "stopped", reason: "cancelled" }, "crashed"],
] as [DriverEnd, string][])("%j is %s", (end, expected) => {
  expect(outcomeOf(end, null, true).outcome).toBe(expected);
});

test("a turn that was cut off ends as why it was cut off, however the agent took it", () => {
  expect(outcomeOf({ kind: "stopped", reason: "cancelled" }, "silent", true).outcome).toBe("stalled");
  expect(outcomeOf({ kind: "gone", problem: "killed" }, "too long", true).outcome).toBe("timed_out");
  expect(outcomeOf({ kind: "gone", problem: "killed" }, "cancelled", true).outcome).toBe("cancelled");
  expect(outcomeOf({ kind: "gone", problem: "killed" }, "stopped", true).outcome).toBe("lost");
});

test("a turn that came to its end although it was cut off has ended well", () => {
  expect(outcomeOf({ kind: "stopped", reason: "end_turn" }, "stopped", true).outcome).toBe("ok");
});

test("one that has ended with nothing to show for it ends as why it was cut off", () => {
  expect(outcomeOf({ kind: "stopped", reason: "end_turn" }, "silent", false).outcome).toBe("stalled");
});
