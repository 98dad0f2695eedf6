/** One line of a table for a terminal, cut to a length: what others wrote must not steer it. */
export function oneLine(text: string, mostCharacters: number): string {
  const line = text.trim().replace(/\p{Cc}+/gu, " ");
  return line.length <= mostCharacters ? line : `${line.slice(0, mostCharacters - 1)}…`;
}
