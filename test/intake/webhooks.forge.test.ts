import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { takeDelivery } from "../../src/hive-web/webhook.ts";
import { agentsRepo, questionsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { deliverWebhook } from "../../src/hived/intake/doorbell.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { forgeWork, type Provisioned, partsFor } from "../support/provisioned.ts";
import { openQueue, type Queue } from "../support/queue.ts";
import { makeRepo, withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const alice = AgentName.parse("alice");
const notes = "alice/notes";

describe.each(forges)("webhooks of $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  let receiver: Server;
  let seen: Queue<string>;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  /** Waits for work to be asked for; what others ask for meanwhile does not matter. */
  const until = async (work: string): Promise<void> => {
    while ((await seen.next()) !== work);
  };

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    seen = openQueue();
    // Receives as hive-web does, and hands on what it took.
    receiver = createServer((request, response) => {
      takeDelivery({ deliverWebhook: (delivery) => deliverWebhook(parts, delivery) }, request).then(
        () => response.end(),
        (error: Error) => response.writeHead(422).end(error.message),
      );
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const hookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    parts = { ...partsFor(core, forge), hookUrl };
    await provision(parts);
    await addIdleAgent(core, alice);
    await provisionAgent(parts, alice, "worker");
    await core.db.write((tx) => tx.run("DELETE FROM work"));
    core.work(forgeWork(parts, seen.put));
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
    receiver.closeAllConnections();
    receiver.close();
  });

  test("a proposal, each review of it, a new head and its end ring for the approval", async () => {
    const content = { "agents/bob/agent.yaml": "role: worker\n" };
    const { number, head } = await as("alice").propose(agentsRepo, "bob", content);
    await until(`approval ${number}`);
    const reviews = `/repos/${agentsRepo}/pulls/${number}/reviews`;
    for (const event of ["COMMENT", "REQUEST_CHANGES", "APPROVED"]) {
      await as("operator").call("POST", reviews, { event, body: "a word", commit_id: head });
      await until(`approval ${number}`);
    }
    await as("alice").propose(agentsRepo, "bob", { "agents/bob/agent.yaml": "role: manager\n" });
    await until(`approval ${number}`);
    await as("alice").call("PATCH", `/repos/${agentsRepo}/issues/${number}`, { state: "closed" });
    await until(`approval ${number}`);
  });

  test("the operator's push to main rings for whoever follows it", async () => {
    const file = { content: "aGk=", message: "push", branch: "main" };
    await as("operator").call("POST", `/repos/${agentsRepo}/contents/by-operator.md`, file);
    await until("follow-main");
    await as("operator").call("POST", "/repos/org-shared/docs/contents/by-operator.md", file);
    await until("update-docs");
  });

  test("an answer on the forge comes to the asker as a message", async () => {
    await ask(core, alice, { to: "operator", question: "Which?", options: [], multi: false });
    const { fact } = await core.event("QuestionChanged", ({ fact }) => fact.question.state === "open");
    const comments = `/repos/${questionsRepo}/issues/${fact.question.number}/comments`;
    await as("operator").call("POST", comments, { body: "/answer this one" });
    const sent = await core.event("MessageSent", ({ fact }) => fact.message.to === "alice");
    expect(sent.fact.message).toMatchObject({ from: "operator", body: expect.stringContaining("this one") });
  });

  test("a pull request in an agent's own repository becomes an open thread of its author and reviewer", async () => {
    await makeRepo(as("alice"), notes, ["operator"]);
    const { number } = await as("alice").propose(notes, "idea", { "idea.md": "an idea\n" });
    await as("alice").call("POST", `/repos/${notes}/pulls/${number}/requested_reviewers`, { reviewers: ["operator"] });
    const { fact } = await core.event(
      "ThreadsChanged",
      ({ fact }) =>
        fact.agent === alice &&
        fact.page.threads.some(({ kind, summary }) => kind === "pr" && summary === "Propose idea"),
    );
    expect(fact.page.threads).toMatchObject([{ kind: "pr", id: number, repo: notes, role: "author" }]);
  });
});
