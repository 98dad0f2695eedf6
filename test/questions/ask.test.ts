import { expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { newestQuestions } from "../../src/hived/questions/questions.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";

const alice = AgentName.parse("alice");
const asked = { to: "manager", question: "Which?", options: ["this", "that"], multi: false, client_id: "mine" };

async function openHive() {
  const core = openCore();
  await addIdleAgent(core, "alice");
  await addIdleAgent(core, "boss", { role: "manager" });
  return core;
}

test("the same question with the same client_id is asked once", async () => {
  await using core = await openHive();
  const first = await ask(core, alice, asked);
  expect(await ask(core, alice, asked)).toBe(first);
  expect(await ask(core, alice, { ...asked, to: "boss" })).toBe(first);
  expect(core.db.read((reader) => newestQuestions(reader, 10))).toHaveLength(1);
});

test.each([
  ["question", { question: "Why?" }],
  ["target", { to: "operator" }],
  ["options", { options: ["this"] }],
  ["number of answers", { multi: true }],
])("another %s with a used client_id is refused rather than swallowed", async (_, change) => {
  await using core = await openHive();
  await ask(core, alice, asked);
  await expect(ask(core, alice, { ...asked, ...change })).rejects.toMatchObject({ code: "client_id_taken" });
});

test.each([
  ["a blank question", { question: " \n" }, "empty_question"],
  ["a blank option", { options: ["a", " "] }, "options_alike"],
  ["options that read alike", { options: ["a b", " A\nb "] }, "options_alike"],
])("%s is refused", async (_, change, code) => {
  await using core = await openHive();
  await expect(ask(core, alice, { ...asked, ...change })).rejects.toMatchObject({ code });
});

test.each(["yesterday", "0m", "999d", "2020-01-01T00:00:00Z", "2030-01-01"])(
  "%j is no deadline, and nothing is asked",
  async (deadline) => {
    await using core = await openHive();
    await expect(ask(core, alice, { ...asked, deadline })).rejects.toMatchObject({ code: "bad_deadline" });
    expect(core.db.read((reader) => newestQuestions(reader, 10))).toEqual([]);
  },
);
