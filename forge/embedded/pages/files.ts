/** Folders and files of a repository. */
import { isAtLeast } from "../domain/access-level.ts";
import { findRepo } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import { countCommits } from "../git/history.ts";
import { type Commit, entryAt, listTree, readBlob, readCommit, type TreeEntry } from "../git/objects.ts";
import { listRefs } from "../git/refs.ts";
import { fileContent, imageType, isText } from "./file-content.ts";
import { type Html, html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { markdown } from "./markdown.ts";
import { ago, avatar, bytesText, counted } from "./parts.ts";
import { commitPath, type Place, placePath, repoPath } from "./paths.ts";
import { type PlaceVisit, placeNamed, type RepoVisit, visitPlace, visitRepo } from "./repo-visit.ts";
import type { Download, GoTo, Page, Visit } from "./visit.ts";

const MAX_README_BYTES = 512 * 1024;
const MAX_RAW_BYTES = 64 * 1024 * 1024;

/** The top of the default branch; the issues for those who may not read the code. A clone's address leads here too. */
export async function repoPage(visit: Visit): Promise<Page | GoTo> {
  const { owner = "", repo: name = "" } = visit.params;
  const { repo, access } = findRepo(visit.forge.db, visit.user, owner, name.replace(/\.git$/, ""));
  if (name.endsWith(".git")) return { goTo: repoPath(repo) };
  if (!isAtLeast(access.code, "read")) return { goTo: `${repoPath(repo)}/issues` };
  const repoVisit = visitRepo(visit, "code");
  if (repo.is_empty) return emptyPage(visit, repoVisit);
  const at = await placeNamed(visit, repoVisit, { kind: "branch", name: repo.default_branch });
  return folderPage(visit, { ...repoVisit, ...at, path: "" });
}

export const sourcePage =
  (kind: Place["kind"]) =>
  async (visit: Visit): Promise<Page> => {
    const at = await visitPlace(visit, kind);
    const entry = await entryAt(visit.forge.git, at.dir, at.commit, at.path);
    if (!entry) throw notFound();
    return entry.type === "tree" ? folderPage(visit, at) : filePage(visit, at, entry);
  };

/** The bytes of a file. Pictures by their first bytes; all else is text or unknown, whatever its name says. */
export const rawFile =
  (kind: Place["kind"]) =>
  async (visit: Visit): Promise<Download> => {
    const at = await visitPlace(visit, kind);
    const entry = await entryAt(visit.forge.git, at.dir, at.commit, at.path);
    if (entry?.type !== "blob") throw notFound();
    const bytes = await readBlob(visit.forge.git, at.dir, entry.sha, MAX_RAW_BYTES);
    return {
      bytes,
      type: imageType(bytes) ?? (isText(bytes) ? "text/plain; charset=utf-8" : "application/octet-stream"),
    };
  };

async function folderPage(visit: Visit, at: PlaceVisit): Promise<Page> {
  const { forge } = visit;
  const [entries, commit] = await Promise.all([
    listTree(forge.git, at.dir, at.commit, at.path),
    readCommit(forge.git, at.dir, at.commit),
  ]);
  entries.sort(foldersFirst);
  const content = html`${repoHeader(forge, at.repo, at.access, "code")}
<h1 class="sr-only">${at.repo.owner_name}/${at.repo.name}${at.path && `: ${at.path}`}</h1>
${at.path === "" && at.repo.description !== "" && html`<p class="repo-description">${at.repo.description}</p>`}
${await placeBar(visit, at)}
<section class="card" aria-label="Files">
${commitBar(visit, at, commit, await countCommits(forge.git, at.dir, { from: at.commit }))}
<ul class="files">${at.path !== "" && html`<li><a href="${placePath(at.repo, "src", at.place, parentOf(at.path))}" aria-label="Parent folder">..</a></li>`}${entries.map((entry) => entryRow(at, entry))}</ul>
</section>
${await readme(visit, at, entries)}`;
  return { title: placeTitle(at), content };
}

const foldersFirst = (one: TreeEntry, other: TreeEntry): number =>
  Number(other.type === "tree") - Number(one.type === "tree") || (one.path < other.path ? -1 : 1);

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

const FOLDER = html`<path class="fill" d="M1.5 3.5a1 1 0 0 1 1-1h3.2l1.6 2h6.2a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1z"/>`;
const FILE = html`<path d="M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3"/>`;

function entryRow(at: PlaceVisit, entry: TreeEntry): Html {
  const isFolder = entry.type === "tree";
  const sign = html`<svg class="file-sign" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">${isFolder ? FOLDER : FILE}</svg>`;
  const hint =
    entry.mode === "120000"
      ? "symbolic link"
      : entry.type === "blob"
        ? bytesText(entry.size)
        : entry.type === "commit" && "submodule";
  return html`<li class="${entry.type}"><a href="${placePath(at.repo, "src", at.place, entry.path)}">${sign} ${nameOf(entry.path)}${isFolder && "/"}</a>${hint && html`<span class="dim">${hint}</span>`}</li>
`;
}

function commitBar({ forge }: Visit, at: PlaceVisit, commit: Commit, count: number): Html {
  const [subject = ""] = commit.message.split("\n");
  return html`<p class="commit-bar">${avatar(commit.author.name || "?", 20)} <strong>${commit.author.name}</strong> <a class="commit-subject" href="${commitPath(at.repo, commit.sha)}">${subject}</a> <span class="dim">${ago(commit.committer.at, forge.now())}</span> <a class="commit-count" href="${placePath(at.repo, "commits", at.place)}">${counted(count, "commit")}</a></p>`;
}

/** Where in the repository the page is, and how to get elsewhere. */
async function placeBar(visit: Visit, at: PlaceVisit): Promise<Html> {
  const branches = listRefs(at.dir, "refs/heads");
  const tags = listRefs(at.dir, "refs/tags");
  const places: Place[] = [
    ...branches.map(({ ref }): Place => ({ kind: "branch", name: ref.slice("refs/heads/".length) })),
    ...tags.map(({ ref }): Place => ({ kind: "tag", name: ref.slice("refs/tags/".length) })),
  ];
  const name = at.place.kind === "commit" ? at.place.name.slice(0, 10) : at.place.name;
  return html`<div class="place-bar">
<details class="menu"><summary><span class="dim">${at.place.kind}</span> <strong>${name}</strong></summary>
<ul>${places.map((place) => html`<li><a href="${placePath(at.repo, "src", place, at.path)}">${place.name}${place.kind === "tag" && html` <span class="dim">tag</span>`}</a></li>`)}</ul></details>
${breadcrumb(at)}
${cloneMenu(visit, at)}
</div>`;
}

export function breadcrumb(at: PlaceVisit): Html {
  const names = at.path === "" ? [] : at.path.split("/");
  const steps = names.map((name, index) => {
    const href = placePath(at.repo, "src", at.place, names.slice(0, index + 1).join("/"));
    return html` <span aria-hidden="true">/</span> ${index === names.length - 1 ? html`<strong aria-current="page">${name}</strong>` : html`<a href="${href}">${name}</a>`}`;
  });
  const top = html`<a href="${placePath(at.repo, "src", at.place)}">${at.repo.name}</a>`;
  return html`<nav class="breadcrumb" aria-label="Path">${steps.length > 0 && top}${steps}</nav>`;
}

const cloneUrl = ({ forge }: Visit, { repo }: RepoVisit): string => `${forge.url}${repoPath(repo)}.git`;

const cloneMenu = (visit: Visit, at: RepoVisit): Html => html`<details class="menu end"><summary>Clone</summary>
<div class="menu-body"><label for="clone-url">Clone over HTTP</label><input id="clone-url" readonly value="${cloneUrl(visit, at)}"><p class="hint">User name and an access token, or your password.</p></div></details>`;

async function readme({ forge }: Visit, at: PlaceVisit, entries: readonly TreeEntry[]): Promise<Html | false> {
  const isReadme = (entry: TreeEntry) =>
    entry.type === "blob" && /^readme(\.md|\.markdown|\.txt)?$/i.test(nameOf(entry.path));
  const entry = entries.filter(isReadme).sort((one) => (/\.(md|markdown)$/i.test(one.path) ? -1 : 1))[0];
  if (!entry || entry.size > MAX_README_BYTES) return false;
  const text = (await readBlob(forge.git, at.dir, entry.sha)).toString("utf8");
  const file = { place: at.place, folder: at.path };
  const body = /\.(md|markdown)$/i.test(entry.path)
    ? markdown(text, { repo: at.repo, file })
    : html`<pre>${text}</pre>`;
  return html`<section class="card readme" aria-label="${nameOf(entry.path)}"><h2 class="card-title">${nameOf(entry.path)}</h2>${body}</section>`;
}

async function filePage(visit: Visit, at: PlaceVisit, entry: TreeEntry): Promise<Page> {
  const content = html`${repoHeader(visit.forge, at.repo, at.access, "code")}
${await placeBar(visit, at)}
<h1 class="sr-only">${at.path}</h1>
${await fileContent(visit, at, entry)}`;
  return { title: placeTitle(at), content };
}

const placeTitle = (at: PlaceVisit): string => `${at.path ? `${at.path} · ` : ""}${at.repo.owner_name}/${at.repo.name}`;

function emptyPage(visit: Visit, at: RepoVisit): Page {
  const content = html`${repoHeader(visit.forge, at.repo, at.access, "code")}
<section class="card"><h1>This repository is empty</h1>
<p>Push a first commit to it:</p>
<pre><code>git remote add origin ${cloneUrl(visit, at)}
git push -u origin HEAD:${at.repo.default_branch}</code></pre></section>`;
  return { title: `${at.repo.owner_name}/${at.repo.name}`, content };
}
