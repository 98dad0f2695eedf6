/** Who may have been meant by a name that nobody has. */
import { distance } from "fastest-levenshtein";

const mostEdits = 2;
const mostNames = 3;

/** A question to put behind a sentence about a wrong name; empty when no name is near. */
export function didYouMean(wrong: string, names: readonly string[]): string {
  const near = nearNames(wrong, [...new Set(names)]);
  return near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
}

/** Up to three names that become the wrong one by two edits of a letter at most, nearest first. */
function nearNames(wrong: string, names: readonly string[]): string[] {
  return names
    .filter((name) => Math.abs(name.length - wrong.length) <= mostEdits)
    .map((name) => ({ name, edits: distance(wrong.toLowerCase(), name) }))
    .filter(({ name, edits }) => edits <= mostEdits && edits < name.length)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, mostNames)
    .map(({ name }) => name);
}
