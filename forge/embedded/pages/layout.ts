/** The frame of every page: head, top bar, content, footer. */

import { isAtLeast } from "../domain/access-level.ts";
import type { Access } from "../domain/permissions.ts";
import { openCounts, type Repo } from "../domain/repos.ts";
import type { User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { styleHref } from "./assets.ts";
import { type Html, html } from "./html.ts";
import { avatar } from "./parts.ts";
import { ownerPath, repoPath } from "./paths.ts";
import type { Page } from "./visit.ts";

/** @param user null before signing in */
export function documentOf(page: Page, user: User | null): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Hyperhive forge</title>
<link rel="stylesheet" href="${styleHref}">
<link rel="icon" type="image/svg+xml" href="/assets/icon.svg">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header class="top"><div class="wide">
<a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="22" height="22"> <span>Hyperhive<span class="brand-more"> forge</span></span></a>
${user && userMenu(user)}
</div></header>
<main id="content" class="wide">
${page.content}
</main>
<footer><div class="wide"><p>This is the trial forge that comes with the hive. To keep what is here, stop the hive and run <code>hive forge migrate</code>: it moves all of it to a Forgejo.</p></div></footer>
</body>
</html>
`.text;
}

const userMenu = (user: User): Html => html`<nav class="user" aria-label="User">
<a href="/explore/users">People</a>
<a class="who" href="${ownerPath(user.name)}">${avatar(user.name, 22)} <span class="who-name">${user.name}</span></a>
<form method="post" action="/user/logout"><button class="quiet">Sign out</button></form>
</nav>`;

export type RepoTab = "code" | "issues" | "pulls";

/** Name, badges and tabs of a repository, above every page of it. */
export function repoHeader(forge: Forge, repo: Repo, access: Access, tab: RepoTab): Html {
  const open = openCounts(forge.db, repo);
  const base = repoPath(repo);
  const tabs = [
    { name: "code", label: "Code", href: base, level: access.code, count: 0 },
    { name: "issues", label: "Issues", href: `${base}/issues`, level: access.issues, count: open.issues },
    { name: "pulls", label: "Pull requests", href: `${base}/pulls`, level: access.pulls, count: open.pulls },
  ].filter(({ level }) => isAtLeast(level, "read"));
  return html`<div class="repo-header">
<p class="repo-name"><a href="${ownerPath(repo.owner_name)}">${repo.owner_name}</a> <span aria-hidden="true">/</span> <a href="${base}"><strong>${repo.name}</strong></a> ${repo.is_private === 1 && html`<span class="tag">Private</span>`}${repo.is_archived === 1 && html` <span class="tag">Archived</span>`}</p>
<nav class="tabs" aria-label="Repository">${tabs.map(
    (one) =>
      html`<a href="${one.href}"${one.name === tab && html` aria-current="page"`}>${one.label}${one.count > 0 && html` <span class="count">${one.count}</span>`}</a>`,
  )}</nav>
</div>`;
}
