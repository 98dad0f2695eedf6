import { showHidden } from "../contract/hidden-characters.ts";
import type { EpochMs } from "../contract/names.ts";

/** To the second, in UTC as all times of the command line. */
export const timeText = (at: EpochMs): string => new Date(at).toISOString().slice(0, 19).replace("T", " ");

/** One line of a table for a terminal, cut to a length: what others wrote must not steer it. */
export function oneLine(text: string, mostCharacters: number): string {
  const line = showHidden(text.trim().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " "));
  return line.length <= mostCharacters ? line : `${line.slice(0, mostCharacters - 1)}…`;
}
