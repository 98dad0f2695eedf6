/** What somebody's words, or a close, mean for a question. */
import type { EpochMs } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Comment } from "../forge/client.ts";
import { operator } from "../forge/plan.ts";
import { notYours, questionClosed } from "./answer.ts";
import { readAnswer, readBoxes, withoutCommand } from "./answer-text.ts";
import { findBoxes } from "./boxes.ts";
import { hasMark } from "./hidden-block.ts";
import type { Ending } from "./questions.ts";

/** `comment`: its author and id, or those of a close: by whom, and when */
export type Refused = { comment: Pick<Comment, "user" | "id">; why: Refusal };
export type Close = { user: string; at: EpochMs };

const mayAnswer = ({ target }: Question, user: string): boolean => user === target || user === operator;

/** What an answer ends, when it is a good one. */
export function endingOf(question: Question, { id, user, body }: Comment): Ending | Refusal {
  if (!mayAnswer(question, user)) return notYours(question);
  if (question.state === "closed") return questionClosed(question);
  const text = refusedOr(() => readAnswer(question, withoutCommand(body)));
  if (text instanceof Refusal) return text;
  const answer = { text, by: user as Question["target"], comment: id, source: body };
  return { outcome: "answered", closedIn: "forge", answer };
}

/** Why a comment was no good answer to a question that was open; undefined when it would be one by now. */
export function whyRefused(question: Question, comment: Comment): Refusal | undefined {
  const ending = endingOf({ ...question, state: "open" }, comment);
  return ending instanceof Refusal ? ending : undefined;
}

/** Words that come with a close are so far from it at most, by the forge's clock in whole seconds. */
const closingWordsMs = 10_000;

/**
 * What a close without `/answer` means: by the asker, that it needs none; by who may answer, what it says with the close,
 * else what the operator has ticked. What is no answer is refused, as `/answer` is.
 */
export function closedEnding(
  question: Question,
  comments: readonly Comment[],
  close: Close | null,
): Ending | { refused: Refused } {
  const closedIn = "forge" as const;
  if (close?.user === question.asker) return { outcome: "cancelled", closedIn };
  const unanswered = { outcome: "unanswered" as const, closedIn };
  if (!close || !mayAnswer(question, close.user)) return unanswered;
  const words = comments.findLast(({ user, createdAt, body }) => {
    const isWithIt = user === close.user && Math.abs(createdAt - close.at) <= closingWordsMs;
    return isWithIt && !hasMark(body) && body.trim() !== "";
  });
  if (words) {
    const ending = endingOf(question, words);
    return ending instanceof Refusal ? { refused: { comment: words, why: ending } } : ending;
  }
  const boxes = findBoxes(question, comments);
  const ticked = boxes ? refusedOr(() => readBoxes(question, boxes.body)) : "";
  if (ticked instanceof Refusal) return { refused: { comment: { user: close.user, id: close.at }, why: ticked } };
  if (ticked === "") return unanswered;
  return { outcome: "answered", closedIn, answer: { text: ticked, by: operator, comment: 0, source: ticked } };
}

/** What is read, or why it can't be. */
export function refusedOr<Value>(read: () => Value): Value | Refusal {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
