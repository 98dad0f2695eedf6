/**
 * What an issue in hive/questions says about its question. Each comment is seen to once: it answers, is refused as an answer,
 * or is passed on; and an answer that is changed or deleted afterwards is told.
 */
import { AgentName, type EpochMs } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { Refusal } from "../../contract/refusal.ts";
import { findAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import type { Comment, Forge } from "../forge/client.ts";
import { bot, operator, questionsRepo } from "../forge/plan.ts";
import type { FetchedItem } from "../forge/refresh.ts";
import { notYours, questionClosed } from "./answer.ts";
import { isAnswer, readAnswer, tickedIn, withoutCommand } from "./answer-text.ts";
import { hasMark } from "./hidden-block.ts";
import { named, tell, tellOutcome } from "./letters.ts";
import { passOn } from "./pass-on.ts";
import {
  closeQuestion,
  type Ending,
  findQuestion,
  noteAnswer,
  noteSeen,
  type Place,
  placeOf,
  questionOfIssue,
} from "./questions.ts";

type Thread = Pick<FetchedItem, "body" | "comments"> & {
  item: Pick<FetchedItem["item"], "number" | "state" | "createdAt">;
};

/** In the transaction that stores what was fetched. Who closed an issue is looked up by work of its own. */
export function followQuestion(tx: Transaction, core: Core, thread: Thread): void {
  const question = questionOfIssue(tx, thread.item.number);
  if (!question) return;
  if (question.state === "open" && thread.item.state !== "open")
    core.scheduler.enqueue(tx, "settle-question", String(question.id));
  else followThread(tx, core, question, { ...thread, close: null });
}

/** Work `settle-question`: the issue was closed on the forge, and who did it decides what that means. */
export async function settleQuestion(core: Core, forge: Forge, id: number): Promise<void> {
  const number = core.db.read((reader) => findQuestion(reader, id))?.number ?? null;
  if (number === null) return;
  const as = forge.as(bot);
  const [item, comments] = await Promise.all([
    as.readIssue(questionsRepo, number),
    as.listComments(questionsRepo, number),
  ]);
  const close = item?.state === "closed" ? await as.findClose(questionsRepo, number) : null;
  await core.db.write((tx) => {
    const question = findQuestion(tx, id);
    if (item && question) followThread(tx, core, question, { item, body: item.body, comments, close });
    else if (!item) dropQuestion(tx, core, number);
  });
}

/** The forge has no such issue any more. */
export function dropQuestion(tx: Transaction, core: Core, number: number): void {
  const question = questionOfIssue(tx, number);
  const closed = question && closeQuestion(tx, core, question.id, { outcome: "unanswered", closedIn: "forge" });
  if (closed) tellOutcome(tx, core, closed);
}

type Settled = Thread & { close: { user: string; at: EpochMs } | null };

function followThread(tx: Transaction, core: Core, asked: Question, thread: Settled): void {
  const { item, comments } = thread;
  const place = placeIn(tx, asked, thread);
  const newest = Math.max(place.seenComment, comments.at(-1)?.id ?? 0); // the forge lists the oldest first
  const isFresh = ({ id }: Comment) => id > place.seenComment && id !== place.answerComment;
  const fresh = comments.filter((comment) => isFresh(comment) && comment.user !== bot && !hasMark(comment.body));
  const { question, refused } = takeAnswers(tx, core, asked, fresh);
  const open = question.state !== "closed" && item.state !== "open" ? settleClosed(tx, core, question, thread) : null;
  if (asked.state === "closed") followAnswer(tx, core, asked, place, thread);
  for (const { comment, why } of refused) refuse(tx, core, question, comment, why);
  const isTalk = ({ id, body }: Comment) => !isAnswer(body) && id !== open?.answer?.comment;
  const seenTo = passOn(tx, core, question, fresh.filter(isTalk));
  noteSeen(tx, question.id, { seenComment: seenTo ?? newest, issueAt: item.createdAt });
}

/** Where to go on. Of an issue that was moved to another forge everything was seen, and its comments have other ids. */
function placeIn(tx: Transaction, { id }: Question, { item, comments }: Thread): Place & { seenComment: number } {
  const place = placeOf(tx, id);
  const isSame = place.issueAt === null || place.issueAt === item.createdAt;
  if (isSame && place.seenComment !== null) return { ...place, seenComment: place.seenComment };
  return { ...place, seenComment: comments.at(-1)?.id ?? 0, answerComment: null };
}

type Refused = { comment: Comment; why: Refusal };

/** The first good answer closes the question. Of each who may not, or answers badly, the newest try is refused. */
function takeAnswers(tx: Transaction, core: Core, asked: Question, fresh: readonly Comment[]) {
  let question = asked;
  const refused = new Map<string, Refused>();
  for (const comment of fresh.filter(({ body }) => isAnswer(body))) {
    const ending = endingOf(question, comment);
    if (ending instanceof Refusal) refused.set(comment.user, { comment, why: ending });
    else question = end(tx, core, question, ending);
  }
  return { question, refused: [...refused.values()] };
}

function endingOf(question: Question, { id, user, body }: Comment): Ending | Refusal {
  if (user !== question.target && user !== operator) return notYours(question);
  if (question.state === "closed") return questionClosed(question);
  try {
    const text = readAnswer(question, withoutCommand(body));
    const answer = { text, by: user as Question["target"], comment: id, source: body };
    return { outcome: "answered", closedIn: "forge", answer };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function end(tx: Transaction, core: Core, question: Question, ending: Ending): Question {
  const closed = closeQuestion(tx, core, question.id, ending);
  if (!closed) return question;
  tellOutcome(tx, core, closed);
  core.scheduler.enqueue(tx, "post-question", String(closed.id));
  return closed;
}

/** Words that come with a close are so much older than it at most, by the forge's clock in whole seconds. */
const closingWordsMs = 10_000;

/**
 * Closed without `/answer`: by the asker, who needs none; else by words that came with the close, by ticked boxes, or by the
 * last word of who may answer. Words before boxes: the asker can edit its own issue, and tick what nobody has chosen.
 */
function settleClosed(tx: Transaction, core: Core, question: Question, thread: Settled): Ending {
  const ending = closedEnding(question, thread);
  end(tx, core, question, ending);
  return ending;
}

function closedEnding(question: Question, { body, comments, close }: Settled): Ending {
  const closedIn = "forge" as const;
  const closer = close?.user ?? null;
  if (closer === question.asker) return { outcome: "cancelled", closedIn };
  const mayAnswer = (user: string) => user === question.target || user === operator;
  if (closer !== null && !mayAnswer(closer)) return { outcome: "unanswered", closedIn };
  const word = comments.findLast(({ user, body }) => mayAnswer(user) && !hasMark(body) && body.trim() !== "");
  const isClosing = close !== null && word?.user === closer && word.createdAt >= close.at - closingWordsMs;
  const ticked = tickedIn(question, body);
  if (!isClosing && (ticked.length === 1 || (question.multi && ticked.length > 1))) {
    const [text, by] = [ticked.join("\n"), (closer ?? "system") as "system" | Question["target"]];
    return { outcome: "answered", closedIn, answer: { text, by, comment: 0, source: text } };
  }
  if (!word || isAnswer(word.body)) return { outcome: "unanswered", closedIn };
  const { id, user, body: source } = word;
  return {
    outcome: "answered",
    closedIn,
    answer: { text: source.trim(), by: user as Question["target"], comment: id, source },
  };
}

/** Looks whether the answer still stands as it was given. */
function followAnswer(
  tx: Transaction,
  core: Core,
  question: Question,
  place: Place,
  { body, comments }: Settled,
): void {
  const { answerComment: id, answerSource: before } = place;
  if (question.outcome !== "answered") return;
  if (id === null && before === null && place.closedIn === "hive") {
    const own = comments.find(({ user, body }) => user === question.answeredBy && hasMark(body));
    if (own)
      noteAnswer(tx, core, question.id, { answer: question.answer, answerComment: own.id, answerSource: own.body });
    return;
  }
  if (id === null) return;
  const source = id === 0 ? tickedIn(question, body).join("\n") : comments.find((comment) => comment.id === id)?.body;
  if (source === before) return;
  const answer = source === undefined ? null : sourceText(question, source);
  noteAnswer(tx, core, question.id, {
    answer,
    answerComment: source === undefined ? null : id,
    answerSource: source ?? before,
  });
  const what = answer ? `The answer was changed; it now says:\n\n${answer}` : "The answer was deleted on the forge.";
  tell(tx, core, { from: "system", to: question.asker, body: `Your ${named(question)}:\n\n${what}` });
}

/** What an answer says after a change, whether or not it could be given so. */
function sourceText(question: Question, source: string): string {
  const said = withoutCommand(source.replace(/<!-- hive:.*?-->/g, ""));
  try {
    return isAnswer(source) ? readAnswer(question, said) : said;
  } catch (error) {
    if (error instanceof Refusal) return said;
    throw error;
  }
}

/** Said under the comment by work that may be repeated, and to an agent, who looks at its messages alone, by one. */
function refuse(tx: Transaction, core: Core, question: Question, comment: Comment, why: Refusal): void {
  core.scheduler.enqueue(tx, "refuse-answer", `${question.number}/${comment.id}/${why.code}`);
  const agent = AgentName.safeParse(comment.user).data;
  if (!agent || !findAgent(tx, agent)) return;
  const body = `Your /answer to ${named(question)} does not count. ${why.message} ${why.next}`;
  tell(tx, core, { from: "system", to: agent, body, clientId: `refused/${question.id}/${comment.id}` });
}

/** Why a comment was no good answer to a question that was open; undefined when it would be one by now. */
export function whyRefused(question: Question, comment: Comment): Refusal | undefined {
  const ending = endingOf({ ...question, state: "open" }, comment);
  return ending instanceof Refusal ? ending : undefined;
}
