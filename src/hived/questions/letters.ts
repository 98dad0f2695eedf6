/** What the two who share a question are told of it, as messages. */
import type { Address, AgentName } from "../../contract/names.ts";
import type { Question, QuestionTarget } from "../../contract/question.ts";
import { findLiving } from "../agents/agents.ts";
import { findByClientId } from "../broker/messages.ts";
import { sendIn } from "../broker/send.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { onOneLine } from "./answer-text.ts";

const questionCharacters = 200;

/** A question as a sentence names it, with where to look. */
export function named({ id, question, url }: Pick<Question, "id" | "question" | "url">): string {
  const asked = onOneLine(question);
  const short = asked.length <= questionCharacters ? asked : `${asked.slice(0, questionCharacters - 1)}…`;
  return `question ${id} (“${short}”${url === null ? "" : `, ${url}`})`;
}

/** The id that its asker gives to the message by which the target is asked. */
export const questionLetterId = ({ id }: Pick<Question, "id">): string => `question/${id}`;

/** What the target of a question is woken with. */
export function questionLetter({ id, asker, question, context, options, multi, deadline }: Question): string {
  const choices = options.map((option, index) => `${index + 1}. ${onOneLine(option)}`);
  const until = deadline === null ? "" : ` It is closed at ${new Date(deadline).toISOString()} if nobody has.`;
  return [
    `${asker} asks you, as question ${id}:`,
    question.trim(),
    ...(context === null ? [] : [`For context: ${context.trim()}`]),
    ...(choices.length === 0 ? [] : [`Choose ${multi ? "any of these" : "one of these"}:\n${choices.join("\n")}`]),
    `Answer with the tool \`answer\` (question ${id}), or by a comment that begins with /answer on its issue in hive/questions.${until}`,
  ].join("\n\n");
}

/** Tells those who wait how the question ended; once, whoever calls it again. */
export function tellOutcome(tx: Transaction, core: Core, question: Question): void {
  const { id, asker, target, outcome, answer, answeredBy } = question;
  const toAsker = outcome === null || outcome === "cancelled" ? undefined : endOf[outcome];
  if (toAsker !== undefined) {
    const gone = outcome === "unanswered" && isGone(tx, target) ? ` ${target} is gone: ask somebody else.` : "";
    const body = `Your ${named(question)}:\n\n${answer ?? `${toAsker}${gone}`}`;
    tell(tx, core, { from: answeredBy ?? "system", to: asker, body, clientId: `answer/${id}` });
  }
  if (target === "operator" || target === answeredBy || outcome === null) return;
  const over = outcome === "answered" ? `${answeredBy} has answered:\n\n${answer}` : whyOver[outcome];
  const why = outcome === "cancelled" && isGone(tx, asker) ? `${asker} is gone.` : over;
  const body = `You need not answer ${asker}'s ${named(question)} any more: ${why}`;
  tell(tx, core, { from: "system", to: target, body, clientId: `over/${id}` });
}

/** Destroyed; the operator never is. */
export const isGone = (reader: Reader, who: QuestionTarget): boolean => who !== "operator" && !findLiving(reader, who);

const endOf = {
  answered: "(no words)",
  unanswered: "It was closed without an answer.",
  expired: "Nobody has answered: its deadline has passed, and it is closed.",
};

const whyOver = {
  unanswered: "it was closed without an answer.",
  expired: "it has expired.",
  cancelled: "it was cancelled.",
};

/** `clientId`: with the same one it is told once */
type Notice = { from: Address; to: AgentName; body: string; clientId?: string };

/** What has happened on the forge is not undone, so it is told whoever may write to whom; to who is gone there is nothing. */
export function tell(tx: Transaction, core: Core, notice: Notice): void {
  if (!findLiving(tx, notice.to)) return;
  if (notice.clientId !== undefined && findByClientId(tx, notice.from, notice.clientId)) return;
  sendIn(tx, core, { ...notice, isAnswer: true });
}
