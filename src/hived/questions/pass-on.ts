/** What is said in a question's thread, and is no answer, comes to the others of the thread as messages. */
import type { EpochMs } from "../../contract/names.ts";
import type { Question } from "../../contract/question.ts";
import { findByClientId } from "../broker/messages.ts";
import { relay, relayLaterMs, speakerOf } from "../broker/relay.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import type { Comment } from "../forge/client.ts";
import { questionsRepo } from "../forge/plan.ts";
import { named, questionLetterId } from "./letters.ts";

/** Of what was said since the last look; of the rest it is said that there is some. */
const mostAtOnce = 20;
const shownCharacters = 8_000;

/**
 * Passes comments on, oldest first, each under the rules of any message: two agents may be in a loop here, too, and a third
 * one reaches only whom it may write to.
 * @returns the id after which to go on later, when something has to wait; null when all was passed on
 */
export function passOn(tx: Transaction, core: Core, question: Question, talk: readonly Comment[]): number | null {
  const shown = talk.slice(-mostAtOnce);
  const left = talk.length - shown.length;
  for (const [index, comment] of shown.entries()) {
    const before = index === 0 && left > 0 ? `(${left} earlier comments are not repeated here.)\n\n` : "";
    for (const to of [question.asker, question.target]) {
      if (to === comment.user || passTo(tx, core, question, { to, comment, before })) continue;
      const later = (core.clock.now() + relayLaterMs) as EpochMs;
      core.scheduler.enqueue(tx, "refresh", `${questionsRepo}#${question.number}`, later);
      return comment.id - 1;
    }
  }
  return null;
}

type Passed = { to: Question["target"]; comment: Comment; before: string };

/** False when it has to wait. */
function passTo(tx: Transaction, core: Core, question: Question, { to, comment, before }: Passed): boolean {
  const from = speakerOf(tx, comment.user);
  const { id, asker, target } = question;
  const whose = to === asker ? `your ${named(question)}` : `${asker}'s ${named(question)}`;
  const body = `${before}${comment.user} wrote in the thread of ${whose}:\n\n${comment.body.slice(0, shownCharacters)}`;
  // The one who was asked may always answer the asker.
  const inReplyTo = from === target ? findByClientId(tx, asker, questionLetterId(question))?.id : undefined;
  return relay(tx, core, { from, to, body, clientId: `comment/${id}/${comment.id}/${to}`, inReplyTo });
}
