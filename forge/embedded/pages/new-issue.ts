/** The page on which a new issue is written. */
import { z } from "zod";
import { isAtLeast } from "../domain/access-level.ts";
import { assignableIn } from "../domain/edit-issue.ts";
import { usableLabels } from "../domain/labels.ts";
import { openIssue } from "../domain/open-issue.ts";
import { refuseArchived } from "../domain/permissions.ts";
import { Refusal } from "../domain/refusal.ts";
import { assigneeBoxes, formIds, formList, formText, labelBoxes, textField } from "./form-fields.ts";
import { html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { refusedNote } from "./parts.ts";
import { issuePath, repoPath } from "./paths.ts";
import { sentenceOf } from "./problem.ts";
import { visitRepo } from "./repo-visit.ts";
import type { GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

export function newIssuePage(visit: Visit, refused?: RefusedForm): Page {
  const { forge } = visit;
  const { repo, access } = visitRepo(visit, "issues");
  const mayDress = isAtLeast(access.issues, "write");
  const ticked = {
    labels: refused?.typed["labels"]?.split(" ") ?? [],
    people: refused?.typed["people"]?.split(" ") ?? [],
  };
  const content = html`${repoHeader(forge, repo, access, "issues")}
<section class="card comment-form" aria-labelledby="new-title">
<header><h1 id="new-title">New issue</h1></header>
${refusedNote(refused?.sentence)}
<form method="post" action="${repoPath(repo)}/issues/new" class="stack">
<label for="title">Title</label>
<input id="title" name="title" required maxlength="255" autofocus value="${refused?.typed["title"]}">
<label for="text">Text</label>
${textField("text", refused?.typed["content"], { rows: 10 })}
${mayDress && labelBoxes(usableLabels(forge.db, repo), ({ id }) => ticked.labels.includes(String(id)))}
${mayDress && assigneeBoxes(assignableIn(forge, repo), ({ name }) => ticked.people.includes(name))}
<div class="buttons"><button class="primary">Open the issue</button></div>
</form>
</section>`;
  return { title: `New issue · ${repo.owner_name}/${repo.name}`, content, ...(refused && { status: refused.status }) };
}

const NewIssue = z.object({
  title: z.string().default(""),
  content: formText,
  label: formIds,
  assignee: formList,
});

export function postNewIssue(visit: Posted): Page | GoTo {
  const { forge, user } = visit;
  const { repo, access } = visitRepo(visit, "issues");
  const { title, content: body, label: labels, assignee: assignees } = NewIssue.parse(visit.form);
  try {
    refuseArchived(repo);
    if (title.trim() === "") throw new Refusal(422, "The issue needs a title.");
    const issue = openIssue(forge, user, repo, access, {
      title,
      body,
      labels,
      assignees,
      ref: "",
      due_at: null,
      closed: false,
    });
    return { goTo: issuePath(repo, issue) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const typed = { title, content: body, labels: labels.join(" "), people: assignees.join(" ") };
    return newIssuePage(visit, { status: error.status, sentence: sentenceOf(error), typed });
  }
}
