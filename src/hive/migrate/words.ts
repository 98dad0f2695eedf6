/** What is told in words, since no API sets it: who wrote when, and what a review said. */
import type { Comment, Item, Review } from "./source.ts";

/** "2026-11-01 12:00 UTC" */
const timeText = (at: string): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;

const nameOf = (user: string | null): string => user ?? "A user who is no more";

/** At the end: what a program reads stands at the beginning of a text. */
const withNote = (text: string, note: string): string => `${text.trimEnd()}\n\n_${note}_\n`.trimStart();

export function itemText({ user, body, created_at, closed_at, pull }: Item): string {
  const made = `${nameOf(user)} wrote this on ${timeText(created_at)}.`;
  const { merged_at = null, merged_by = null } = pull ?? {};
  const end = merged_at
    ? ` ${nameOf(merged_by)} merged it on ${timeText(merged_at)}.`
    : closed_at
      ? ` It was closed on ${timeText(closed_at)}.`
      : "";
  return withNote(body, `${made}${end}`);
}

export const commentText = ({ user, body, created_at }: Comment): string =>
  withNote(body, `${nameOf(user)} wrote this on ${timeText(created_at)}.`);

const verdicts: Record<string, string> = {
  APPROVED: "approved",
  REQUEST_CHANGES: "asked for changes of",
  COMMENT: "commented on",
};

/** Reviews that somebody gave, and nobody has taken back before they were seen. */
export const isGiven = ({ state }: Review): boolean => state in verdicts;

export function reviewText(review: Review): string {
  const { user, state, body, commit_id, dismissed, submitted_at, remarks } = review;
  const deed = `${nameOf(user)} ${verdicts[state]} ${commit_id.slice(0, 10)} on ${timeText(submitted_at)}`;
  const places = remarks.map(({ path, position, original_position, body: text }) => {
    const line = position > 0 ? `line ${position}` : `line ${original_position} of the old file`;
    return `\`${path}\`, ${line}:\n\n${text}`;
  });
  return withNote([body, ...places].join("\n\n"), `${deed}${dismissed ? "; this was dismissed" : ""}.`);
}

/** In the place of a pull request that the new forge does not take. */
export const lostPullText = (item: Item, why: string): string =>
  withNote(
    itemText(item),
    `This was a pull request from ${item.pull?.head.sha.slice(0, 10)} into ${item.pull?.base.ref}, which could not be made again: ${why}`,
  );
