/** Whether a thread is open, closed or merged, and how that is shown. */
import type { Database } from "../database/open.ts";
import type { Issue, IssueState } from "../domain/issues.ts";
import { pullOf } from "../domain/pulls.ts";
import { type Html, html } from "./html.ts";

export type ThreadState = IssueState | "merged";
const NAMES: Record<ThreadState, string> = { open: "Open", closed: "Closed", merged: "Merged" };

export const threadStateOf = (db: Database, issue: Issue): ThreadState =>
  issue.is_pull && pullOf(db, issue.id).merged_at !== null ? "merged" : issue.state;

export const stateTag = (state: ThreadState): Html => html`<span class="state ${state}">${NAMES[state]}</span>`;

const CIRCLE = html`<circle cx="8" cy="8" r="6.2"/><circle class="fill" cx="8" cy="8" r="1.6"/>`;
const TICK = html`<circle cx="8" cy="8" r="6.2"/><path d="M5.2 8.3l2 2 3.6-4.2"/>`;
const BRANCHES = html`<circle cx="4.2" cy="3.6" r="1.9"/><circle cx="4.2" cy="12.4" r="1.9"/><circle cx="11.8" cy="12.4" r="1.9"/><path d="M4.2 5.5v5M11.8 10.5V6.2a2 2 0 0 0-2-2H8"/>`;

/** The sign before a title in a list; its name is read out. */
export function threadSign(state: ThreadState, isPull: boolean): Html {
  const shape = isPull ? BRANCHES : state === "open" ? CIRCLE : TICK;
  return html`<svg class="thread-sign ${state}" width="18" height="18" viewBox="0 0 16 16" role="img" aria-label="${NAMES[state]} ${isPull ? "pull request" : "issue"}">${shape}</svg>`;
}
