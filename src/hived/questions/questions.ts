/**
 * The table of questions: each is an issue in hive/questions.
 * posting → open, once the forge has the issue → closed, by an answer or without one.
 */
import type { AgentName, EpochMs } from "../../contract/names.ts";
import type { Question, QuestionState, QuestionTarget } from "../../contract/question.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";

type Stored = {
  id: number;
  number: number | null;
  asker: AgentName;
  target: QuestionTarget;
  question: string;
  options: string;
  multi: number;
  state: QuestionState;
  url: string | null;
  opened_at: EpochMs;
  closed_at: EpochMs | null;
};

const FIND = "SELECT * FROM questions WHERE id = :id";
const OF_NUMBER = "SELECT * FROM questions WHERE number = :number";
const OF_CLIENT = "SELECT * FROM questions WHERE asker = :asker AND client_id = :clientId";
const OPEN = "SELECT * FROM questions WHERE state <> 'closed' ORDER BY opened_at, id";
const NEWEST = "SELECT * FROM (SELECT * FROM questions ORDER BY id DESC LIMIT :limit) ORDER BY id";
const ADD = `INSERT INTO questions (asker, target, question, options, multi, state, opened_at, client_id)
  VALUES (:asker, :target, :question, :options, :multi, 'posting', :now, :clientId)`;
const POSTED = "UPDATE questions SET number = :number, url = :url, state = 'open' WHERE id = :id AND state = 'posting'";
const CLOSE = "UPDATE questions SET state = 'closed', closed_at = :now WHERE id = :id AND state = 'open'";

const toQuestion = (row: Stored): Question => ({
  id: row.id,
  number: row.number,
  asker: row.asker,
  target: row.target,
  question: row.question,
  options: JSON.parse(row.options),
  multi: row.multi === 1,
  state: row.state,
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

/** Those that still wait for an answer, oldest first. */
export const openQuestions = (reader: Reader): Question[] => reader.all<Stored>(OPEN).map(toQuestion);

/** The newest ones, oldest first. */
export const newestQuestions = (reader: Reader, limit: number): Question[] =>
  reader.all<Stored>(NEWEST, { limit }).map(toQuestion);

export function addQuestion(
  tx: Transaction,
  core: Core,
  asked: Pick<Question, "asker" | "target" | "question" | "options" | "multi">,
  clientId: string | null,
): Question {
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

/** False when it is closed already. */
export function closeQuestion(tx: Transaction, core: Core, id: number): boolean {
  if (tx.run(CLOSE, { id, now: core.clock.now() }).changes === 0) return false;
  tell(tx, core, id);
  return true;
}

function tell(tx: Transaction, core: Core, id: number): Question {
  const question = findQuestion(tx, id);
  if (!question) throw new Error(`question ${id} is gone`);
  core.events.append(tx, { kind: "QuestionChanged", question }, core.clock.now());
  return question;
}
