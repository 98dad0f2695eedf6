/**
 * The table of questions: each is an issue in hive/questions.
 * posting → open, once the forge has the issue → closed, with an outcome.
 */
import type { Address, AgentName, EpochMs } from "../../contract/names.ts";
import type { Question, QuestionOutcome, QuestionState, QuestionTarget } from "../../contract/question.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";

type Stored = {
  id: number;
  number: number | null;
  asker: AgentName;
  target: QuestionTarget;
  question: string;
  context: string | null;
  options: string;
  multi: number;
  deadline: EpochMs | null;
  state: QuestionState;
  outcome: QuestionOutcome | null;
  answer: string | null;
  answered_by: Address | null;
  url: string | null;
  opened_at: EpochMs;
  closed_at: EpochMs | null;
};

/** How far a question's thread on the forge has been followed. */
export type Place = {
  /** the newest comment that was seen to; null: all that are there */
  seenComment: number | null;
  /** when the issue was made of which that is true; null before the first look */
  issueAt: EpochMs | null;
  /** the comment that answered, 0 for ticked boxes, and what it said; null when there is none */
  answerComment: number | null;
  answerSource: string | null;
  closedIn: "forge" | "hive" | null;
};

const FIND = "SELECT * FROM questions WHERE id = :id";
const OF_NUMBER = "SELECT * FROM questions WHERE number = :number";
const OF_CLIENT = "SELECT * FROM questions WHERE asker = :asker AND client_id = :clientId";
const NEWEST = "SELECT * FROM (SELECT * FROM questions ORDER BY id DESC LIMIT :limit) ORDER BY id";
const OPEN_OF = `SELECT * FROM questions WHERE state <> 'closed' AND asker = :agent
  UNION SELECT * FROM questions WHERE state <> 'closed' AND target = :agent ORDER BY id`;
const ADD = `INSERT INTO questions (asker, target, question, context, options, multi, deadline, state, opened_at, client_id)
  VALUES (:asker, :target, :question, :context, :options, :multi, :deadline, 'posting', :now, :clientId)`;
const POSTED = `UPDATE questions SET number = :number, url = :url,
    state = CASE WHEN state = 'posting' THEN 'open' ELSE state END
  WHERE id = :id AND number IS NULL`;
const CLOSE = `UPDATE questions SET state = 'closed', closed_at = :now, outcome = :outcome, answer = :answer,
    answered_by = :answeredBy, answer_comment = :answerComment, answer_source = :answerSource, closed_in = :closedIn
  WHERE id = :id AND state <> 'closed'`;
const PLACE = `SELECT seen_comment AS seenComment, issue_at AS issueAt, answer_comment AS answerComment,
    answer_source AS answerSource, closed_in AS closedIn FROM questions WHERE id = :id`;
const SEEN = "UPDATE questions SET seen_comment = :seenComment, issue_at = :issueAt WHERE id = :id";
const NOTE_ANSWER = `UPDATE questions SET answer = :answer, answer_comment = :answerComment, answer_source = :answerSource
  WHERE id = :id`;

const toQuestion = (row: Stored): Question => ({
  id: row.id,
  number: row.number,
  asker: row.asker,
  target: row.target,
  question: row.question,
  context: row.context,
  options: JSON.parse(row.options),
  multi: row.multi === 1,
  deadline: row.deadline,
  state: row.state,
  outcome: row.outcome,
  answer: row.answer,
  answeredBy: row.answered_by,
  url: row.url,
  openedAt: row.opened_at,
  closedAt: row.closed_at,
});
const one = (row: Stored | undefined) => row && toQuestion(row);

export const findQuestion = (reader: Reader, id: number) => one(reader.get<Stored>(FIND, { id }));
export const questionOfIssue = (reader: Reader, number: number) => one(reader.get<Stored>(OF_NUMBER, { number }));

/** The question that this asker asked with an id of its own making. */
export const questionOfClient = (reader: Reader, asker: AgentName, clientId: string) =>
  one(reader.get<Stored>(OF_CLIENT, { asker, clientId }));

/** The newest ones, oldest first. */
export const newestQuestions = (reader: Reader, limit: number): Question[] =>
  reader.all<Stored>(NEWEST, { limit }).map(toQuestion);

/** What an agent has asked or was asked, and is not closed. */
export const openQuestionsOf = (reader: Reader, agent: AgentName): Question[] =>
  reader.all<Stored>(OPEN_OF, { agent }).map(toQuestion);

export function placeOf(reader: Reader, id: number): Place {
  const place = reader.get<Place>(PLACE, { id });
  if (!place) throw new Error(`question ${id} is gone`);
  return place;
}

export type Asked = Pick<Question, "asker" | "target" | "question" | "context" | "options" | "multi" | "deadline">;

export function addQuestion(tx: Transaction, core: Core, asked: Asked, clientId: string | null): Question {
  const { id } = tx.run(ADD, {
    ...asked,
    options: JSON.stringify(asked.options),
    multi: asked.multi ? 1 : 0,
    now: core.clock.now(),
    clientId,
  });
  return tell(tx, core, id);
}

/** The forge has the issue. */
export function markPosted(tx: Transaction, core: Core, id: number, issue: { number: number; url: string }): void {
  if (tx.run(POSTED, { id, number: issue.number, url: issue.url }).changes > 0) tell(tx, core, id);
}

export type Ending = {
  outcome: QuestionOutcome;
  closedIn: "forge" | "hive";
  answer?: { text: string; by: Address; comment: number | null; source: string | null };
};

/** Undefined when it is closed already. */
export function closeQuestion(tx: Transaction, core: Core, id: number, ending: Ending): Question | undefined {
  const { outcome, closedIn, answer } = ending;
  const closed = tx.run(CLOSE, {
    id,
    now: core.clock.now(),
    outcome,
    closedIn,
    answer: answer?.text ?? null,
    answeredBy: answer?.by ?? null,
    answerComment: answer?.comment ?? null,
    answerSource: answer?.source ?? null,
  });
  return closed.changes === 0 ? undefined : tell(tx, core, id);
}

export function noteSeen(tx: Transaction, id: number, seen: Pick<Place, "seenComment" | "issueAt">): void {
  tx.run(SEEN, { id, ...seen });
}

/** The answer is another one by now, or has another comment. */
export function noteAnswer(
  tx: Transaction,
  core: Core,
  id: number,
  now: { answer: string | null; answerComment: number | null; answerSource: string | null },
): void {
  tx.run(NOTE_ANSWER, { id, ...now });
  tell(tx, core, id);
}

function tell(tx: Transaction, core: Core, id: number): Question {
  const question = findQuestion(tx, id);
  if (!question) throw new Error(`question ${id} is gone`);
  core.events.append(tx, { kind: "QuestionChanged", question }, core.clock.now());
  return question;
}
