/** What a new head of a pull request gets: a status, a comment with what it would allow, a request for a review. */
import type { Forge, Pull } from "../forge/client.ts";
import { agentsRepo, bot as botName, operator } from "../forge/plan.ts";
import { statusDescription, verdictComment, verdictMarker } from "./comment.ts";
import type { Verdict } from "./validate.ts";

export type StatusContext = "hive/validate" | "hive/deploy";
type Bot = ReturnType<Forge["as"]>;

/** Each of the three is looked for before it is made, so that repeating this does nothing. */
export async function announce(bot: Bot, pull: Pull, verdict: Verdict): Promise<void> {
  const [problem] = verdict.problems;
  await setStatusOnce(bot, pull.head, "hive/validate", {
    state: problem === undefined ? "success" : "failure",
    description: problem ?? `valid: ${[verdict.kind, verdict.agent].filter(Boolean).join(" ")}`,
  });
  const comments = await bot.listComments(agentsRepo, pull.number);
  // Anybody can write the marker: only the bot's own says that it is posted.
  if (!comments.some(({ user, body }) => user === botName && body.includes(verdictMarker(pull.head))))
    await bot.postComment(agentsRepo, pull.number, verdictComment(pull.head, verdict));
  if (pull.author !== operator && !pull.reviewers.includes(operator))
    await bot.requestReview(agentsRepo, pull.number, [operator]);
}

/** Sets a commit's status, unless its newest one of that context says the same. */
export async function setStatusOnce(
  bot: Bot,
  sha: string,
  context: StatusContext,
  status: { state: "pending" | "success" | "failure"; description: string },
): Promise<void> {
  const description = statusDescription(status.description);
  const [newest] = (await bot.listStatuses(agentsRepo, sha)).filter((other) => other.context === context);
  if (newest?.state === status.state && newest.description === description) return;
  await bot.setStatus(agentsRepo, sha, { context, state: status.state, description });
}
