/** The page on which a comment is changed or deleted. */
import { z } from "zod";
import { refuseArchived, unitOf } from "../domain/permissions.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import { changeComment, deleteComment, mayEditComment } from "../domain/write-comment.ts";
import { textVersion, tickedText } from "./boxes.ts";
import { formText, textField } from "./form-fields.ts";
import { html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { refusedNote } from "./parts.ts";
import { commentPath, issuePath } from "./paths.ts";
import { type CommentVisit, visitComment } from "./repo-visit.ts";
import { entryPath } from "./thread-pages.ts";
import type { GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

/** @throws Refusal 403 for who may not change it, 404 not a comment, 423 in an archive */
function visitEditableComment(visit: Visit): CommentVisit {
  const at = visitComment(visit);
  if (at.comment.kind !== "comment") throw notFound();
  refuseArchived(at.repo);
  if (!mayEditComment(visit.user, at.access, at.issue, at.comment))
    throw new Refusal(403, "Only who wrote a comment, or may write to the repository, may change it.");
  return at;
}

export function editCommentPage(visit: Visit, refused?: RefusedForm): Page {
  const { forge } = visit;
  const { repo, access, issue, comment } = visitEditableComment(visit);
  const path = commentPath(repo, issue, comment.id);
  const content = html`${repoHeader(forge, repo, access, unitOf(issue) === "pulls" ? "pulls" : "issues")}
<section class="card comment-form" aria-labelledby="edit-title">
<header><h1 id="edit-title">Edit comment</h1></header>
<p class="hint">On ${issue.title} #${issue.number}</p>
${refusedNote(refused?.sentence)}
<form method="post" action="${path}/edit" class="stack">
<label class="sr-only" for="text">Comment</label>
${textField("text", refused?.typed["content"] ?? comment.body, { rows: 10 })}
<div class="buttons"><a class="button" href="${entryPath(forge.db, repo, issue, comment)}">Cancel</a> <button class="primary">Save</button></div>
</form>
<details class="delete"><summary>Delete this comment</summary>
<form method="post" action="${path}/delete"><p>It can't be brought back.</p> <button class="reject">Delete</button></form></details>
</section>`;
  return { title: `Edit comment · #${issue.number}`, content, ...(refused && { status: refused.status }) };
}

const CommentForm = z.object({ content: formText });

export function postEditComment(visit: Posted): Page | GoTo {
  const { forge, user } = visit;
  const { repo, access, issue, comment } = visitEditableComment(visit);
  const { content } = CommentForm.parse(visit.form);
  if (content.trim() === "") {
    const sentence = "A comment needs a text. To take it away, delete it.";
    return editCommentPage(visit, { status: 422, sentence, typed: { content } });
  }
  changeComment(forge, user, access, issue, comment, content);
  return { goTo: entryPath(forge.db, repo, issue, comment) };
}

/** @throws Refusal as `visitEditableComment`, and 409 when the text was changed meanwhile */
export function postCommentBoxes(visit: Posted): GoTo {
  const { forge, user } = visit;
  const { repo, access, issue, comment } = visitEditableComment(visit);
  const body = tickedText(visit.form, comment.body, textVersion(comment));
  if (body !== comment.body) changeComment(forge, user, access, issue, comment, body);
  return { goTo: entryPath(forge.db, repo, issue, comment) };
}

export function postDeleteComment(visit: Posted): GoTo {
  const { forge, user } = visit;
  const { repo, access, issue, comment } = visitEditableComment(visit);
  deleteComment(forge, user, access, issue, comment);
  return { goTo: issuePath(repo, issue) };
}
