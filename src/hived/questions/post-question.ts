/**
 * Work `post-question`: makes a question's issue what its row says: made by the asker, assigned to the target, with boxes
 * for the operator to tick, and closed once it was, with a word about it where that happened here. Each step looks first, so
 * that a crash in between doubles nothing.
 */
import type { Question } from "../../contract/question.ts";
import type { Core } from "../core.ts";
import type { Reader } from "../database/write.ts";
import type { Forge, ForgeUser, Issue } from "../forge/client.ts";
import { bot, operator, questionsRepo } from "../forge/plan.ts";
import { ringItem } from "../forge/refresh.ts";
import { questionClosed } from "./answer.ts";
import { onOneLine } from "./answer-text.ts";
import { boxesOf, findBoxes } from "./boxes.ts";
import { readHiddenBlock, writeHiddenBlock, writeMark } from "./hidden-block.ts";
import { isGone } from "./letters.ts";
import { findQuestion, markPosted, placeOf } from "./questions.ts";

export async function postQuestion(core: Core, forge: Forge, id: number): Promise<void> {
  const question = core.db.read((reader) => findQuestion(reader, id));
  if (!question) return;
  const found = await findIssue(forge, question);
  if (!found && question.number !== null) return; // somebody has deleted it, which is followed elsewhere
  if (!found && core.db.read((reader) => isGone(reader, question.asker))) return; // nobody is left to write it
  const issue = found ?? (await makeIssue(forge, question));
  if (question.state !== "closed" && !issue.assignees.includes(question.target)) {
    await forge.as(bot).addLabels(questionsRepo, issue.number, ["question"]);
    await forge.as(bot).editIssue(questionsRepo, issue.number, { assignees: [question.target] });
  }
  if (question.state !== "closed" && question.options.length > 0) await postBoxes(forge, question, issue);
  await core.db.write((tx) => markPosted(tx, core, id, issue));
  const now = core.db.read((reader) => findQuestion(reader, id)); // it may have been closed meanwhile
  if (now?.state === "closed") await closeIssue(core, forge, now, issue);
  await core.db.write((tx) => ringItem(tx, core, questionsRepo, issue.number));
}

/** Whoever asks can edit its issue, but no comment of the bot's: there only the operator, of all who take part, ticks a box. */
async function postBoxes(forge: Forge, question: Question, { number }: Issue): Promise<void> {
  const comments = await forge.as(bot).listComments(questionsRepo, number);
  if (!findBoxes(question, comments)) await forge.as(bot).postComment(questionsRepo, number, boxesOf(question));
}

async function closeIssue(core: Core, forge: Forge, question: Question, { number }: Issue): Promise<void> {
  if (core.db.read((reader) => placeOf(reader, question.id)).closedIn === "hive") {
    const { by, text } = core.db.read((reader) => lastWord(reader, question));
    const mark = writeMark("outcome", question.id);
    const comments = await forge.as(bot).listComments(questionsRepo, number);
    if (!comments.some(({ user, body }) => user === by && body.includes(mark)))
      await forge.as(by).postComment(questionsRepo, number, `${text}\n\n${mark}`);
  }
  const issue = await forge.as(bot).readIssue(questionsRepo, number);
  if (issue?.state !== "open") return;
  await saySettled(forge, question, number);
  await forge.as(bot).closeIssue(questionsRepo, number);
}

/** To whoever has opened it again after its question was settled, once for each time. */
async function saySettled(forge: Forge, question: Question, number: number): Promise<void> {
  const timeline = await forge.as(bot).listTimeline(questionsRepo, number);
  const last = timeline.findLast(({ type }) => type === "close" || type === "reopen");
  if (last?.type !== "reopen" || last.user === bot) return;
  const mark = writeMark("reopened", last.id);
  const comments = await forge.as(bot).listComments(questionsRepo, number);
  if (comments.some(({ user, body }) => user === bot && body.includes(mark))) return;
  const { message, next } = questionClosed(question);
  const body = `@${last.user}: to open this again changes nothing. ${message} ${next}\n\n${mark}`;
  await forge.as(bot).postComment(questionsRepo, number, body);
}

/** Said on the forge of what happened here, by whom it was done. */
function lastWord(reader: Reader, question: Question): { by: ForgeUser; text: string } {
  const { asker, target, outcome, answer, answeredBy, deadline } = question;
  if (outcome === "answered") return { by: answeredBy === operator ? operator : target, text: `/answer ${answer}` };
  if (outcome === "unanswered") return { by: bot, text: `[unanswered] ${target} is gone.` };
  if (outcome === "cancelled" && isGone(reader, asker)) return { by: bot, text: `[cancelled] ${asker} is gone.` };
  if (outcome === "cancelled") return { by: asker, text: `[cancelled] ${asker} needs no answer any more.` };
  const at = deadline === null ? "" : ` The deadline was ${new Date(deadline).toISOString()}.`;
  return { by: bot, text: `[expired] Nobody has answered in time.${at}` };
}

/** The forge's clock may be behind ours by so much. */
const clockMarginMs = 60 * 60_000;

async function findIssue(forge: Forge, { id, asker, openedAt, number }: Question): Promise<Issue | undefined> {
  if (number !== null) return (await forge.as(bot).readIssue(questionsRepo, number)) ?? undefined;
  const since = openedAt - clockMarginMs;
  const issues = await forge.as(bot).listIssues(questionsRepo, { state: "all", author: asker, since });
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

/** The question in the asker's words, the options with their numbers, and how to answer. */
export function bodyOf(asked: Question): string {
  const { id, asker, target, question, context, options, multi, deadline, openedAt } = asked;
  const choices = options.map((option, index) => `${index + 1}. ${onOneLine(option)}`);
  const how =
    target !== operator // an agent may not change an issue of another's
      ? "use your tool `answer`, or write a comment that begins with `/answer`"
      : options.length > 0
        ? `tick ${multi ? "what applies" : "one"} in the comment below and close this issue, or write a comment that begins with \`/answer\``
        : "write a comment that begins with `/answer`, or close this issue with a comment";
  const until = deadline === null ? "" : ` It is closed at ${new Date(deadline).toISOString()} if nobody has.`;
  return [
    writeHiddenBlock({ id, askedAt: openedAt, options, multi, deadline }),
    question.trim(),
    ...(context === null ? [] : [context.trim()]),
    ...(choices.length > 0 ? [choices.join("\n")] : []),
    "---",
    `${asker} asks ${target}. To answer, ${how}.${until}\n`,
  ].join("\n\n");
}
