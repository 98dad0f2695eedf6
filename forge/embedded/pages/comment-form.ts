/** The form at the end of a thread: a comment, closing, opening again. */
import { mayEdit } from "../domain/edit-issue.ts";
import type { Issue } from "../domain/issues.ts";
import { textField } from "./form-fields.ts";
import { type Html, html } from "./html.ts";
import { avatar, refusedNote } from "./parts.ts";
import { commentsPath } from "./paths.ts";
import type { RepoVisit } from "./repo-visit.ts";
import type { ThreadState } from "./thread-state.ts";
import type { RefusedForm, Visit } from "./visit.ts";

/** The text may be empty when the state is changed. */
export function commentForm(
  visit: Visit,
  at: RepoVisit,
  issue: Issue,
  state: ThreadState,
  refused?: RefusedForm,
): Html {
  if (at.repo.is_archived) return html`<p class="note">This repository is archived: nothing can be written here.</p>`;
  const noun = issue.is_pull ? "pull request" : "issue";
  const change = { open: ["close", `Close ${noun}`], closed: ["reopen", `Reopen ${noun}`], merged: undefined }[state];
  return html`<section class="card comment-form" aria-labelledby="comment-title">
<header>${avatar(visit.user.name, 24)} <h2 id="comment-title">Write a comment</h2></header>
${refusedNote(refused?.sentence)}
<form method="post" action="${commentsPath(at.repo, issue)}" class="stack">
<label class="sr-only" for="text">Comment</label>
${textField("text", refused?.typed["content"], { rows: 5 })}
<div class="buttons">
${change && mayEdit(visit.user, issue, at.access) && html`<button name="status" value="${change[0]}">${change[1]}</button>`}
<button class="primary" name="status" value="">Comment</button>
</div>
</form>
</section>`;
}
