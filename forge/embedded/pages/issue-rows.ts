/** Rows of issues and pull requests, for the lists of a repository and the front page. */

import { isAtLeast } from "../domain/access-level.ts";
import { commentCount } from "../domain/comments.ts";
import { assigneesOf, type Issue } from "../domain/issues.ts";
import { labelsOfIssue } from "../domain/labels.ts";
import { accessOf, visibleRepos } from "../domain/permissions.ts";
import { type Repo, requireRepo } from "../domain/repos.ts";
import { requireUser, type User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { type Html, html } from "./html.ts";
import { ago, avatar, counted, labelTag } from "./parts.ts";
import { issuePath, repoPath } from "./paths.ts";
import { threadSign, threadStateOf } from "./thread-state.ts";

/** The repositories of which somebody may see the issues, and those of which it may see the pull requests. */
export function readableIn(forge: Forge, user: User, repos: readonly Repo[] = visibleRepos(forge.db, user)) {
  const accesses = repos.map((repo) => ({ id: repo.id, access: accessOf(forge.db, user, repo) }));
  const readable = (unit: "issues" | "pulls") =>
    accesses.filter(({ access }) => isAtLeast(access[unit], "read")).map(({ id }) => id);
  return { issues: readable("issues"), pulls: readable("pulls") };
}

/** @param options.withRepo names the repository in each row, where rows of several stand together */
export function issueRows(forge: Forge, issues: readonly Issue[], options: { withRepo: boolean }): Html {
  return html`<ul class="rows">${issues.map((issue) => issueRow(forge, issue, options.withRepo))}</ul>`;
}

function issueRow(forge: Forge, issue: Issue, withRepo: boolean): Html {
  const repo = requireRepo(forge.db, issue.repo_id);
  const author = requireUser(forge.db, issue.author_id);
  const comments = commentCount(forge.db, issue.id);
  const assignees = assigneesOf(forge.db, issue.id);
  return html`<li class="row">
${threadSign(threadStateOf(forge.db, issue), issue.is_pull === 1)}
<div class="row-text"><p class="row-title"><a href="${issuePath(repo, issue)}">${issue.title}</a> ${labelsOfIssue(forge.db, issue.id).map(labelTag)}</p>
<p class="row-hint">${withRepo && html`<a href="${repoPath(repo)}">${repo.owner_name}/${repo.name}</a> `}#${issue.number} opened ${ago(issue.created_at, forge.now())} by ${author.name}${assignees.length > 0 && html`, assigned to ${assignees.map((user) => user.name).join(", ")}`}${comments > 0 && html` · ${counted(comments, "comment")}`}</p></div>
${avatar(author.name, 24)}
</li>`;
}
