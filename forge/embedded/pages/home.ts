/** The front page: what waits for the visitor, what it has under way, and the repositories that it may see. */
import { type IssueFilter, searchIssues } from "../domain/issue-search.ts";
import { visibleRepos } from "../domain/permissions.ts";
import type { Repo } from "../domain/repos.ts";
import { type Html, html } from "./html.ts";
import { issueRows, readableIn } from "./issue-rows.ts";
import { ago } from "./parts.ts";
import { repoPath } from "./paths.ts";
import type { Page, Visit } from "./visit.ts";

const ROWS = 20;

export function homePage(visit: Visit): Page {
  const { forge, user } = visit;
  const repos = visibleRepos(forge.db, user);
  const readable = readableIn(forge, user, repos);
  const anyIssue = { issues: readable.issues, pulls: [] };
  const anyPull = { issues: [], pulls: readable.pulls };
  const content = html`<h1 class="sr-only">Front page</h1>
<div class="columns">
<div class="main-column">
${list(visit, "Waiting for your review", { repos: anyPull, reviewRequestedOf: user.id }, "No pull request waits for your review.")}
${list(visit, "Assigned to you", { repos: readable, assignee: user.id }, "Nothing is assigned to you.")}
${list(visit, "Your pull requests", { repos: anyPull, author: user.id })}
${list(visit, "Your issues", { repos: anyIssue, author: user.id })}
</div>
<aside class="side-column" aria-label="Repositories"><section class="card">
<h2>Repositories</h2>
${repoList(visit, repos)}
</section></aside>
</div>`;
  return { title: "Front page", content };
}

/** Open ones only. Without `empty` the list is left out when it has no rows. */
function list({ forge }: Visit, title: string, filter: IssueFilter, empty?: string): Html | false {
  const query: IssueFilter = { ...filter, state: "open", sort: "recentupdate" };
  const { rows, total } = searchIssues(forge.db, query, { page: 1, limit: ROWS });
  if (total === 0 && empty === undefined) return false;
  return html`<section class="card">
<h2>${title} ${total > 0 && html`<span class="count">${total}</span>`}</h2>
${total === 0 ? html`<p class="empty">${empty}</p>` : issueRows(forge, rows, { withRepo: true })}
${total > ROWS && html`<p class="empty">The ${ROWS} that changed last are shown.</p>`}
</section>`;
}

export const repoList = (visit: Visit, repos: readonly Repo[]): Html =>
  repos.length === 0
    ? html`<p class="empty">There is no repository that you may see.</p>`
    : html`<ul class="plain">${repos.map((repo) => repoRow(visit, repo))}</ul>`;

const repoRow = ({ forge }: Visit, repo: Repo): Html => html`<li class="repo-row">
<a href="${repoPath(repo)}"><span class="dim">${repo.owner_name}/</span><strong>${repo.name}</strong></a>
${repo.description !== "" && html`<p>${repo.description}</p>`}
<p class="row-hint">changed ${ago(repo.updated_at, forge.now())}</p>
</li>`;
