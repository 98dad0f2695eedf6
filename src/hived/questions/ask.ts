/** The tool that asks: a row at once, an issue on the forge by the asker as soon as the forge answers. */
import type { AgentName } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { findManager } from "../agents/agents.ts";
import { clientIdTaken, requireRecipient } from "../broker/send.ts";
import type { Core } from "../core.ts";
import type { Reader } from "../database/write.ts";
import type { Forge, Issue } from "../forge/client.ts";
import { questionsRepo } from "../forge/plan.ts";
import { ringItem } from "../forge/refresh.ts";
import { readHiddenBlock, writeHiddenBlock } from "./hidden-block.ts";
import { addQuestion, findQuestion, markPosted, questionOfClient } from "./questions.ts";

/**
 * Asks a question; answers with a sentence for the asker. The same `client_id` again asks nothing anew.
 * @throws Refusal when there is no such target, the asker may not write to it, or the `client_id` is another question's
 */
export function ask(core: Core, asker: AgentName, args: ToolArguments<"ask">): Promise<string> {
  const { question, options, multi, client_id: clientId } = args;
  return core.db.write((tx) => {
    const known = clientId === undefined ? undefined : questionOfClient(tx, asker, clientId);
    if (known && !isSame(tx, known, args)) throw clientIdTaken(clientId, `question ${known.id}`);
    if (known) return receipt(known);
    const target = requireRecipient(tx, asker, args.to);
    const added = addQuestion(tx, core, { asker, target, question, options, multi }, clientId ?? null);
    core.scheduler.enqueue(tx, "post-question", String(added.id));
    return receipt(added);
  });
}

function isSame(reader: Reader, known: Question, { to, question, options, multi }: ToolArguments<"ask">): boolean {
  const target = to === "manager" ? findManager(reader)?.name : to;
  const isSameChoice = known.multi === multi && JSON.stringify(known.options) === JSON.stringify(options);
  return known.target === target && known.question === question && isSameChoice;
}

const receipt = ({ id, target }: Question): string =>
  `Asked ${target} as question ${id}. You are not kept waiting: the answer comes to you as a message.`;

/**
 * Work `post-question`: makes a question's issue what its row says: made by the asker, assigned to the target, and closed
 * once it was answered. Each step looks first, so that a crash in between doubles nothing.
 */
export async function postQuestion(core: Core, forge: Forge, id: number): Promise<void> {
  const question = core.db.read((reader) => findQuestion(reader, id));
  if (!question) return;
  const bot = forge.as("hive-bot");
  if (question.state === "closed") return closeIssue(core, forge, question.number);
  const issue = (await findIssue(forge, question)) ?? (await makeIssue(forge, question));
  if (!issue.assignees.includes(question.target)) {
    await bot.addLabels(questionsRepo, issue.number, ["question"]);
    await bot.editIssue(questionsRepo, issue.number, { assignees: [question.target] });
  }
  await core.db.write((tx) => {
    markPosted(tx, core, id, issue);
    ringItem(tx, core, questionsRepo, issue.number);
  });
}

async function closeIssue(core: Core, forge: Forge, number: number | null): Promise<void> {
  if (number === null) return;
  const bot = forge.as("hive-bot");
  if ((await bot.readIssue(questionsRepo, number))?.state === "open") await bot.closeIssue(questionsRepo, number);
  await core.db.write((tx) => ringItem(tx, core, questionsRepo, number));
}

/** The forge's clock may be behind ours by so much. */
const clockMarginMs = 60 * 60_000;

async function findIssue(forge: Forge, { id, asker, openedAt, number }: Question): Promise<Issue | undefined> {
  const bot = forge.as("hive-bot");
  if (number !== null) return (await bot.readIssue(questionsRepo, number)) ?? undefined;
  const since = openedAt - clockMarginMs;
  const issues = await bot.listIssues(questionsRepo, { state: "all", author: asker, since });
  return issues.find(({ body }) => {
    const block = readHiddenBlock(body);
    return block?.id === id && block.askedAt === openedAt;
  });
}

const makeIssue = (forge: Forge, question: Question): Promise<Issue> =>
  forge.as(question.asker).createIssue(questionsRepo, { title: titleOf(question), body: bodyOf(question) });

const titleCharacters = 100;

function titleOf({ question }: Question): string {
  const line = question.trim().split(/\r?\n/, 1)[0]?.trim() || "A question";
  const characters = [...line];
  return characters.length <= titleCharacters ? line : `${characters.slice(0, titleCharacters - 1).join("")}…`;
}

/** The question in the asker's words, the options as check boxes, and how to answer. */
export function bodyOf({ id, asker, target, question, options, multi, openedAt }: Question): string {
  const boxes = options.map((option) => `- [ ] ${option.replace(/\s+/g, " ").trim()}`);
  const how =
    options.length > 0
      ? `tick ${multi ? "what applies" : "one"} and close this issue, or write a comment that begins with \`/answer\``
      : "write a comment that begins with `/answer`, or close this issue with a comment";
  return [
    writeHiddenBlock({ id, askedAt: openedAt, options, multi }),
    question.trim(),
    ...(boxes.length > 0 ? [boxes.join("\n")] : []),
    "---",
    `${asker} asks ${target}. To answer, ${how}.\n`,
  ].join("\n\n");
}
