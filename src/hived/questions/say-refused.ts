/** Says on the forge why something is not taken as an answer. */
import type { Refusal } from "../../contract/refusal.ts";
import type { Forge } from "../forge/client.ts";
import { bot, questionsRepo } from "../forge/plan.ts";
import { writeMark } from "./hidden-block.ts";

/** Once about each thing, however often it is called. @param about a comment's id, or the moment of a close */
export async function sayRefused(
  forge: Forge,
  number: number,
  { user, about, why }: { user: string; about: number; why: Refusal },
): Promise<void> {
  const as = forge.as(bot);
  const mark = writeMark("refused", about);
  const comments = await as.listComments(questionsRepo, number);
  if (comments.some(({ user, body }) => user === bot && body.includes(mark))) return;
  const body = `@${user}: this is not taken as an answer. ${why.message} ${why.next}\n\n${mark}`;
  await as.postComment(questionsRepo, number, body);
}
