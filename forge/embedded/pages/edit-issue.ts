/** The page on which an issue or a pull request is changed: title and text, labels, assignees. */
import { z } from "zod";
import { isAtLeast } from "../domain/access-level.ts";
import {
  assignable,
  assignableIn,
  changeIssueText,
  demandEditor,
  replaceLabels,
  setAssignees,
} from "../domain/edit-issue.ts";
import { assigneesOf, type Issue } from "../domain/issues.ts";
import { labelsOfIssue, usableLabels } from "../domain/labels.ts";
import { refuseArchived, unitOf } from "../domain/permissions.ts";
import { Refusal } from "../domain/refusal.ts";
import { textVersion, tickedText } from "./boxes.ts";
import { assigneeBoxes, formIds, formList, formText, labelBoxes, textField } from "./form-fields.ts";
import { type Html, html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { refusedNote } from "./parts.ts";
import { editPath, issuePath } from "./paths.ts";
import { sentenceOf } from "./problem.ts";
import { type IssueVisit, visitIssue } from "./repo-visit.ts";
import type { GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

/** @throws Refusal 403 for who may change nothing here, 423 in an archive */
export function editIssuePage(visit: Visit, refused?: RefusedForm): Page {
  const { forge, user } = visit;
  const at = visitIssue(visit);
  const { repo, access, issue } = at;
  refuseArchived(repo);
  demandEditor(user, issue, access);
  const noun = issue.is_pull ? "pull request" : "issue";
  const content = html`${repoHeader(forge, repo, access, unitOf(issue) === "pulls" ? "pulls" : "issues")}
<section class="card comment-form" aria-labelledby="edit-title">
<header><h1 id="edit-title">Edit ${noun} <span class="dim">#${issue.number}</span></h1></header>
${refusedNote(refused?.sentence)}
<form method="post" action="${editPath(repo, issue)}" class="stack">
<input type="hidden" name="version" value="${textVersion(issue)}">
<label for="title">Title</label>
<input id="title" name="title" required maxlength="255" value="${refused?.typed["title"] ?? issue.title}">
<label for="text">Text</label>
${textField("text", refused?.typed["content"] ?? issue.body, { rows: 12 })}
${mayDress(at) && dressFields(visit, at)}
<div class="buttons"><a class="button" href="${issuePath(repo, issue)}">Cancel</a> <button class="primary">Save</button></div>
</form>
</section>`;
  return { title: `Edit · ${issue.title} · #${issue.number}`, content, ...(refused && { status: refused.status }) };
}

/** Labels and assignees are a writer's to set. */
const mayDress = ({ access, issue }: IssueVisit): boolean => isAtLeast(access[unitOf(issue)], "write");

/** What was ticked is sent too, so that what somebody else has changed meanwhile stays as it is. */
function dressFields({ forge }: Visit, { repo, issue }: IssueVisit): Html {
  const labels = labelsOfIssue(forge.db, issue.id);
  const assignees = assigneesOf(forge.db, issue.id);
  const people = assignableIn(forge, repo);
  const isAssigned = (id: number) => assignees.some((user) => user.id === id);
  return html`${labels.map((label) => html`<input type="hidden" name="shown_label" value="${label.id}">`)}${assignees.map((user) => html`<input type="hidden" name="shown_assignee" value="${user.name}">`)}
${labelBoxes(usableLabels(forge.db, repo), (label) => labels.some((present) => present.id === label.id))}
${assigneeBoxes(people, (user) => isAssigned(user.id))}`;
}

const EditForm = z.object({
  version: z.string(),
  title: z.string().default(""),
  content: formText,
  label: formIds,
  shown_label: formIds,
  assignee: formList,
  shown_assignee: formList,
});
type EditForm = z.output<typeof EditForm>;

export function postEditIssue(visit: Posted): Page | GoTo {
  const { forge, user } = visit;
  const at = visitIssue(visit);
  const { repo, access, issue } = at;
  const form = EditForm.parse(visit.form);
  try {
    refuseArchived(repo);
    demandEditor(user, issue, access);
    forge.db.write(() => {
      changeText(visit, issue, form);
      if (mayDress(at)) dress(visit, at, form);
    });
    return { goTo: issuePath(repo, issue) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const typed = { title: form.title, content: form.content };
    return editIssuePage(visit, { status: error.status, sentence: sentenceOf(error), typed });
  }
}

/** @throws Refusal 403 for who may change nothing here, 409 when the text was changed meanwhile, 423 in an archive */
export function postBoxes({ forge, user, ...visit }: Posted): GoTo {
  const { repo, access, issue } = visitIssue({ forge, user, ...visit });
  refuseArchived(repo);
  demandEditor(user, issue, access);
  const body = tickedText(visit.form, issue.body, textVersion(issue));
  if (body !== issue.body) changeIssueText(forge, user, issue, { title: issue.title, body });
  return { goTo: issuePath(repo, issue) };
}

/** @throws Refusal 409 when it was changed since the page was made, 422 without a title */
function changeText({ forge, user }: Posted, issue: Issue, { version, title, content }: EditForm): void {
  if (title.trim() === "") throw new Refusal(422, "It needs a title.");
  const isSame = title === issue.title && content === issue.body.replaceAll("\r\n", "\n");
  if (isSame) return;
  if (version !== textVersion(issue))
    throw new Refusal(
      409,
      "Title or text were changed since this page was opened, so nothing was saved. What you typed is still here: compare it with the text as it is now, and save again.",
    );
  changeIssueText(forge, user, issue, { title, body: content });
}

/** A label that was ticked comes last: an exclusive one then drives out the one that was there before. */
function dress({ forge, user }: Posted, { repo, issue }: IssueVisit, form: EditForm): void {
  const stay = <Key>(present: Key[], shown: Key[], ticked: Key[]) =>
    present.filter((key) => ticked.includes(key) || !shown.includes(key));
  const ids = labelsOfIssue(forge.db, issue.id).map(({ id }) => id);
  const wanted = [...new Set([...stay(ids, form.shown_label, form.label), ...newOf(form.label, form.shown_label)])];
  const usable = usableLabels(forge.db, repo);
  const labels = wanted.flatMap((id) => usable.find((label) => label.id === id) ?? []);
  replaceLabels(forge, user, issue, labels);
  const names = assigneesOf(forge.db, issue.id).map(({ name }) => name);
  const people = [...stay(names, form.shown_assignee, form.assignee), ...newOf(form.assignee, form.shown_assignee)];
  setAssignees(forge, user, issue, assignable(forge, issue, [...new Set(people)]));
}

const newOf = <Key>(ticked: Key[], shown: Key[]): Key[] => ticked.filter((key) => !shown.includes(key));
