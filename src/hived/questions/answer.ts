/** What an issue in hive/questions says about its question: an answer, a close without one, or nothing yet. */
import type { AgentName } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { findAgent } from "../agents/agents.ts";
import { sendIn } from "../broker/send.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import type { Comment } from "../forge/client.ts";
import { operator } from "../forge/plan.ts";
import type { FetchedItem } from "../forge/refresh.ts";
import { closeQuestion, questionOfIssue } from "./questions.ts";

export type Answer = { from: AgentName | "operator" | "system"; text: string };

/** Closes the question of an issue when it was answered, and tells the asker. */
export function followQuestion(tx: Transaction, core: Core, { item, body, comments }: FetchedItem): void {
  const question = questionOfIssue(tx, item.number);
  if (question?.state !== "open") return;
  const answer = answerIn(question, { isOpen: item.state === "open", body, comments });
  if (!answer || !closeQuestion(tx, core, question.id)) return;
  if (item.state === "open") core.scheduler.enqueue(tx, "post-question", String(question.id));
  tellAsker(tx, core, question, answer);
}

const command = /^\/answer\b[ \t]*/;

/**
 * The target or the operator answers: by a comment that begins with `/answer`, or by closing with a comment, or with ticked
 * options. Null while it is open and nobody has.
 */
export function answerIn(
  question: Pick<Question, "target" | "options">,
  issue: { isOpen: boolean; body: string; comments: Pick<Comment, "user" | "body">[] },
): Answer | null {
  const words = issue.comments.filter(({ user }) => user === question.target || user === operator);
  const said = words.find(({ body }) => command.test(body)) ?? (issue.isOpen ? undefined : words.at(-1));
  if (said) return { from: said.user as Answer["from"], text: said.body.replace(command, "").trim() };
  if (issue.isOpen) return null;
  const ticked = question.options.filter((option) => isTicked(issue.body, option));
  return { from: "system", text: ticked.join("\n") };
}

/** The box of an option, as the forge's pages leave it when it was ticked. */
function isTicked(body: string, option: string): boolean {
  const text = option.replace(/\s+/g, " ").trim();
  return body.split(/\r?\n/).some((line) => /^- \[x\] /i.test(line) && line.slice("- [x] ".length).trim() === text);
}

const answerCharacters = 20_000;
const questionCharacters = 200;

function tellAsker(tx: Transaction, core: Core, { id, asker, question, url }: Question, { from, text }: Answer): void {
  const agent = findAgent(tx, asker);
  if (!agent || agent.wish === "destroyed") return;
  const asked = question.replace(/\s+/g, " ").trim();
  const short = asked.length <= questionCharacters ? asked : `${asked.slice(0, questionCharacters - 1)}…`;
  const outcome = text === "" ? "It was closed without an answer." : text.slice(0, answerCharacters);
  const body = `Your question ${id} (“${short}”, ${url}):\n\n${outcome}`;
  sendIn(tx, core, { from, to: asker, body, clientId: `answer/${id}`, isAnswer: true });
}
