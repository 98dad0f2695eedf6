/**
 * The options of a question as check boxes, in a comment of the bot's: whoever asks can edit its own issue, but not that
 * comment. Of all who take part only the operator can, so what is ticked there is the operator's word.
 */
import type { Question } from "../../contract/question.ts";
import type { Comment } from "../forge/client.ts";
import { bot } from "../forge/plan.ts";
import { onOneLine } from "./answer-text.ts";
import { writeMark } from "./hidden-block.ts";

export function boxesOf({ id, options, multi }: Question): string {
  const boxes = options.map((option) => `- [ ] ${onOneLine(option)}`).join("\n");
  const hint = `The operator can answer by ticking ${multi ? "what applies" : "one"} here, and closing this issue.`;
  return `${writeMark("boxes", id)}\n\n${boxes}\n\n${hint}\n`;
}

/** Nothing else that the bot says begins so, whatever it quotes. */
export const findBoxes = ({ id }: Pick<Question, "id">, comments: readonly Comment[]): Comment | undefined =>
  comments.find(({ user, body }) => user === bot && body.startsWith(writeMark("boxes", id)));
