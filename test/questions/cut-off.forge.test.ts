/** hived is killed at each step of a question's way: the next one goes on, and nothing is there, or told, twice. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import type { Question } from "../../src/contract/question.ts";
import { newestMessages } from "../../src/hived/broker/messages.ts";
import { questionsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { ringItem } from "../../src/hived/forge/refresh.ts";
import { answerQuestion, cancelQuestion } from "../../src/hived/questions/answer.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { findQuestion } from "../../src/hived/questions/questions.ts";
import { openCut } from "../lifecycle/cut.ts";
import { forges } from "../support/forges.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { forgeWork, type Provisioned, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { howMany } from "../support/stories.ts";

vi.setConfig({ testTimeout: 120_000 });

const [alice, bob] = ["alice", "bob"].map((name) => AgentName.parse(name)) as [AgentName, AgentName];

/** Of a real Forgejo its steps differ in nothing but time: it is for `npm run soak`. */
const tried = howMany(0) > 0 ? forges : forges.slice(0, 1);

describe.each(tried)("a question on $name", ({ start }) => {
  const cut = openCut();
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
  const issue = ({ number }: Question) => `/repos/${questionsRepo}/issues/${number}`;
  const question = (id: number) => core.db.read((reader) => findQuestion(reader, id)) as Question;
  const say = (user: string, of: Question, body: string) => as(user).call("POST", `${issue(of)}/comments`, { body });
  const ring = ({ number }: Question) => core.db.write((tx) => ringItem(tx, core, questionsRepo, number ?? 0));

  /** Resolves when nothing more is due; what was cut off is not, as its clock stands still. */
  async function quiet(): Promise<void> {
    const due = "SELECT 1 FROM work WHERE state = 'pending' AND due_at <= :now";
    while (core.db.read((reader) => reader.get(due, { now: core.clock.now() })))
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** Does something that hived has to follow, and kills hived after so many acts of that. @returns whether it had more */
  async function killAfter(acts: number, act: () => Promise<unknown>): Promise<boolean> {
    let isCut = false;
    void cut.after(acts).then(() => {
      isCut = true;
    });
    await act();
    await quiet();
    cut.startAgain();
    await core.db.write((tx) => core.scheduler.retryNow(tx));
    await quiet();
    return isCut;
  }

  const asked = async (text: string, options: string[] = []): Promise<number> => {
    const said = await ask(core, alice, { to: "bob", question: text, options, multi: false, deadline: "2h" });
    return Number(/question (\d+)/.exec(said)?.[1]);
  };

  type Said = { user: { login: string }; body: string }[];
  /** All that is left of it: issues of that title, their state, what was said there, and what the asker was told. */
  async function leftOf(id: number) {
    const { question: title } = question(id);
    const all = (await as("hive-bot").call("GET", `/repos/${questionsRepo}/issues?state=all&limit=50`)) as {
      title: string;
      state: string;
      labels: { name: string }[];
      assignees: { login: string }[] | null;
    }[];
    const comments = (await as("hive-bot").call("GET", `${issue(question(id))}/comments`)) as Said;
    const messages = core.db.read((reader) => newestMessages(reader, 1000));
    return {
      issues: all
        .filter((one) => one.title === title)
        .map(({ state, labels, assignees }) => [state, labels.map(({ name }) => name), assignees?.length].join(" ")),
      said: comments.map(({ user, body }) => `${user.login}: ${body.split("\n")[0]?.split(/\.| \d+ -->/)[0]}`),
      told: messages.filter(({ to, body }) => to === alice && body.startsWith(`Your question ${id} `)).length,
      refused: messages.filter(({ body }) => body.startsWith(`Your /answer to question ${id} `)).length,
    };
  }

  beforeAll(async () => {
    forge = await start();
    core = openCore();
    parts = partsFor(core, forge);
    await provision(parts);
    for (const name of [alice, bob]) {
      await addIdleAgent(core, name, { recipients: [bob] });
      await provisionAgent(parts, name, "worker");
    }
    const work = forgeWork({ ...parts, core: cut.core(core), forge: cut.forge(parts.forge) });
    const nothing = { atOnce: 1, run: () => Promise.resolve(undefined) };
    core.work({ ...work, provision: nothing, reconcile: nothing }); // the bells are the test's
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
  });

  test("is posted once", async () => {
    for (let acts = 0, isCut = true; isCut; acts += 1) {
      let id = 0;
      isCut = await killAfter(acts, async () => {
        id = await asked(`Posted, ${acts}?`, ["yes", "no"]);
      });
      expect(question(id)).toMatchObject({ state: "open", number: expect.any(Number) });
      const said = ["hive-bot: <!-- hive:boxes"];
      expect(await leftOf(id)).toEqual({ issues: ["open question 1"], said, told: 0, refused: 0 });
    }
  });

  const expired = "hive-bot: [expired] Nobody has answered in time";
  test.each<[string, (id: number) => Promise<unknown>, string[], number]>([
    ["answered here", (id) => answerQuestion(core, bob, { question: id, answer: "yes" }), ["bob: /answer yes"], 1],
    [
      "cancelled",
      (id) => cancelQuestion(core, alice, { question: id }),
      ["alice: [cancelled] alice needs no answer any more"],
      0,
    ],
    ["expired", async () => core.clock.advance(2 * 60 * 60_000), [expired], 1],
    [
      "answered there",
      (id) => say("bob", question(id), "/answer yes").then(() => ring(question(id))),
      ["bob: /answer yes"],
      1,
    ],
    ["closed there", (id) => closeThere(question(id)), ["operator: so it is"], 1],
  ])("is %s once", async (how, act, said, told) => {
    for (let acts = 0, isCut = true; isCut; acts += 1) {
      const id = await asked(`To be ${how}, ${acts}?`);
      await quiet();
      isCut = await killAfter(acts, () => act(id));
      expect(question(id)).toMatchObject({ state: "closed" });
      expect(await leftOf(id)).toEqual({ issues: ["closed question 1"], said, told, refused: 0 });
    }
  });

  async function closeThere(of: Question): Promise<void> {
    await say("operator", of, "so it is");
    await as("operator").call("PATCH", issue(of), { state: "closed" });
    await ring(of);
  }

  test("opens again once what was closed with no answer", async () => {
    for (let acts = 0, isCut = true; isCut; acts += 1) {
      const id = await asked(`Closed, ${acts}?`, ["yes", "no"]);
      await quiet();
      isCut = await killAfter(acts, () => closeThere(question(id)));
      const said = [
        "hive-bot: <!-- hive:boxes",
        "operator: so it is",
        "hive-bot: @operator: this is not taken as an answer",
      ];
      expect(await leftOf(id)).toEqual({ issues: ["open question 1"], said, told: 0, refused: 0 });
    }
  });

  test("refuses an answer once", async () => {
    for (let acts = 0, isCut = true; isCut; acts += 1) {
      const id = await asked(`Refused, ${acts}?`);
      await quiet();
      isCut = await killAfter(acts, () => say("alice", question(id), "/answer no").then(() => ring(question(id))));
      const said = ["alice: /answer no", "hive-bot: @alice: this is not taken as an answer"];
      expect(await leftOf(id)).toEqual({ issues: ["open question 1"], said, told: 0, refused: 1 });
    }
  });
});
