/** What stands beside a thread: labels, assignees. */
import { assigneesOf, type Issue } from "../domain/issues.ts";
import { labelsOfIssue } from "../domain/labels.ts";
import type { Forge } from "../forge.ts";
import { type Html, html, type Part } from "./html.ts";
import { avatar, labelTag, person } from "./parts.ts";

export function labelsAndAssignees(forge: Forge, issue: Issue): Html {
  const labels = labelsOfIssue(forge.db, issue.id).map(labelTag);
  const assignees = assigneesOf(forge.db, issue.id).map(
    (user) => html`<li>${avatar(user.name, 20)} ${person(user.name)}</li>`,
  );
  return html`${sideBlock("Labels", labels.length > 0 && html`<p class="labels">${labels}</p>`)}
${sideBlock("Assignees", assignees.length > 0 && html`<ul class="plain">${assignees}</ul>`)}`;
}

export const sideBlock = (title: string, content: Part): Html =>
  html`<section><h2>${title}</h2>${content || html`<p class="dim">None</p>`}</section>`;
