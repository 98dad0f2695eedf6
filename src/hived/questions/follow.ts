/**
 * What an issue in hive/questions says about its question. Each comment is seen to once: it answers, is refused as an answer,
 * or is passed on; and an answer that is changed or deleted afterwards is told.
 */
import { AgentName } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { Refusal } from "../../contract/refusal.ts";
import { findAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import type { Comment, Forge } from "../forge/client.ts";
import { bot, questionsRepo } from "../forge/plan.ts";
import { type FetchedItem, ringItem } from "../forge/refresh.ts";
import { isAnswer, readAnswer, tickedIn, withoutCommand } from "./answer-text.ts";
import { findBoxes } from "./boxes.ts";
import { type Close, closedEnding, endingOf, type Refused, refusedOr } from "./ending.ts";
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
import { sayRefused } from "./say-refused.ts";

type Thread = Pick<FetchedItem, "comments"> & {
  item: Pick<FetchedItem["item"], "number" | "state" | "createdAt">;
};

/** In the transaction that stores what was fetched. Who closed an issue is looked up by work of its own. */
export function followQuestion(tx: Transaction, core: Core, thread: Thread): void {
  const question = questionOfIssue(tx, thread.item.number);
  if (!question) return;
  if (question.state === "open" && thread.item.state !== "open") {
    core.scheduler.enqueue(tx, "settle-question", String(question.id));
    return;
  }
  if (question.state === "closed" && thread.item.state === "open")
    core.scheduler.enqueue(tx, "post-question", String(question.id)); // it was opened again, or is yet to be closed
  followThread(tx, core, question, { ...thread, close: null });
}

/**
 * Work `settle-question`: the issue was closed on the forge, and who did it decides what that means. With what is no answer
 * it is opened again.
 */
export async function settleQuestion(core: Core, forge: Forge, id: number): Promise<void> {
  const number = core.db.read((reader) => findQuestion(reader, id))?.number ?? null;
  if (number === null) return;
  const as = forge.as(bot);
  const [item, comments] = await Promise.all([
    as.readIssue(questionsRepo, number),
    as.listComments(questionsRepo, number),
  ]);
  const close = item?.state === "closed" ? await as.findClose(questionsRepo, number) : null;
  const refused = await core.db.write((tx) => {
    const question = findQuestion(tx, id);
    if (item && question) return followThread(tx, core, question, { item, comments, close });
    if (!item) dropQuestion(tx, core, number);
    return null;
  });
  if (!refused) return;
  const { comment, why } = refused;
  const isCommand = comments.some(({ id, body }) => id === comment.id && isAnswer(body)); // refused by work of its own
  if (!isCommand) await sayRefused(forge, number, { user: comment.user, about: comment.id, why });
  await as.editIssue(questionsRepo, number, { state: "open" });
  await core.db.write((tx) => ringItem(tx, core, questionsRepo, number)); // it may have been answered here meanwhile
}

/** The forge has no such issue any more. */
export function dropQuestion(tx: Transaction, core: Core, number: number): void {
  const question = questionOfIssue(tx, number);
  const closed = question && closeQuestion(tx, core, question.id, { outcome: "unanswered", closedIn: "forge" });
  if (closed) tellOutcome(tx, core, closed);
}

type Settled = Thread & { close: Close | null };
type Said = { comments: readonly Comment[]; fresh: readonly Comment[] };

/** @returns what was refused as an answer by closing */
function followThread(tx: Transaction, core: Core, asked: Question, thread: Settled): Refused | null {
  const { item, comments } = thread;
  const place = placeIn(tx, asked, thread);
  const newest = Math.max(place.seenComment, comments.at(-1)?.id ?? 0); // the forge lists the oldest first
  const isFresh = ({ id }: Comment) => id > place.seenComment && id !== place.answerComment;
  const fresh = comments.filter((comment) => isFresh(comment) && comment.user !== bot && !hasMark(comment.body));
  const { question, refused } = takeAnswers(tx, core, asked, { comments, fresh });
  const closing =
    question.state !== "closed" && item.state !== "open" ? closedEnding(question, comments, thread.close) : null;
  const isRefused = closing !== null && "refused" in closing;
  const ending = isRefused ? null : closing;
  if (ending) end(tx, core, question, ending);
  if (asked.state === "closed") followAnswer(tx, core, asked, place, thread);
  for (const one of refused) refuse(tx, core, question, one);
  const isTalk = ({ id, body }: Comment) => !isAnswer(body) && id !== ending?.answer?.comment;
  const seenTo = passOn(tx, core, question, fresh.filter(isTalk));
  noteSeen(tx, question.id, { seenComment: seenTo ?? newest, issueAt: item.createdAt });
  return isRefused ? closing.refused : null;
}

/** Where to go on. Of an issue that was moved to another forge everything was seen, and its comments have other ids. */
function placeIn(tx: Transaction, { id }: Question, { item, comments }: Thread): Place & { seenComment: number } {
  const place = placeOf(tx, id);
  const isSame = place.issueAt === null || place.issueAt === item.createdAt;
  if (isSame && place.seenComment !== null) return { ...place, seenComment: place.seenComment };
  return { ...place, seenComment: comments.at(-1)?.id ?? 0, answerComment: null };
}

/**
 * The first good answer closes the question, be it an old comment that was changed into one. Of each who may not, or answers
 * badly, the newest try is refused.
 */
function takeAnswers(tx: Transaction, core: Core, asked: Question, said: Said) {
  let question = asked;
  const refused = new Map<string, Refused>();
  for (const comment of said.comments.filter(({ body }) => isAnswer(body) && !hasMark(body))) {
    const isFresh = said.fresh.includes(comment);
    if (question.state === "closed" && !isFresh) continue;
    const ending = endingOf(question, comment);
    if (!(ending instanceof Refusal)) question = end(tx, core, question, ending);
    else if (isFresh) refused.set(comment.user, { comment, why: ending });
  }
  return { question, refused: [...refused.values()] };
}

function end(tx: Transaction, core: Core, question: Question, ending: Ending): Question {
  const closed = closeQuestion(tx, core, question.id, ending);
  if (!closed) return question;
  tellOutcome(tx, core, closed);
  core.scheduler.enqueue(tx, "post-question", String(closed.id));
  return closed;
}

/** Looks whether the answer still stands as it was given. */
function followAnswer(tx: Transaction, core: Core, question: Question, place: Place, { comments }: Settled): void {
  const { answerComment: id, answerSource: before } = place;
  if (question.outcome !== "answered") return;
  if (id === null && before === null && place.closedIn === "hive") {
    const own = comments.find(({ user, body }) => user === question.answeredBy && hasMark(body));
    if (own)
      noteAnswer(tx, core, question.id, { answer: question.answer, answerComment: own.id, answerSource: own.body });
    return;
  }
  if (id === null) return;
  const boxes = id === 0 ? findBoxes(question, comments) : undefined;
  if (id === 0 && !boxes) return; // from before there was such a comment
  const source = boxes
    ? tickedIn(question, boxes.body).join("\n")
    : comments.find((comment) => comment.id === id)?.body;
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
  const read = isAnswer(source) ? refusedOr(() => readAnswer(question, said)) : said;
  return read instanceof Refusal ? said : read;
}

/** Said under the comment by work that may be repeated, and to an agent, who looks at its messages alone, by one. */
function refuse(tx: Transaction, core: Core, question: Question, { comment, why }: Refused): void {
  core.scheduler.enqueue(tx, "refuse-answer", `${question.number}/${comment.id}/${why.code}`);
  const agent = AgentName.safeParse(comment.user).data;
  if (!agent || !findAgent(tx, agent)) return;
  const body = `Your /answer to ${named(question)} does not count. ${why.message} ${why.next}`;
  tell(tx, core, { from: "system", to: agent, body, clientId: `refused/${question.id}/${comment.id}` });
}
