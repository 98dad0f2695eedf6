/** The few lines of a patch that a review comment stands under. */
import { diffText } from "../git/diff.ts";
import type { Git } from "../git/run.ts";

const LINES = 4;

/**
 * The hunk's header and its lines up to the commented one, the last four of them; "" when the line is in no hunk.
 * @param line of the new file; negative: of the old one
 */
export async function diffHunk(
  git: Git,
  dir: string,
  span: { base: string; head: string; path: string; line: number },
) {
  const { base, head, path, line } = span;
  const lines = (await diffText(git, dir, base, head, { path })).split("\n");
  let kept: string[] = [];
  let header = "";
  let [old, now] = [0, 0];
  for (const text of lines) {
    const start = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text);
    if (start) {
      [header, kept] = [text, []];
      [old, now] = [Number(start[1]), Number(start[2])];
    } else if (header !== "" && /^[ +-]/.test(text)) {
      kept.push(text);
      const isFound = line > 0 ? !text.startsWith("-") && now === line : !text.startsWith("+") && old === -line;
      if (isFound) return [header, ...kept.slice(-LINES)].join("\n");
      if (!text.startsWith("+")) old += 1;
      if (!text.startsWith("-")) now += 1;
    }
  }
  return "";
}
