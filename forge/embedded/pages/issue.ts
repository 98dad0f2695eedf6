/** An issue's page, and what can be done on it. Comments on pull requests are sent here too. */
import { z } from "zod";
import { closePull, reopenPull } from "../domain/change-pull.ts";
import { demandEditor, setIssueState } from "../domain/edit-issue.ts";
import { type IssueState, requireIssue } from "../domain/issues.ts";
import { refuseArchived } from "../domain/permissions.ts";
import { pullOf } from "../domain/pulls.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { requireUser } from "../domain/users.ts";
import { writeComment } from "../domain/write-comment.ts";
import { commentForm } from "./comment-form.ts";
import { formText } from "./form-fields.ts";
import { html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { ago, person } from "./parts.ts";
import { issuePath } from "./paths.ts";
import { sentenceOf } from "./problem.ts";
import { pullPage } from "./pull.ts";
import { visitIssue } from "./repo-visit.ts";
import { threadEntries } from "./thread.ts";
import { entryPath } from "./thread-pages.ts";
import { labelsAndAssignees, threadTitle } from "./thread-side.ts";
import { stateTag, threadStateOf } from "./thread-state.ts";
import type { GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

export function issuePage(visit: Visit, refused?: RefusedForm): Page | GoTo {
  const { forge } = visit;
  const at = visitIssue(visit);
  const { repo, access, issue } = at;
  if (issue.is_pull) return { goTo: issuePath(repo, issue) };
  const state = threadStateOf(forge.db, issue);
  const author = requireUser(forge.db, issue.author_id).name;
  const content = html`${repoHeader(forge, repo, access, "issues")}
<header class="thread-header">${threadTitle(visit, at)}
<p>${stateTag(state)} ${person(author)} opened this ${ago(issue.created_at, forge.now())}</p></header>
<div class="columns">
<div class="main-column">
${threadEntries(visit, at)}
${commentForm(visit, at, issue, state, refused)}
</div>
<aside class="side-column" aria-label="About this issue">${labelsAndAssignees(visit, at)}</aside>
</div>`;
  return { title: `${issue.title} · #${issue.number}`, content, ...(refused && { status: refused.status }) };
}

const CommentForm = z.object({ content: formText, status: z.string().default("") });

/** A comment, a change of the state, or both. The comment comes first: whoever is told of the close can read why. */
export async function postComment(visit: Posted): Promise<Page | GoTo> {
  const { forge, user } = visit;
  const { repo, access, issue } = visitIssue(visit);
  const { content, status } = CommentForm.parse(visit.form);
  const state = ({ close: "closed", reopen: "open" } as Record<string, IssueState>)[status];
  let isWritten = false;
  try {
    refuseArchived(repo);
    if (state) demandEditor(user, issue, access);
    if (content.trim() === "" && !state) throw new Refusal(422, "Write something first: the comment is empty.");
    const written = content.trim() === "" ? undefined : writeComment(forge, user, issue, content);
    isWritten = written !== undefined;
    if (state) await changeState(visit, repo, issue.id, state);
    return { goTo: written ? entryPath(forge.db, repo, issue, written) : issuePath(repo, issue) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const refused = { status: error.status, sentence: sentenceOf(error), typed: { content: isWritten ? "" : content } };
    return issue.is_pull ? pullPage(visit, { ...refused, form: "comment" }) : issuePage(visit, refused);
  }
}

async function changeState({ forge, user }: Visit, repo: Repo, issueId: number, state: IssueState): Promise<void> {
  const issue = requireIssue(forge.db, issueId);
  if (!issue.is_pull) setIssueState(forge, user, issue, state);
  else if (state === "closed") closePull(forge, user, repo, { issue, pull: pullOf(forge.db, issueId) });
  else await reopenPull(forge, user, repo, { issue, pull: pullOf(forge.db, issueId) });
}
