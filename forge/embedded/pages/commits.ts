/** The history of a branch, a folder or a file, and single commits. */
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { diffText } from "../git/diff.ts";
import { listCommits } from "../git/history.ts";
import { type Commit, EMPTY_TREE, readCommit } from "../git/objects.ts";
import { parsePatch } from "./diff.ts";
import { diffBar, diffIndex, diffView } from "./diff-view.ts";
import { breadcrumb } from "./files.ts";
import { type Html, html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { ago, avatar } from "./parts.ts";
import { commitPath, type Place, placePath } from "./paths.ts";
import { placeNamed, visitPlace, visitRepo } from "./repo-visit.ts";
import type { Page, Visit } from "./visit.ts";

const PAGE_SIZE = 30;

export const commitListPage =
  (kind: Place["kind"]) =>
  async (visit: Visit): Promise<Page> => {
    const { forge, query } = visit;
    const at = await visitPlace(visit, kind);
    const page = Math.max(1, Math.min(100_000, Number.parseInt(query["page"] ?? "1", 10) || 1));
    const range = { from: at.commit, path: at.path, skip: (page - 1) * PAGE_SIZE, limit: PAGE_SIZE + 1 };
    const commits = await listCommits(forge.git, at.dir, range);
    if (commits.length === 0 && page === 1) throw notFound();
    const base = placePath(at.repo, "commits", at.place, at.path);
    const content = html`${repoHeader(forge, at.repo, at.access, "code")}
<h1>Commits on ${at.place.kind === "commit" ? at.place.name.slice(0, 10) : at.place.name}</h1>
${at.path !== "" && breadcrumb(at)}
<section class="card" aria-label="Commits">${commitRows(at.repo, commits.slice(0, PAGE_SIZE), forge.now())}</section>
<nav class="pager" aria-label="Pages">${page > 1 && html`<a class="button" href="${base}?page=${page - 1}">Newer</a>`}${commits.length > PAGE_SIZE && html`<a class="button" href="${base}?page=${page + 1}">Older</a>`}</nav>`;
    return { title: `Commits · ${at.repo.owner_name}/${at.repo.name}`, content };
  };

/** @param now in milliseconds since 1970 */
export const commitRows = (repo: Pick<Repo, "owner_name" | "name">, commits: readonly Commit[], now: number): Html =>
  html`<ul class="rows">${commits.map((commit) => commitRow(repo, commit, now))}</ul>`;

function commitRow(repo: Pick<Repo, "owner_name" | "name">, commit: Commit, now: number): Html {
  const href = commitPath(repo, commit.sha);
  return html`<li class="row">
${avatar(commit.author.name || "?", 24)}
<div class="row-text"><p class="row-title"><a href="${href}">${subjectOf(commit)}</a></p>
<p class="row-hint">${commit.author.name} committed ${ago(commit.committer.at, now)}</p></div>
<a class="sha" href="${href}">${commit.sha.slice(0, 10)}</a>
</li>`;
}

const subjectOf = (commit: Commit): string => commit.message.split("\n")[0] || "(no message)";

export async function commitPage(visit: Visit): Promise<Page> {
  const { forge, params } = visit;
  const at = visitRepo(visit, "code");
  const { commit: sha } = await placeNamed(visit, at, { kind: "commit", name: params["sha"] ?? "" });
  const commit = await readCommit(forge.git, at.dir, sha);
  const files = parsePatch(await diffText(forge.git, at.dir, commit.parents[0] ?? EMPTY_TREE, sha));
  const body = commit.message.split("\n").slice(1).join("\n").trim();
  const place: Place = { kind: "commit", name: sha };
  const content = html`${repoHeader(forge, at.repo, at.access, "code")}
<section class="card commit-card">
<h1>${subjectOf(commit)}</h1>
${body !== "" && html`<pre class="commit-body">${body}</pre>`}
<p class="row-hint">${avatar(commit.author.name || "?", 20)} <strong>${commit.author.name}</strong> committed ${ago(commit.committer.at, forge.now())} · commit <code>${sha}</code>${commit.parents.map((parent) => html` · parent <a class="sha" href="${commitPath(at.repo, parent)}">${parent.slice(0, 10)}</a>`)}</p>
<p><a class="button" href="${placePath(at.repo, "src", place)}">Browse the files at this commit</a></p>
</section>
${diffBar(files, null)}
${diffIndex(files)}
${diffView(files, { fileHref: (file) => (file.change === "removed" ? undefined : placePath(at.repo, "src", place, file.newPath)) })}`;
  return { title: `${subjectOf(commit)} · ${at.repo.owner_name}/${at.repo.name}`, content };
}
