/** Work `refuse-answer`: says under a comment why it is not taken as an answer; once, however often it is done. */
import type { Core } from "../core.ts";
import type { Forge } from "../forge/client.ts";
import { bot, questionsRepo } from "../forge/plan.ts";
import { questionClosed } from "./answer.ts";
import { whyRefused } from "./follow.ts";
import { writeMark } from "./hidden-block.ts";
import { questionOfIssue } from "./questions.ts";

/** @param key "<issue>/<comment>/<code of the refusal>" */
export async function refuseAnswer(core: Core, forge: Forge, key: string): Promise<void> {
  const [number, id, code] = key.split("/").map((part, index) => (index < 2 ? Number(part) : part)) as [
    number,
    number,
    string,
  ];
  const question = core.db.read((reader) => questionOfIssue(reader, number));
  const as = forge.as(bot);
  if (!question || !(await as.readIssue(questionsRepo, number))) return;
  const comments = await as.listComments(questionsRepo, number);
  const comment = comments.find((one) => one.id === id);
  const mark = writeMark("refused", id);
  if (!comment || comments.some(({ user, body }) => user === bot && body.includes(mark))) return;
  const why = code === "question_closed" ? questionClosed(question) : whyRefused(question, comment);
  if (!why) return; // it was changed meanwhile
  const isBad = why.code !== "question_closed" && why.code !== "not_yours";
  const again = isBad ? " Write that as a new comment: an edited one is not looked at again." : "";
  const body = `@${comment.user}: this is not taken as an answer. ${why.message} ${why.next}${again}\n\n${mark}`;
  await as.postComment(questionsRepo, number, body);
}
