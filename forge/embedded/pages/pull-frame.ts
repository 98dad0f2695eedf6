/** What the three pages of a pull request have in common: its rows, its title, its tabs. */

import { findPull, type Pull } from "../domain/pulls.ts";
import { notFound } from "../domain/refusal.ts";
import { requireUser } from "../domain/users.ts";
import { countCommits } from "../git/history.ts";
import { type Html, html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { counted, person } from "./parts.ts";
import { issuePath, placePath } from "./paths.ts";
import { type IssueVisit, visitIssue } from "./repo-visit.ts";
import { threadTitle } from "./thread-side.ts";
import { stateTag, threadStateOf } from "./thread-state.ts";
import type { Visit } from "./visit.ts";

export interface PullVisit extends IssueVisit {
  pull: Pull;
}

/** @throws Refusal 404 also without the right to read the code */
export function visitPull(visit: Visit): PullVisit {
  const at = visitIssue(visit);
  if (!at.issue.is_pull) throw notFound();
  return { ...at, ...findPull(visit.forge.db, at.repo, at.access, at.issue.number) };
}

/** The commits that the pull request brings: since the common ancestor with its base. */
export const rangeOf = ({ pull }: PullVisit) => ({
  from: pull.head_sha,
  not: pull.merge_base ? [pull.merge_base] : [],
});

export type PullTab = "conversation" | "commits" | "files";

export async function pullHeader(visit: Visit, at: PullVisit, tab: PullTab): Promise<Html> {
  const { forge } = visit;
  const { repo, access, issue, pull, dir } = at;
  const state = threadStateOf(forge.db, issue);
  const commits = await countCommits(forge.git, dir, rangeOf(at));
  const author = requireUser(forge.db, issue.author_id).name;
  const path = issuePath(repo, issue);
  const tabs: { name: PullTab; label: string; href: string; count?: number }[] = [
    { name: "conversation", label: "Conversation", href: path },
    { name: "commits", label: "Commits", href: `${path}/commits`, count: commits },
    { name: "files", label: "Files changed", href: `${path}/files`, count: pull.changed_files },
  ];
  const does = { open: "wants to merge", merged: "merged", closed: "wanted to merge" }[state];
  const who = state === "merged" && pull.merged_by !== null ? requireUser(forge.db, pull.merged_by).name : author;
  return html`${repoHeader(forge, repo, access, "pulls")}
<header class="thread-header">${threadTitle(visit, at)}
<p>${stateTag(state)} ${person(who)} ${does} ${counted(commits, "commit")} into <a href="${placePath(repo, "src", { kind: "branch", name: pull.base_branch })}"><code>${pull.base_branch}</code></a> from <code>${pull.head_branch}</code></p></header>
<nav class="tabs pull-tabs" aria-label="Pull request">${tabs.map(
    (one) =>
      html`<a href="${one.href}"${one.name === tab && html` aria-current="page"`}>${one.label}${one.count !== undefined && html` <span class="count">${one.count}</span>`}</a>`,
  )}</nav>`;
}
