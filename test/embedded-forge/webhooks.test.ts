/** Deliveries over a restart of the embedded forge. What a hook tells, and to whom, is the contract suite's. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { startForge } from "../../forge/embedded/app.ts";
import { startHookReceiver } from "../forge-contract/hook-receiver.ts";
import { configOf, expectStatus, TestForge } from "./test-forge.ts";

test("what was queued when the forge stopped is sent at the next start, but no attempt is repeated", async () => {
  const home = await mkdtemp(path.join(tmpdir(), "forge-"));
  await using receiver = await startHookReceiver();
  const first = new TestForge(home, await startForge(configOf(home)));
  const alice = await first.user("alice");
  await expectStatus(201, alice.post("/user/repos", { name: "notes", private: true }));
  const config = { url: receiver.url, content_type: "json", is_system_webhook: "true" };
  const hook = { type: "gitea", active: true, config, events: ["issues_only"] };
  await expectStatus(201, first.admin.post("/admin/hooks", hook));
  receiver.isSilent = true;
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "Attempted" }));
  expect((await receiver.next()).body.issue.title).toBe("Attempted");
  await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "Queued" }));
  await first.running.stop();
  receiver.isSilent = false;
  await using _second = new TestForge(home, await startForge(configOf(home)));
  expect((await receiver.next()).body.issue.title).toBe("Queued");
});
