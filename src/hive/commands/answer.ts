/** `hive answer`: answers a question of a running hive, as the operator. */
import { Refusal } from "../../contract/refusal.ts";
import { routes } from "../../contract/routes.ts";
import { client } from "../../rpc/client.ts";
import { exitCodes } from "../exit-codes.ts";
import { reachHive } from "../up/reach.ts";

/** @throws Refusal `not_running`, `bad_question`, or as hived says it */
export async function answer(question: string, words: string, options: { home?: string }): Promise<number> {
  const id = Number(question);
  if (!Number.isInteger(id) || id < 1)
    throw new Refusal("bad_question", `"${question}" is no number of a question.`, "Look at `hive threads`.");
  const { runtime } = await reachHive(options.home);
  const hived = client(routes, "admin", runtime.admin);
  try {
    const { asker } = await hived.answerQuestion({ question: id, answer: words });
    process.stdout.write(`Question ${id} is answered, and ${asker} is told.\n`);
    return exitCodes.ok;
  } finally {
    await hived.close();
  }
}
