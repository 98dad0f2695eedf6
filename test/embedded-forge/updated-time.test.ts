import { expect, test } from "vitest";
import { startTestForge } from "./test-forge.ts";

test("a comment and a new state each move the issue's updated time", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  await using forge = await startTestForge({ now: () => now });
  const alice = await forge.user("alice");
  await alice.post("/user/repos", { name: "notes", private: true });
  const issue = "/repos/alice/notes/issues/1";
  await alice.post("/repos/alice/notes/issues", { title: "One" });
  for (const step of [
    () => alice.post(`${issue}/comments`, { body: "x" }),
    () => alice.patch(issue, { state: "closed" }),
  ]) {
    now += 60_000;
    await step();
    expect((await alice.get(issue)).body.updated_at).toBe(new Date(now).toISOString().replace(".000", ""));
  }
});
