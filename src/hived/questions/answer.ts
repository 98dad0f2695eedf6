/** Answers a question from here: an agent by its tool, the operator on the page or the command line. */
import type { AgentName } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Core } from "../core.ts";
import type { Reader } from "../database/write.ts";
import { noteIn } from "../events/note.ts";
import { operator } from "../forge/plan.ts";
import { readAnswer } from "./answer-text.ts";
import { tellOutcome } from "./letters.ts";
import { closeQuestion, findQuestion } from "./questions.ts";

/**
 * Closes a question with an answer, and tells the asker; the forge is told as soon as it answers. The same answer by the
 * same one again is found given.
 * @throws Refusal `unknown_question`, `not_yours`, `question_closed`, or as `readAnswer`
 */
export function answerQuestion(
  core: Core,
  by: AgentName | typeof operator,
  { question: id, answer: said }: { question: number; answer: string },
): Promise<Question> {
  return core.db.write((tx) => {
    const question = requireQuestion(tx, id, by);
    if (by !== operator && by !== question.target) throw notYours(question);
    const text = readAnswer(question, said);
    if (question.state === "closed") {
      if (question.answeredBy === by && question.answer === text) return question;
      throw questionClosed(question);
    }
    const answer = { text, by, comment: null, source: null };
    const closed = closeQuestion(tx, core, id, { outcome: "answered", closedIn: "hive", answer });
    if (!closed) throw questionClosed(question);
    if (by === operator)
      noteIn(
        tx,
        core,
        `The operator answered question ${id}; the hive says so on the forge with the operator's token.`,
      );
    tellOutcome(tx, core, closed);
    core.scheduler.enqueue(tx, "post-question", String(id));
    return closed;
  });
}

/** The asker needs no answer any more. @throws Refusal `unknown_question`, `not_yours`, `question_closed` */
export function cancelQuestion(
  core: Core,
  asker: AgentName,
  { question: id }: { question: number },
): Promise<Question> {
  return core.db.write((tx) => {
    const question = requireQuestion(tx, id, asker);
    if (question.asker !== asker)
      throw new Refusal("not_yours", `You have not asked question ${id}.`, "Answer it instead.");
    if (question.outcome === "cancelled") return question;
    const closed = closeQuestion(tx, core, id, { outcome: "cancelled", closedIn: "hive" });
    if (!closed) throw questionClosed(question);
    tellOutcome(tx, core, closed);
    core.scheduler.enqueue(tx, "post-question", String(id));
    return closed;
  });
}

/** Whoever has no part in a question learns nothing of it, not even that there is one. */
function requireQuestion(reader: Reader, id: number, by: AgentName | typeof operator): Question {
  const question = findQuestion(reader, id);
  if (question && (by === operator || by === question.asker || by === question.target)) return question;
  const next = by === operator ? "Look at `hive threads operator`." : "Look at `get_open_threads`.";
  throw new Refusal("unknown_question", `There is no question ${id} of yours.`, next);
}

export const notYours = ({ id, target }: Question): Refusal =>
  new Refusal(
    "not_yours",
    target === operator
      ? `Only the operator can answer question ${id}.`
      : `Only ${target} or the operator can answer question ${id}.`,
    "What you write in its thread without /answer is passed on to who asked and who was asked.",
  );

const ends = {
  answered: "was answered already",
  unanswered: "was closed without an answer",
  expired: "has expired",
  cancelled: "was cancelled by its asker",
};

export const questionClosed = ({ id, outcome }: Question): Refusal =>
  new Refusal(
    "question_closed",
    `Question ${id} ${outcome === null ? "is closed" : ends[outcome]}.`,
    "Write to its asker if there is more to say.",
  );
