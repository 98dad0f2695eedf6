/** Open threads as an agent gets them: one row a line, as many of the oldest as fit, and where to go on. */
import type { EpochMs } from "../../contract/names.ts";
import type { Thread, ThreadPage } from "../../contract/thread.ts";
import { maxAnswerCharacters } from "../broker/limits.ts";

type ThreadReader = { now: EpochMs; forgeUrl: string; offset: number };

/** `totals` counts those that are not shown, too. */
export function threadList({ threads, totals }: ThreadPage, { now, forgeUrl, offset }: ThreadReader): string {
  const lines = threads.map((thread) => JSON.stringify(toThreadRow(thread, now)));
  const all = totals.approval + totals.question + totals.pr;
  const endAfter = (shown: number) => {
    const next = offset + shown;
    const rest = `${all - next} newer ones: call again with offset ${next}, or see ${forgeUrl}/pulls and ${forgeUrl}/issues`;
    return `\n], "totals": ${JSON.stringify(totals)}${next < all ? `, "rest": ${JSON.stringify(rest)}` : ""}}`;
  };
  let room = maxAnswerCharacters - endAfter(0).length - '{"threads": ['.length;
  const fitting = lines.findIndex((line) => {
    room -= line.length + ",\n".length;
    return room < 0;
  });
  const shown = fitting === -1 ? lines.length : fitting;
  return `{"threads": [\n${lines.slice(0, shown).join(",\n")}${endAfter(shown)}`;
}

function toThreadRow({ openedAt, ...thread }: Thread, now: EpochMs) {
  return { ...thread, age_seconds: Math.floor((now - openedAt) / 1000) };
}
