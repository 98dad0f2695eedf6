import { expect, test } from "vitest";
import { openForge, startForge } from "../../forge/embedded/app.ts";
import { ForgeConfig } from "../../forge/embedded/config.ts";
import { insertComment } from "../../forge/embedded/domain/comments.ts";
import { issueByNumber } from "../../forge/embedded/domain/issues.ts";
import { repoByName } from "../../forge/embedded/domain/repos.ts";
import { userByName } from "../../forge/embedded/domain/users.ts";
import { AgentName } from "../../src/contract/names.ts";
import { questionsRepo } from "../../src/hived/forge/plan.ts";
import { ringItem } from "../../src/hived/forge/refresh.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { openCore, type TestCore } from "../support/open-core.ts";
import { forgeWork, partsFor } from "../support/provisioned.ts";
import { configOf, makeTemplate, running } from "./wire-world.ts";

const count = 10_000;
const answerAt = 7_000;

/** Written as the forge itself writes them, in one transaction. */
function fill(directory: string, number: number): void {
  const { db } = openForge(ForgeConfig.parse(configOf(directory)));
  const repo = repoByName(db, "hive", "questions");
  const issue = repo && issueByNumber(db, repo, number);
  const [bob, operator] = [userByName(db, "bob"), userByName(db, "operator")];
  if (!issue || !bob || !operator) throw new Error("the question is not there");
  db.write(() => {
    for (let index = 1; index <= count; index += 1) {
      const [author, body] = index === answerAt ? [operator, "/answer the blue one"] : [bob, `word ${index}`];
      insertComment(db, { issue, author, kind: "comment", body, now: Date.now() });
    }
  });
  db.close();
}

const mail = (core: TestCore) =>
  core.db.read((reader) => reader.get<{ count: number }>("SELECT count(*) AS count FROM messages"))?.count ?? 0;

test("among ten thousand comments the answer to a question is found, and its asker is not flooded", async () => {
  await using template = await makeTemplate();
  const first = await startForge(configOf(template.directory));
  await using core = openCore(template.directory);
  core.work(forgeWork(partsFor(core, running(first.url, template.directory))));
  const about = { question: "Which one?", options: [], multi: false };
  await ask(core, AgentName.parse("alice"), { to: "operator", ...about });
  const { fact } = await core.event("QuestionChanged", (event) => event.fact.question.state === "open");
  await core.close();
  await first.stop();
  const number = fact.question.number ?? 0;
  fill(template.directory, number);

  const forge = await startForge(configOf(template.directory));
  await using later = openCore(template.directory);
  later.work(forgeWork(partsFor(later, running(forge.url, template.directory))));
  const before = mail(later);
  await later.db.write((tx) => ringItem(tx, later, questionsRepo, number));
  const answer = await later.event("MessageSent", (event) => event.fact.message.body.includes("the blue one"));
  expect(answer.fact.message).toMatchObject({ from: "operator", to: "alice" });
  expect(mail(later) - before).toBeLessThan(100);
  await later.close();
  await forge.stop();
});
