import { expect, test } from "vitest";
import { AgentName, type EpochMs } from "../../src/contract/names.ts";
import type { Question } from "../../src/contract/question.ts";
import { changeAgent } from "../../src/hived/agents/agents.ts";
import { mostLetters } from "../../src/hived/broker/limits.ts";
import { newestMessages } from "../../src/hived/broker/messages.ts";
import { answerQuestion, cancelQuestion } from "../../src/hived/questions/answer.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { dropQuestion, followQuestion } from "../../src/hived/questions/follow.ts";
import { findQuestion, markPosted } from "../../src/hived/questions/questions.ts";
import { closeQuestionsOf } from "../../src/hived/questions/retire.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";

const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => AgentName.parse(name)) as [
  AgentName,
  AgentName,
  AgentName,
];

type Args = Partial<Parameters<typeof ask>[2]>;

/** A hive in which alice has asked bob, and the forge has the issue; what is said in its thread is the test's. */
async function openThread(args: Args = {}) {
  const core = openCore();
  await addIdleAgent(core, alice, { recipients: [bob] });
  await addIdleAgent(core, bob);
  await addIdleAgent(core, carol);
  await ask(core, alice, { to: "bob", question: "Which?", options: [], multi: false, ...args });
  await core.db.write((tx) => markPosted(tx, core, 1, { number: 7, url: "http://forge/7" }));
  const said: { id: number; user: string; body: string }[] = [];
  const at = 1 as EpochMs;
  const thread = { issueAt: at, isOpen: true };
  return {
    core,
    said,
    thread,
    /** Somebody writes, and hived looks. */
    async says(user: string, body: string) {
      const id = (said.at(-1)?.id ?? 100) + 1;
      said.push({ id, user, body });
      await this.look();
      return id;
    },
    look: () =>
      core.db.write((tx) =>
        followQuestion(tx, core, {
          item: { number: 7, state: thread.isOpen ? "open" : "closed", createdAt: thread.issueAt },
          comments: said.map((comment) => ({ ...comment, createdAt: at, updatedAt: at })),
        }),
      ),
    [Symbol.asyncDispose]: () => core[Symbol.asyncDispose](),
  };
}

const question = (core: TestCore) => core.db.read((reader) => findQuestion(reader, 1)) as Question;
/** What was sent since bob was asked, as "from > to: the last line". */
const letters = (core: TestCore) =>
  core.db
    .read((reader) => newestMessages(reader, 1000))
    .map(({ from, to, body }) => `${from} > ${to}: ${body.split("\n").at(-1)}`)
    .slice(1);
const refusals = (core: TestCore) =>
  core.db
    .read((reader) => reader.all<{ key: string }>("SELECT key FROM work WHERE kind = 'refuse-answer' ORDER BY id"))
    .map(({ key }) => key);

test("who is asked is told by a message, with what there is to choose and how to answer", async () => {
  await using hive = await openThread({ options: ["this", "that"], context: "It is for the shed." });
  const [letter] = hive.core.db.read((reader) => newestMessages(reader, 10));
  expect(letter).toMatchObject({ from: "alice", to: "bob" });
  await expect(letter?.body).toMatchFileSnapshot("golden/letter.txt");
});

test("an answer of the target closes it and goes to the asker, however often it is looked at", async () => {
  await using hive = await openThread();
  await hive.says("bob", "/answer yes");
  await hive.look();
  expect(question(hive.core)).toMatchObject({ state: "closed", outcome: "answered", answer: "yes", answeredBy: "bob" });
  expect(letters(hive.core)).toEqual(["bob > alice: yes"]);
});

test("the operator may answer anything, and who was asked is told so", async () => {
  await using hive = await openThread();
  await hive.says("operator", "/answer no");
  expect(letters(hive.core)).toEqual(["operator > alice: no", "system > bob: no"]);
});

test.each(["alice", "carol"])("an answer of %s is refused, once, and who wrote it is told", async (user) => {
  await using hive = await openThread();
  const id = await hive.says(user, "/answer yes");
  await hive.look();
  expect(question(hive.core).state).toBe("open");
  expect(refusals(hive.core)).toEqual([`7/${id}/not_yours`]);
  expect(letters(hive.core)).toEqual([expect.stringContaining(`system > ${user}: Your /answer to question 1`)]);
});

