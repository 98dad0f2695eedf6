/** `hive answer`: answers a question of a running hive, as the operator. */
import { Refusal } from "../../contract/refusal.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHived } from "../up/reach.ts";

/** @throws Refusal `not_running`, `bad_question`, or as hived says it */
export async function answer(question: string, words: string, options: { home?: string }): Promise<number> {
  const id = Number(question);
  if (!Number.isInteger(id) || id < 1)
    throw new Refusal("bad_question", `"${question}" is no number of a question.`, "Look at `hive threads`.");
  return withHived(options, async (hived) => {
    const { asker } = await hived.answerQuestion({ question: id, answer: words });
    process.stdout.write(`Question ${id} is answered, and ${asker} is told.\n`);
    return exitCodes.ok;
  });
}
