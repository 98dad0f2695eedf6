/** A long thread is shown a page at a time, oldest entries first; each entry stays on its page. */
import type { Database } from "../database/open.ts";
import { type Comment, entryCount, positionOf } from "../domain/comments.ts";
import type { Issue } from "../domain/issues.ts";
import type { Repo } from "../domain/repos.ts";
import { type Html, html } from "./html.ts";
import { issuePath } from "./paths.ts";
import { visitComment } from "./repo-visit.ts";
import type { GoTo, Visit } from "./visit.ts";

/** Ten thousand comments in one page would hold the whole forge up for seconds, and the reader's browser too. */
const PAGE_SIZE = 200;

export interface ThreadPage {
  page: number;
  pages: number;
  shown: Comment[];
}

/** @param wanted as asked for; what names no page is the newest */
export function threadPage(entries: readonly Comment[], wanted: string | undefined): ThreadPage {
  const pages = pagesOf(entries.length);
  const page = Math.max(1, Math.min(pages, Number.parseInt(wanted ?? "", 10) || pages));
  return { page, pages, shown: entries.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE) };
}

const pagesOf = (entries: number): number => Math.max(1, Math.ceil(entries / PAGE_SIZE));
const pageAt = (position: number): number => Math.floor(position / PAGE_SIZE) + 1;

export const anchorOf = (entryId: number): string => `issuecomment-${entryId}`;

/** Where an entry is shown, wherever its thread is cut. */
export function entryPath(db: Database, repo: Repo, issue: Issue, entry: Comment): string {
  const page = pageAt(positionOf(db, entry));
  const query = page < pagesOf(entryCount(db, issue.id)) ? `?page=${page}` : "";
  return `${issuePath(repo, issue)}${query}#${anchorOf(entry.id)}`;
}

/** A comment's own address, which only needs its number. */
export function goToComment(visit: Visit): GoTo {
  const { repo, issue, comment } = visitComment(visit);
  return { goTo: entryPath(visit.forge.db, repo, issue, comment) };
}

/**
 * An address that names an entry by its fragment alone, as the API gives it, leads to the newest page, for no server sees a
 * fragment. There each entry of the earlier pages has a sign that leads to it, shown only when the address names it.
 */
export function signposts(entries: readonly Comment[], { page, pages }: ThreadPage): Html | false {
  if (page < pages) return false;
  const earlier = entries.slice(0, (pages - 1) * PAGE_SIZE);
  const signs = earlier.map(
    ({ id }, position) =>
      html`<a class="signpost" id="${anchorOf(id)}" href="?page=${pageAt(position)}#${anchorOf(id)}">Go to the comment</a>`,
  );
  return signs.length > 0 && html`${signs}`;
}

export function pager({ page, pages }: ThreadPage): Html | false {
  if (pages < 2) return false;
  const link = (to: number, label: string) => html`<a class="button" href="?page=${to}">${label}</a>`;
  return html`<nav class="pager" aria-label="Pages of this thread">${page > 1 && link(page - 1, "Earlier")}<span>Page ${page} of ${pages}</span>${page < pages && link(page + 1, "Later")}</nav>`;
}
