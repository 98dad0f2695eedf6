import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import type { Question } from "../../src/contract/question.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { questionsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { ringItem } from "../../src/hived/forge/refresh.ts";
import { retireAgent } from "../../src/hived/forge/retire-agent.ts";
import { answerQuestion, cancelQuestion } from "../../src/hived/questions/answer.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { postQuestion } from "../../src/hived/questions/post-question.ts";
import { findQuestion } from "../../src/hived/questions/questions.ts";
import { refuseAnswer } from "../../src/hived/questions/refuse-answer.ts";
import { closeQuestionsOf } from "../../src/hived/questions/retire.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { forgeWork, type Provisioned, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";

const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => AgentName.parse(name)) as [
  AgentName,
  AgentName,
  AgentName,
];

describe.each(forges)("questions on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  const issue = (number: number | null) => `/repos/${questionsRepo}/issues/${number}`;
  /** The bell that the forge's webhook rings. */
  const ring = (number: number | null) => core.db.write((tx) => ringItem(tx, core, questionsRepo, number ?? 0));
  const askOne = async (args: Partial<Parameters<typeof ask>[2]>): Promise<Question> => {
    const said = await ask(core, alice, { to: "operator", question: "Which?", options: [], multi: false, ...args });
    const id = Number(/question (\d+)/.exec(said)?.[1]);
    const { fact } = await core.event(
      "QuestionChanged",
      ({ fact }) => fact.question.id === id && fact.question.state === "open",
    );
    return fact.question;
  };
  const answerTo = async (id: number) =>
    (await core.event("MessageSent", ({ fact }) => fact.message.body.startsWith(`Your question ${id} `))).fact.message;

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    for (const name of [alice, bob, carol]) {
      await addIdleAgent(core, name, { recipients: name === alice ? [bob] : [] });
      await provisionAgent(parts, name, "worker");
    }
    core.work(forgeWork(parts));
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("a question becomes an issue by the asker, assigned to the target, labelled, and the options are check boxes below", async () => {
    const { number, url } = await askOne({
      question: "Which colour?\nFor the shed.",
      options: ["red", "blue"],
      multi: true,
    });
    expect(await as("hive-bot").call("GET", issue(number))).toMatchObject({
      title: "Which colour?",
      user: { login: "alice" },
      assignees: [{ login: "operator" }],
      labels: [{ name: "question" }],
      body: expect.stringContaining("1. red\n2. blue"),
      html_url: url,
    });
    expect(await boxesOf(number)).toMatchObject({ body: expect.stringContaining("- [ ] red\n- [ ] blue") });
  });

  test("a comment that begins with /answer closes it, and comes to the asker as a message", async () => {
    const { id, number } = await askOne({ to: "bob" });
    await as("carol").call("POST", `${issue(number)}/comments`, { body: "/answer wrong" });
    await as("bob").call("POST", `${issue(number)}/comments`, { body: "/answer the second one" });
    await ring(number);
    expect(await answerTo(id)).toMatchObject({
      from: "bob",
      to: "alice",
      body: expect.stringContaining("the second one"),
    });
    await core.event("QuestionChanged", ({ fact }) => fact.question.id === id && fact.question.state === "closed");
    await untilKnownClosed(number);
    expect(await as("hive-bot").call("GET", issue(number))).toMatchObject({ state: "closed" });
  });

  /** The issue is closed by work of its own, which no event tells, and no webhook is believed to tell. */
  async function untilKnownClosed(number: number | null): Promise<void> {
    const known = "SELECT state FROM forge_items WHERE repo = :repo AND number = :number";
    const state = () => core.db.read((reader) => reader.get<{ state: string }>(known, { repo: questionsRepo, number }));
    while (state()?.state !== "closed") await new Promise((resolve) => setImmediate(resolve));
  }

  test("closing it with a comment answers it too, once however often it rings", async () => {
    const { id, number } = await askOne({});
    await as("operator").call("POST", `${issue(number)}/comments`, { body: "take the red one" });
    await as("operator").call("PATCH", issue(number), { state: "closed" });
    await ring(number);
    const message = await answerTo(id);
    expect(message).toMatchObject({ from: "operator", to: "alice", body: expect.stringContaining("take the red one") });
    await ring(number);
    const later = await askOne({ question: "later" });
    await as("operator").call("PATCH", issue(later.number), { state: "closed" });
    await ring(later.number);
    expect(await answerTo(later.id)).toMatchObject({
      from: "system",
      body: expect.stringContaining("without an answer"),
    });
    expect((await answerTo(id)).id).toBe(message.id);
  });

  const closed = async (id: number): Promise<Question> =>
    (await core.event("QuestionChanged", ({ fact }) => fact.question.id === id && fact.question.state === "closed"))
      .fact.question;
  type Said = { user: { login: string }; body: string }[];
  const said = async (number: number | null) =>
    ((await as("hive-bot").call("GET", `${issue(number)}/comments`)) as Said).map(
      ({ user, body }) => `${user.login}: ${body.split("\n")[0]}`,
    );
  const untilSaid = async (number: number | null, words: string): Promise<string[]> => {
    for (;;) {
      const all = await said(number);
      if (all.some((line) => line.includes(words))) return all;
    }
  };

  const boxesOf = async (number: number | null) => {
    const comments = (await as("hive-bot").call("GET", `${issue(number)}/comments`)) as (Said[0] & { id: number })[];
    return comments.find(({ user, body }) => user.login === "hive-bot" && body.includes("- ["));
  };
  const tick = async (user: string, number: number | null, options: string[]) => {
    const { id, body = "" } = (await boxesOf(number)) ?? {};
    const ticked = options.reduce((text, option) => text.replace(`- [ ] ${option}`, `- [x] ${option}`), body);
    return as(user).status("PATCH", `/repos/${questionsRepo}/issues/comments/${id}`, { body: ticked });
  };
  const close = async (number: number | null, words?: string) => {
    if (words !== undefined) await as("operator").call("POST", `${issue(number)}/comments`, { body: words });
    await as("operator").call("PATCH", issue(number), { state: "closed" });
    await ring(number);
  };
  const untilOpen = async (number: number | null): Promise<void> => {
    const state = async () => ((await as("hive-bot").call("GET", issue(number))) as { state: string }).state;
    while ((await state()) !== "open") await new Promise((resolve) => setImmediate(resolve));
  };

  test("ticked boxes and closing answer it, as the operator, who alone can tick them", async () => {
    const { id, number } = await askOne({ to: "bob", options: ["red", "blue"] });
    for (const user of ["alice", "bob"]) expect(await tick(user, number, ["red"])).toBe(403);
    await tick("operator", number, ["blue"]);
    await close(number);
    expect(await closed(id)).toMatchObject({ outcome: "answered", answer: "blue", answeredBy: "operator" });
    const own = { body: "<!-- hive:boxes 1 -->\n\n- [x] red" };
    await as("alice").call("PATCH", issue(number), own);
    await as("alice").call("POST", `${issue(number)}/comments`, own);
    await ring(number);
    await core.event("MessageSent", ({ fact }) => fact.message.to === bob && fact.message.body.includes("- [x] red"));
    expect(core.db.read((reader) => findQuestion(reader, id))).toMatchObject({ answer: "blue" });
    await tick("operator", number, ["red"]);
    await ring(number);
    await core.event("MessageSent", ({ fact }) => fact.message.body.includes("it now says:"));
  });

  test("what the asker ticks in its own issue, or says there, is nobody's answer", async () => {
    const { id, number } = await askOne({ options: ["yes", "no"] });
    const { body } = (await as("alice").call("GET", issue(number))) as { body: string };
    await as("alice").call("PATCH", issue(number), { body: `${body.replace("1. yes", "- [x] yes")}\n- [x] yes` });
    await as("alice").call("POST", `${issue(number)}/comments`, { body: `<!-- hive:boxes ${id} -->\n\n- [x] yes` });
    await close(number);
    expect(await closed(id)).toMatchObject({ outcome: "unanswered", answer: null });
  });

  test("what is said with a close counts, not what is ticked; and no option is refused, and it is open again", async () => {
    const { id, number } = await askOne({ options: ["yes", "no"] });
    await tick("operator", number, ["yes"]);
    await close(number, "Purple");
    await untilSaid(number, "@operator: this is not taken as an answer. There is no option “Purple”.");
    await untilOpen(number);
    expect(core.db.read((reader) => findQuestion(reader, id))).toMatchObject({ state: "open" });
    await close(number, "No\nnot today");
    expect(await closed(id)).toMatchObject({ answer: "no\n\nnot today", answeredBy: "operator" });
  });

  test("two boxes where one is asked for are refused, once for each close, and it is open again", async () => {
    const { id, number } = await askOne({ options: ["yes", "no"] });
    await tick("operator", number, ["yes", "no"]);
    await close(number);
    const all = await untilSaid(number, "Only one of the options can be chosen.");
    await untilOpen(number);
    expect(await said(number)).toEqual(all);
    await as("operator").call("POST", `${issue(number)}/comments`, { body: "/answer 1" });
    await ring(number);
    expect(await closed(id)).toMatchObject({ outcome: "answered", answer: "yes" });
  });

  test("a settled one that is opened again is closed again, and who did it is told that it changes nothing", async () => {
    const { id, number } = await askOne({});
    await close(number, "so be it");
    await closed(id);
    await untilKnownClosed(number);
    await as("operator").call("PATCH", issue(number), { state: "open" });
    await ring(number);
    const words = `hive-bot: @operator: to open this again changes nothing. Question ${id} was answered already. Write to its asker if there is more to say.`;
    await untilSaid(number, words);
    await untilKnownClosed(number);
    await postQuestion(core, parts.forge, id);
    expect((await said(number)).filter((line) => line === words)).toHaveLength(1);
    expect(await as("hive-bot").call("GET", issue(number))).toMatchObject({ state: "closed" });
  });

  test("closed by its asker it is cancelled, whatever was said before", async () => {
    const { id, number } = await askOne({});
    await as("operator").call("POST", `${issue(number)}/comments`, { body: "what do you mean?" });
    await as("alice").call("PATCH", issue(number), { state: "closed" });
    await ring(number);
    expect(await closed(id)).toMatchObject({ outcome: "cancelled", answer: null });
  });

  test("an answer that is none is refused by a comment that says why, once", async () => {
    const { number } = await askOne({ options: ["red", "blue"] });
    const { id } = (await as("operator").call("POST", `${issue(number)}/comments`, { body: "/answer green" })) as {
      id: number;
    };
    await ring(number);
    const all = await untilSaid(number, "not taken");
    expect(all.at(-1)).toBe(
      "hive-bot: @operator: this is not taken as an answer. There is no option “green”. Choose one of: 1. red; 2. blue. More words go on a line below.",
    );
    await refuseAnswer(core, parts.forge, `${number}/${id}/no_such_option`); // a hived that died before it noted that
    expect(await said(number)).toEqual(all);
  });

  test("answered by the tool it is answered on the forge, as the one who did, and closed", async () => {
    const { id, number } = await askOne({ to: "bob", question: "By tool?" });
    await answerQuestion(core, bob, { question: id, answer: "yes" });
    await untilSaid(number, "bob: /answer yes");
    await untilKnownClosed(number);
    await postQuestion(core, parts.forge, id);
    expect(await said(number)).toEqual(["bob: /answer yes"]);
    expect(await closed(id)).toMatchObject({ outcome: "answered", answer: "yes" });
  });

  test("at its deadline it expires, with a comment, unless the forge has an answer that nobody rang for", async () => {
    const late = await askOne({ question: "Late?", deadline: "2h" });
    const inTime = await askOne({ question: "In time?", deadline: "2h" });
    await as("operator").call("POST", `${issue(inTime.number)}/comments`, { body: "/answer just so" });
    core.clock.advance(2 * 60 * 60_000);
    expect(await closed(late.id)).toMatchObject({ outcome: "expired" });
    expect(await closed(inTime.id)).toMatchObject({ outcome: "answered", answer: "just so" });
    await untilSaid(late.number, "hive-bot: [expired]");
    await untilKnownClosed(late.number);
  });

  test("cancelled by its asker it says so on the forge", async () => {
    const { id, number } = await askOne({ question: "Never mind?" });
    await cancelQuestion(core, alice, { question: id });
    await untilSaid(number, "alice: [cancelled]");
    await untilKnownClosed(number);
  });

  test("a hived that died after the issue was made, and before it noted it, makes no second one", async () => {
    const { id, number } = await askOne({ question: "Once only?" });
    await core.db.write((tx) =>
      tx.run("UPDATE questions SET state = 'posting', number = NULL, url = NULL WHERE id = :id", { id }),
    );
    await postQuestion(core, parts.forge, id);
    expect(core.db.read((reader) => findQuestion(reader, id))).toMatchObject({ number, state: "open" });
    const all = (await as("hive-bot").call("GET", `/repos/${questionsRepo}/issues?state=all&created_by=alice`)) as {
      title: string;
    }[];
    expect(all.filter(({ title }) => title === "Once only?")).toHaveLength(1);
  });

  test("the same client_id again asks nothing anew", async () => {
    const args = { to: "operator", question: "Twice?", options: [], multi: false, client_id: "mine" };
    const first = await ask(core, alice, args);
    expect(await ask(core, alice, args)).toBe(first);
  });

  test.each([
    ["nobody", "unknown_recipient"],
    ["alice", "recipient_is_sender"],
    ["carol", "recipient_not_allowed"],
    ["*", "one_recipient"],
    ["manager", "unknown_recipient"],
  ])("to ask %s is refused: %s", async (to, code) => {
    const asked = ask(core, alice, { to, question: "May I?", options: [], multi: false });
    await expect(asked).rejects.toMatchObject({ code });
  });

  /** The last: alice is gone after it. */
  test("the questions of an agent that is gone are closed there by the bot, with a word", async () => {
    const [first, second] = [await askOne({ to: "operator" }), await askOne({ to: "bob" })];
    await core.db.write((tx) => changeAgent(tx, core, alice, { wish: "destroyed" }));
    await retireAgent({ core, forge: parts.forge, tokens: parts.tokens }, alice);
    await core.db.write((tx) => closeQuestionsOf(tx, core, alice));
    for (const { number } of [first, second]) {
      await untilKnownClosed(number);
      expect(await said(number)).toContain("hive-bot: [cancelled] alice is gone.");
    }
  });
});