test("an option that does not exist is refused, and the next try may be better", async () => {
  await using hive = await openThread({ options: ["this", "that"] });
  const id = await hive.says("bob", "/answer neither");
  expect(refusals(hive.core)).toEqual([`7/${id}/no_such_option`]);
  await hive.says("bob", "/answer 2");
  expect(question(hive.core)).toMatchObject({ outcome: "answered", answer: "that" });
});

test("words under a quotation of one of our comments are somebody's word as any", async () => {
  await using hive = await openThread({ options: ["this", "that"] });
  const quoted = "> @bob: this is not taken as an answer.\n>\n> <!-- hive:refused 101 -->\n\n";
  await hive.says("bob", `${quoted}But I want neither.`);
  expect(letters(hive.core).at(-1)).toContain("bob > alice: But I want neither.");
  await hive.says("bob", "/answer that\n\n> <!-- hive:refused 101 -->");
  expect(question(hive.core)).toMatchObject({ outcome: "answered", answer: expect.stringContaining("that") });
});

test("a comment that is changed into a good answer is taken, be it refused or talk before", async () => {
  for (const body of ["/answer neither", "let me think"]) {
    await using hive = await openThread({ options: ["this", "that"] });
    await hive.says("bob", body);
    expect(question(hive.core).state).toBe("open");
    const [comment] = hive.said;
    if (comment) comment.body = "/answer that";
    await hive.look();
    expect(question(hive.core)).toMatchObject({ outcome: "answered", answer: "that", answeredBy: "bob" });
    expect(letters(hive.core).at(-1)).toBe("bob > alice: that");
  }
});

test("a second answer comes to a closed question, and is refused", async () => {
  await using hive = await openThread();
  await hive.says("bob", "/answer yes");
  const id = await hive.says("operator", "/answer no");
  expect(question(hive.core).answer).toBe("yes");
  expect(refusals(hive.core)).toEqual([`7/${id}/question_closed`]);
});

test("what else is said is passed on in both directions, once, before and after the answer", async () => {
  await using hive = await openThread();
  await hive.says("bob", "what for?");
  await hive.says("alice", "the shed");
  await hive.says("operator", "hurry");
  await hive.says("bob", "/answer red");
  await hive.says("alice", "thanks");
  await hive.look();
  expect(letters(hive.core)).toEqual([
    "bob > alice: what for?",
    "alice > bob: the shed",
    "operator > alice: hurry",
    "operator > bob: hurry",
    "bob > alice: red",
    "alice > bob: thanks",
  ]);
});

test("a third agent reaches those alone whom it may write to, and somebody from outside speaks by our mouth", async () => {
  await using hive = await openThread();
  await hive.says("carol", "let me in");
  await hive.says("Eve Mallory", "hello");
  expect(letters(hive.core)).toEqual(["system > alice: hello", "system > bob: hello"]);
});

test("of ten thousand comments the newest are passed on, and it is said that there are more", async () => {
  await using hive = await openThread();
  for (let id = 1; id < 10_000; id += 1) hive.said.push({ id, user: "bob", body: `line ${id}` });
  await hive.says("bob", "the last");
  const sent = hive.core.db.read((reader) => newestMessages(reader, 1000)).slice(1);
  expect(sent).toHaveLength(20);
  expect(sent[0]?.body).toContain("(9980 earlier comments are not repeated here.)");
});

test("two agents in a loop rest here, too, and what was said meanwhile comes when they may again", async () => {
  await using hive = await openThread();
  for (let count = 2; count <= mostLetters; count += 1) await hive.says("bob", `again ${count}`);
  const before = letters(hive.core).length;
  await hive.says("bob", "held");
  expect(letters(hive.core)).toHaveLength(before);
  hive.core.clock.advance(60 * 60_000);
  await hive.look();
  expect(letters(hive.core).at(-1)).toBe("bob > alice: held");
});

test("an answer that is changed, then deleted, is told to the asker each time, once", async () => {
  await using hive = await openThread();
  await hive.says("bob", "/answer yes");
  const [answer] = hive.said;
  if (answer) answer.body = "/answer rather not";
  await hive.look();
  await hive.look();
  expect(question(hive.core).answer).toBe("rather not");
  hive.said.length = 0;
  await hive.look();
  await hive.look();
  expect(question(hive.core).answer).toBeNull();
  expect(letters(hive.core)).toEqual([
    "bob > alice: yes",
    "system > alice: rather not",
    "system > alice: The answer was deleted on the forge.",
  ]);
});

