/** What stands above and beside a thread: its title, labels, assignees, and the way to change them. */
import { isAtLeast } from "../domain/access-level.ts";
import { mayEdit } from "../domain/edit-issue.ts";
import { assigneesOf } from "../domain/issues.ts";
import { labelsOfIssue } from "../domain/labels.ts";
import { unitOf } from "../domain/permissions.ts";
import { type Html, html, type Part } from "./html.ts";
import { avatar, labelTag, person } from "./parts.ts";
import { editPath } from "./paths.ts";
import type { IssueVisit } from "./repo-visit.ts";
import type { Visit } from "./visit.ts";

export function threadTitle({ user }: Visit, { repo, access, issue }: IssueVisit): Html {
  const mayChange = !repo.is_archived && mayEdit(user, issue, access);
  return html`<div class="thread-title"><h1>${issue.title} <span class="dim">#${issue.number}</span></h1>${mayChange && html`<a class="button" href="${editPath(repo, issue)}">Edit</a>`}</div>`;
}

export function labelsAndAssignees({ forge }: Visit, { repo, access, issue }: IssueVisit): Html {
  const labels = labelsOfIssue(forge.db, issue.id).map(labelTag);
  const assignees = assigneesOf(forge.db, issue.id).map(
    (user) => html`<li>${avatar(user.name, 20)} ${person(user.name)}</li>`,
  );
  const mayChange = !repo.is_archived && isAtLeast(access[unitOf(issue)], "write");
  const change = (field: string) => (mayChange ? `${editPath(repo, issue)}#${field}` : undefined);
  return html`${sideBlock("Labels", labels.length > 0 && html`<p class="labels">${labels}</p>`, change("labels"))}
${sideBlock("Assignees", assignees.length > 0 && html`<ul class="plain">${assignees}</ul>`, change("assignees"))}`;
}

/** @param changeHref where the visitor may change it */
export const sideBlock = (title: string, content: Part, changeHref?: string): Html =>
  html`<section><h2>${title}${changeHref && html` <a class="change" href="${changeHref}" aria-label="Change ${title.toLowerCase()}">Change</a>`}</h2>${content || html`<p class="dim">None</p>`}</section>`;
