/** Work `refuse-answer`: says under a comment why it is not taken as an answer; once, however often it is done. */
import type { Core } from "../core.ts";
import type { Forge } from "../forge/client.ts";
import { bot, questionsRepo } from "../forge/plan.ts";
import { questionClosed } from "./answer.ts";
import { whyRefused } from "./ending.ts";
import { questionOfIssue } from "./questions.ts";
import { sayRefused } from "./say-refused.ts";

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
  if (!comment) return;
  const why = code === "question_closed" ? questionClosed(question) : whyRefused(question, comment);
  if (why) await sayRefused(forge, number, { user: comment.user, about: id, why }); // it may have been changed meanwhile
}
