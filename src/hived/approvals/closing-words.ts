/** Words by which a forge closes or reopens issues when a commit reaches `main`: with the authority of who pushes, so the bot's. */

/** Forgejo's own list (repository.pull-request CLOSE_KEYWORDS, REOPEN_KEYWORDS), before an issue's number or its address. */
const closing =
  /(?<!\w)(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|reopen(?:s|ed)?):?\s+\S*(?:[#!]|\/(?:issues|pulls)\/)\d+/iu;

/** What is wrong with a commit's message; null when it moves no issue. */
export function closingProblem(message: string): string | null {
  const found = closing.exec(message)?.[0].replace(/\s+/g, " ");
  if (found === undefined) return null;
  return `A commit message says “${found}”, which would have the merge do that to the issue: write it without that verb before the number.`;
}
