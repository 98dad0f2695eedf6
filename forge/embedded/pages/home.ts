/** The front page: what waits for the visitor, what it has under way, and the repositories that it may see. */
import { type IssueFilter, searchIssues } from "../domain/issue-search.ts";
import { visibleRepos } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { isOwnerVisible, ownerByName } from "../domain/users.ts";
import { type Html, html } from "./html.ts";
import { issueRows, readableIn } from "./issue-rows.ts";
import { ago, avatar } from "./parts.ts";
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
${repos.length === 0 ? html`<p class="empty">There is no repository that you may see.</p>` : html`<ul class="plain">${repos.map((repo) => repoRow(visit, repo))}</ul>`}
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

const repoRow = ({ forge }: Visit, repo: Repo): Html => html`<li class="repo-row">
<a href="${repoPath(repo)}"><span class="dim">${repo.owner_name}/</span><strong>${repo.name}</strong></a>
${repo.description !== "" && html`<p>${repo.description}</p>`}
<p class="row-hint">changed ${ago(repo.updated_at, forge.now())}</p>
</li>`;

/** A user's or an organization's repositories. */
export function ownerPage(visit: Visit): Page {
  const { forge, user, params } = visit;
  const owner = ownerByName(forge.db, params["owner"] ?? "");
  if (!owner || owner.id < 0 || !isOwnerVisible(forge.db, user, owner)) throw notFound();
  const repos = visibleRepos(forge.db, user).filter((repo) => repo.owner_id === owner.id);
  const content = html`<header class="thread-header"><h1>${avatar(owner.name, 32)} ${owner.name}</h1>
<p class="dim">${owner.kind === "org" ? "Organization" : "User"}${owner.full_name && ` · ${owner.full_name}`}${owner.description && ` · ${owner.description}`}</p></header>
<section class="card"><h2>Repositories</h2>
${repos.length === 0 ? html`<p class="empty">There is no repository that you may see.</p>` : html`<ul class="plain">${repos.map((repo) => repoRow(visit, repo))}</ul>`}
</section>`;
  return { title: owner.name, content };
}
