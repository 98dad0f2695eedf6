/** Who may have been meant by a name that nobody has. */

const mostEdits = 2;
const mostNames = 3;

/** Up to three names that differ from the wrong one by two letters at most, nearest first. */
export function nearNames(wrong: string, names: readonly string[]): string[] {
  return names
    .filter((name) => Math.abs(name.length - wrong.length) <= mostEdits)
    .map((name) => ({ name, edits: editsBetween(wrong.toLowerCase(), name) }))
    .filter(({ name, edits }) => edits <= mostEdits && edits < name.length)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, mostNames)
    .map(({ name }) => name);
}

/** How many letters have to be put in, left out, replaced, or swapped with their neighbour (the Damerau-Levenshtein distance). */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
