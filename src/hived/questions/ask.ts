/** The tool that asks: a row at once, an issue on the forge by the asker as soon as the forge answers. */
import type { AgentName, EpochMs } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { findManager } from "../agents/agents.ts";
import { clientIdTaken, requireRecipient, sendIn } from "../broker/send.ts";
import type { Core } from "../core.ts";
import type { Reader } from "../database/write.ts";
import { onOneLine } from "./answer-text.ts";
import { questionLetter, questionLetterId } from "./letters.ts";
import { addQuestion, questionOfClient } from "./questions.ts";

/**
 * Asks a question; answers with a sentence for the asker. An agent that is asked is told by a message, in the same commit.
 * The same `client_id` again asks nothing anew.
 * @throws Refusal when it says nothing or its options can't be told apart, there is no such target, the asker may not write to it, the deadline is none, or the `client_id` is
 *   another question's
 */
export async function ask(core: Core, asker: AgentName, args: ToolArguments<"ask">): Promise<string> {
  const { question, options, multi, context, client_id: clientId } = args;
  demandReadable(args);
  const deadline = args.deadline === undefined ? null : readDeadline(args.deadline, core.clock.now());
  return core.db.write((tx) => {
    const known = clientId === undefined ? undefined : questionOfClient(tx, asker, clientId);
    if (known && !isSame(tx, known, args)) throw clientIdTaken(clientId, `question ${known.id}`);
    if (known) return receipt(known);
    const target = requireRecipient(tx, asker, args.to);
    const asked = { asker, target, question, options, multi, context: context ?? null, deadline };
    const added = addQuestion(tx, core, asked, clientId ?? null);
    if (target !== "operator")
      sendIn(tx, core, { from: asker, to: target, body: questionLetter(added), clientId: questionLetterId(added) });
    core.scheduler.enqueue(tx, "post-question", String(added.id));
    if (deadline !== null) core.scheduler.enqueue(tx, "expire-question", String(added.id), deadline);
    return receipt(added);
  });
}

/** @throws Refusal `empty_question`, `options_alike`: by their texts options are ticked and answered */
function demandReadable({ question, options }: ToolArguments<"ask">): void {
  if (question.trim() === "") throw new Refusal("empty_question", "The question is empty.", "Say what you ask.");
  const read = options.map((option) => onOneLine(option).toLowerCase());
  const alike = options.find((_, index) => read[index] === "" || read.indexOf(read[index] ?? "") !== index);
  if (alike !== undefined)
    throw new Refusal(
      "options_alike",
      alike.trim() === "" ? "One of the options is empty." : `The option “${onOneLine(alike)}” is there twice.`,
      "Give options that read differently.",
    );
}

/** The deadline is not compared: one that counts from now is another one at each call. */
function isSame(reader: Reader, known: Question, args: ToolArguments<"ask">): boolean {
  const target = args.to === "manager" ? findManager(reader)?.name : args.to;
  const isSameChoice = known.multi === args.multi && JSON.stringify(known.options) === JSON.stringify(args.options);
  const isSameText = known.question === args.question && known.context === (args.context ?? null);
  return known.target === target && isSameText && isSameChoice;
}

const receipt = ({ id, target }: Question): string =>
  `Asked ${target} as question ${id}. You are not kept waiting: the answer comes to you as a message.`;

const units = { m: 60_000, h: 60 * 60_000, d: 24 * 60 * 60_000 };
const furthestMs = 366 * units.d;

/** "90m", "2h", "3d" from now, or a moment of ISO 8601 with its zone. @throws Refusal `bad_deadline` */
function readDeadline(text: string, now: EpochMs): EpochMs {
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  const isMoment = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text.trim());
  const at = unit ? now + Number(number) * units[unit as keyof typeof units] : isMoment ? Date.parse(text) : Number.NaN;
  if (at > now && at <= now + furthestMs) return at as EpochMs;
  throw new Refusal(
    "bad_deadline",
    `“${text.slice(0, 100)}” is no deadline within the coming year.`,
    `Say how long from now (90m, 2h, 3d), or a moment such as ${new Date(now + units.d).toISOString()}; or leave it out.`,
  );
}
