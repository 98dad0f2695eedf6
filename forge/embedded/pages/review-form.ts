/** The forms of a review: the verdict at the end of the diff, and a comment under a line. */
import { pendingReview, type ReviewComment, reviewCommentsOf } from "../domain/reviews.ts";
import { type LineNumber, lineId } from "./diff-view.ts";
import { textField } from "./form-fields.ts";
import { type Html, html } from "./html.ts";
import { counted, refusedNote } from "./parts.ts";
import { issuePath } from "./paths.ts";
import type { PullVisit } from "./pull-frame.ts";
import type { RefusedForm, Visit } from "./visit.ts";

/** A line that somebody wants to comment on. */
export interface LineChoice {
  path: string;
  line: LineNumber;
}

const action = ({ repo, issue }: PullVisit, what: string): string => `${issuePath(repo, issue)}/files/reviews/${what}`;

/** Every form carries the head that its page shows: a verdict on anything else is refused. */
const shownHead = ({ pull }: PullVisit): Html => html`<input type="hidden" name="commit_id" value="${pull.head_sha}">`;

export function reviewForm(visit: Visit, at: PullVisit, refused?: RefusedForm): Html {
  const { repo, issue, pull } = at;
  if (repo.is_archived) return html`<p class="note">This repository is archived: nothing can be written here.</p>`;
  const isOwn = issue.author_id === visit.user.id;
  const pending = pendingComments(visit, at);
  const mayDecide = !isOwn && issue.state === "open";
  return html`<section class="card review-form" id="review" aria-labelledby="review-title">
<h2 id="review-title">Finish your review</h2>
<p class="hint">Of the changes as they are shown here, up to commit <code>${pull.head_sha.slice(0, 10)}</code>.${pending.length > 0 && ` ${counted(pending.length, "pending comment")} on lines will be sent with it.`}${isOwn && " Your own pull request you can only comment on."}</p>
${refusedNote(refused?.sentence)}
<form method="post" action="${action(at, "submit")}" class="stack">
${shownHead(at)}
<label class="sr-only" for="review-content">Review</label>
${textField("review-content", refused?.typed["content"], { rows: 5, hint: mayDecide ? "What you think of it; needed when you request changes" : "What you think of it" })}
<div class="buttons">
<button name="type" value="comment">Comment</button>
${
  mayDecide &&
  html`<button class="reject" name="type" value="reject">Request changes</button>
<button class="approve" name="type" value="approve">Approve</button>`
}
</div>
</form>
${pending.length > 0 && html`<form method="post" action="${action(at, "discard")}" class="discard"><button class="quiet">Discard ${counted(pending.length, "pending comment")}</button></form>`}
</section>`;
}

function pendingComments({ forge, user }: Visit, { issue }: PullVisit): ReviewComment[] {
  const pending = pendingReview(forge.db, issue.id, user.id);
  return pending ? reviewCommentsOf(forge.db, pending) : [];
}

export function lineForm(visit: Visit, at: PullVisit, { path, line }: LineChoice, refused?: RefusedForm): Html {
  const hasPending = pendingReview(visit.forge.db, at.issue.id, visit.user.id) !== undefined;
  return html`<form method="post" action="${action(at, "comments")}" class="stack">
${refusedNote(refused?.sentence)}
${shownHead(at)}
<input type="hidden" name="path" value="${path}">
<input type="hidden" name="line" value="${line}">
<label for="line-content">Comment on ${line < 0 ? `old line ${-line}` : `line ${line}`}</label>
<textarea id="line-content" name="content" rows="3" required>${refused?.typed["content"]}</textarea>
<div class="buttons">
<a class="button" href="${issuePath(at.repo, at.issue)}/files#${lineId(path, line)}">Cancel</a>
${!hasPending && html`<button name="mode" value="single">Add single comment</button>`}
<button class="primary" name="mode" value="review">${hasPending ? "Add to review" : "Start review"}</button>
</div>
</form>`;
}
