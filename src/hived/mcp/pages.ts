/** Lists of lines in answers of tools: as many as fit, and where to go on. */
import { Refusal } from "../../contract/refusal.ts";
import { maxAnswerCharacters } from "../broker/limits.ts";

/** A longer line is several, so that each fits. */
const lineCharacters = 2_000;
/** For the sentence at the end. */
const endCharacters = 200;

/**
 * The lines from `offset` on, behind `head`, which stands on each page.
 * @throws Refusal when there are not so many
 */
export function pageOf(head: readonly string[], lines: readonly string[], offset: number): string {
  const all = lines.flatMap(pieces);
  if (offset > 0 && offset >= all.length)
    throw new Refusal("no_such_page", `There are only ${all.length} lines.`, "Begin at offset 0.");
  const shown: string[] = [];
  let room = maxAnswerCharacters - endCharacters - head.join("\n").length;
  for (const line of all.slice(offset)) {
    room -= line.length + 1;
    if (room < 0) break;
    shown.push(line);
  }
  const next = offset + shown.length;
  const rest = next < all.length ? [`(${all.length - next} more lines: call again with offset ${next})`] : [];
  return [...head, ...shown, ...rest].join("\n");
}

const pieces = (line: string): string[] =>
  line.length <= lineCharacters
    ? [line]
    : Array.from({ length: Math.ceil(line.length / lineCharacters) }, (_, index) =>
        line.slice(index * lineCharacters, (index + 1) * lineCharacters),
      );
