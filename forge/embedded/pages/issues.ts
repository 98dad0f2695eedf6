/** The lists of a repository: its issues, its pull requests. */
import { isAtLeast } from "../domain/access-level.ts";
import { type IssueFilter, searchIssues } from "../domain/issue-search.ts";
import { type Access, demand, findRepo } from "../domain/permissions.ts";
import type { Repo } from "../domain/repos.ts";
import { type Html, html } from "./html.ts";
import { issueRows, readableIn } from "./issue-rows.ts";
import { repoHeader } from "./layout.ts";
import { repoPath } from "./paths.ts";
import type { Page, Visit } from "./visit.ts";

const PAGE_SIZE = 30;

export const issueListPage = (visit: Visit): Page => listPage(visit, "issues");
export const pullListPage = (visit: Visit): Page => listPage(visit, "pulls");

function listPage(visit: Visit, kind: "issues" | "pulls"): Page {
  const { forge, user, params, query } = visit;
  const { repo, access } = findRepo(forge.db, user, params["owner"] ?? "", params["repo"] ?? "");
  demand(access, kind, "read");
  const readable = readableIn(forge, user, [repo]);
  const filter: IssueFilter = {
    repos: { issues: [], pulls: [], [kind]: readable[kind] },
    state: query["state"] === "closed" ? "closed" : "open",
    text: query["q"]?.slice(0, 200) || undefined,
    labels: query["label"] ? [query["label"].slice(0, 255)] : [],
  };
  const page = Math.max(1, Math.min(10_000, Number.parseInt(query["page"] ?? "1", 10) || 1));
  const { rows, total } = searchIssues(forge.db, filter, { page, limit: PAGE_SIZE });
  const noun = kind === "issues" ? "issues" : "pull requests";
  const title = kind === "issues" ? "Issues" : "Pull requests";
  const base = `${repoPath(repo)}/${kind}`;
  const content = html`${repoHeader(forge, repo, access, kind)}
<h1 class="sr-only">${title}</h1>
<div class="list-bar">${stateTabs(visit, base, filter, noun)}${searchForm(base, filter)}${newButton(kind, repo, access)}</div>
<section class="card" aria-label="${title}">
${rows.length === 0 ? html`<p class="empty">There are no ${filter.state} ${noun}${(filter.text || query["label"]) && " that match"}.</p>` : issueRows(forge, rows, { withRepo: false })}
</section>
${pager(base, filter, page, Math.ceil(total / PAGE_SIZE))}`;
  return { title: `${title} · ${repo.owner_name}/${repo.name}`, content };
}

/** A pull request comes from a branch, which only who may read the code can choose. */
function newButton(kind: "issues" | "pulls", repo: Repo, access: Access): Html | false {
  if (kind === "issues") return html`<a class="button primary" href="${repoPath(repo)}/issues/new">New issue</a>`;
  const mayChoose = isAtLeast(access.code, "read");
  return mayChoose && html`<a class="button primary" href="${repoPath(repo)}/compare">New pull request</a>`;
}

function stateTabs({ forge }: Visit, base: string, filter: IssueFilter, noun: string): Html {
  const tabs = (["open", "closed"] as const).map((state) => {
    const { total } = searchIssues(forge.db, { ...filter, state }, { page: 1, limit: 1 });
    const label = state === "open" ? "Open" : "Closed";
    return html`<a href="${listHref(base, { ...filter, state })}"${filter.state === state && html` aria-current="page"`}>${label} <span class="count">${total}</span></a>`;
  });
  return html`<nav class="pills" aria-label="State of the ${noun}">${tabs}</nav>`;
}

const searchForm = (
  base: string,
  filter: IssueFilter,
): Html => html`<form class="search" method="get" action="${base}" role="search">
<input type="hidden" name="state" value="${filter.state}">
<label class="sr-only" for="q">Search in titles and texts</label>
<input id="q" name="q" type="search" placeholder="Search in titles and texts" value="${filter.text ?? ""}">
<button>Search</button>
</form>`;

function pager(base: string, filter: IssueFilter, page: number, pages: number): Html | false {
  if (pages < 2) return false;
  const link = (to: number, label: string) => html`<a class="button" href="${listHref(base, filter, to)}">${label}</a>`;
  return html`<nav class="pager" aria-label="Pages">${page > 1 && link(page - 1, "Newer")}<span>Page ${page} of ${pages}</span>${page < pages && link(page + 1, "Older")}</nav>`;
}

function listHref(base: string, filter: IssueFilter, page = 1): string {
  const query = new URLSearchParams({ state: filter.state ?? "open" });
  if (filter.text) query.set("q", filter.text);
  if (filter.labels?.[0]) query.set("label", filter.labels[0]);
  if (page > 1) query.set("page", String(page));
  return `${base}?${query}`;
}