test("of an issue that was moved to another forge nothing is told anew, and what comes then is", async () => {
  await using hive = await openThread();
  await hive.says("bob", "what for?");
  hive.thread.issueAt = 99 as EpochMs;
  hive.said.splice(0, 1, { id: 3, user: "bob", body: "what for?" });
  await hive.look();
  await hive.says("bob", "well?");
  expect(letters(hive.core)).toEqual(["bob > alice: what for?", "bob > alice: well?"]);
});

test("a question whose issue was deleted is closed without an answer", async () => {
  await using hive = await openThread();
  await hive.core.db.write((tx) => dropQuestion(tx, hive.core, 7));
  expect(question(hive.core)).toMatchObject({ state: "closed", outcome: "unanswered" });
  expect(letters(hive.core)).toEqual([
    "system > alice: It was closed without an answer.",
    expect.stringContaining("system > bob: You need not answer alice's question 1"),
  ]);
});

test("the same answer from here is given once; another one, or one too late, is refused", async () => {
  await using hive = await openThread({ options: ["this", "that"] });
  await answerQuestion(hive.core, bob, { question: 1, answer: "1" });
  await answerQuestion(hive.core, bob, { question: 1, answer: "this" });
  expect(letters(hive.core)).toEqual(["bob > alice: this"]);
  const late = answerQuestion(hive.core, "operator", { question: 1, answer: "2" });
  await expect(late).rejects.toMatchObject({ code: "question_closed" });
});

test.each([
  [alice, "not_yours"],
  [carol, "unknown_question"],
] as const)("%s can't answer it from here: %s", async (by, code) => {
  await using hive = await openThread();
  await expect(answerQuestion(hive.core, by, { question: 1, answer: "yes" })).rejects.toMatchObject({ code });
});

test("the asker alone cancels it, and who was asked is told", async () => {
  await using hive = await openThread();
  await expect(cancelQuestion(hive.core, bob, { question: 1 })).rejects.toMatchObject({ code: "not_yours" });
  await cancelQuestion(hive.core, alice, { question: 1 });
  await cancelQuestion(hive.core, alice, { question: 1 });
  expect(question(hive.core)).toMatchObject({ state: "closed", outcome: "cancelled" });
  expect(letters(hive.core)).toEqual([expect.stringContaining("system > bob: You need not answer alice's question 1")]);
});

test("with an agent that is destroyed end its questions and those to it, and the others hear that it is gone", async () => {
  await using hive = await openThread();
  const { core } = hive;
  await core.db.write((tx) => changeAgent(tx, core, bob, { wish: "destroyed" }));
  for (const _ of ["once", "again"]) await core.db.write((tx) => closeQuestionsOf(tx, core, bob));
  expect(question(core)).toMatchObject({ state: "closed", outcome: "unanswered" });
  expect(letters(core)).toEqual(["system > alice: It was closed without an answer. bob is gone: ask somebody else."]);
});

test("who was asked by an agent that is destroyed hears that its question is cancelled", async () => {
  await using hive = await openThread();
  const { core } = hive;
  await core.db.write((tx) => {
    changeAgent(tx, core, alice, { wish: "destroyed" });
    closeQuestionsOf(tx, core, alice);
  });
  expect(question(core)).toMatchObject({ state: "closed", outcome: "cancelled" });
  expect(letters(core)).toEqual([
    expect.stringMatching(/^system > bob: You need not answer .* any more: alice is gone\.$/),
  ]);
});

test("the answer's own comment, posted from here, is nobody's word and no second answer", async () => {
  await using hive = await openThread();
  await answerQuestion(hive.core, bob, { question: 1, answer: "yes" });
  hive.thread.isOpen = false;
  await hive.says("bob", "/answer yes\n\n<!-- hive:outcome 1 -->");
  expect(letters(hive.core)).toEqual(["bob > alice: yes"]);
  expect(refusals(hive.core)).toEqual([]);
  hive.said.length = 0;
  await hive.look();
  expect(letters(hive.core).at(-1)).toContain("deleted");
});
