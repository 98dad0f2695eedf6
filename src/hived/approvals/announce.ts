/** What a new head of a pull request gets: a status, in the comment what it would allow, a request for a review. */
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
  await tellVerdict(bot, pull, verdict);
  if (pull.author !== operator && !pull.reviewers.includes(operator))
    await bot.requestReview(agentsRepo, pull.number, [operator]);
}

/** In one comment, so that what it says is of the newest head, wherever it stands. */
async function tellVerdict(bot: Bot, { number, head }: Pull, verdict: Verdict): Promise<void> {
  const wanted = verdictComment(head, verdict);
  // Anybody can write the marker: only the bot's own says that it is posted.
  const posted = (await bot.listComments(agentsRepo, number)).findLast(
    ({ user, body }) => user === botName && body.includes(verdictMarker),
  );
  if (!posted) return bot.postComment(agentsRepo, number, wanted);
  if (posted.body.trim() !== wanted.trim()) await bot.editComment(agentsRepo, posted.id, wanted);
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
