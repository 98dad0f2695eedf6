/** What happened on an issue or a pull request, oldest first: comments and reviews as cards, all else as one line. */
import { type Comment, timelineOf } from "../domain/comments.ts";
import { mayEdit } from "../domain/edit-issue.ts";
import { labelById } from "../domain/labels.ts";
import type { Repo } from "../domain/repos.ts";
import { type Review, type ReviewComment, requireReview, reviewCommentsOf } from "../domain/reviews.ts";
import { teamById } from "../domain/teams.ts";
import { requireUser, userById } from "../domain/users.ts";
import { mayEditComment } from "../domain/write-comment.ts";
import type { Forge } from "../forge.ts";
import { textVersion } from "./boxes.ts";
import { parsePatch } from "./diff.ts";
import { type Html, html, type Part } from "./html.ts";
import { markdown } from "./markdown.ts";
import { ago, avatar, counted, labelTag, person } from "./parts.ts";
import { boxesPath, commentPath, commitPath } from "./paths.ts";
import type { IssueVisit } from "./repo-visit.ts";
import { anchorOf, pager, signposts, threadPage } from "./thread-pages.ts";
import type { Visit } from "./visit.ts";

/** The opening text and what came after it: of a long thread one page, the newest unless the query names another. */
export function threadEntries({ forge, user, query }: Visit, { repo, access, issue }: IssueVisit): Html {
  const entries = timelineOf(forge.db, issue.id);
  const part = threadPage(entries, query["page"]);
  const thread: Thread = { forge, repo, page: part.pages > 1 ? `?page=${part.page}` : "" };
  const opening = commentCard(thread, {
    id: `issue-${issue.number}`,
    author: nameOf(forge, issue.author_id),
    verb: "opened this",
    at: issue.created_at,
    body: issue.body,
    boxes:
      repo.is_archived || !mayEdit(user, issue, access)
        ? undefined
        : { action: boxesPath(repo, issue), version: textVersion(issue) },
  });
  const cards = part.shown.map((entry) => {
    const isEditable = !repo.is_archived && entry.kind === "comment" && mayEditComment(user, access, issue, entry);
    if (!isEditable) return entryHtml(thread, entry);
    const path = commentPath(repo, issue, entry.id);
    return entryHtml(thread, entry, {
      editHref: `${path}/edit`,
      boxes: { action: `${path}/boxes`, version: textVersion(entry) },
    });
  });
  return html`<div class="thread">${opening}${pager(part)}${signposts(entries, part)}${cards}${pager(part)}</div>`;
}

/** What the entries of one page have in common. */
interface Thread {
  forge: Forge;
  repo: Repo;
  /** query that names the page, where there are several */
  page: string;
}

const nameOf = (forge: Forge, userId: number): string => requireUser(forge.db, userId).name;

interface Card {
  id: string;
  author: string;
  /** what the author did, after its name */
  verb: Part;
  at: number;
  body: string;
  tags?: Part;
  /** what stands below the text */
  more?: Part;
  kind?: string;
  /** where the visitor may tick its boxes, and what text that is about */
  boxes?: { action: string; version: string } | undefined;
  /** where the visitor may change it */
  editHref?: string | undefined;
}

function commentCard({ forge, repo, page }: Thread, card: Card): Html {
  const { id, author, verb, at, body, tags, more, kind, editHref, boxes } = card;
  const hasText = body.trim() !== "";
  const shown = hasText ? markdown(body, { repo, isForm: boxes !== undefined }) : null;
  const text = shown ? tickable(shown, boxes) : more ? null : html`<p class="empty">No text was written.</p>`;
  return html`<article class="card comment ${kind}" id="${id}" aria-label="${author}">
<header>${avatar(author, 24)} <span>${person(author)} ${verb} <a class="quiet-link" href="${page}#${id}">${ago(at, forge.now())}</a></span> ${tags}${editHref && html`<a class="quiet-link edit" href="${editHref}" aria-label="Edit what ${author} wrote">Edit</a>`}</header>
${text}${more}
</article>
`;
}

/** A form around a text that has boxes to tick. */
const tickable = (shown: Html, boxes: Card["boxes"]): Html =>
  boxes && shown.text.includes(' name="box" ')
    ? html`<form method="post" action="${boxes.action}" class="stack">
<input type="hidden" name="version" value="${boxes.version}">
${shown}
<div class="buttons"><button>Save what is ticked</button></div>
</form>`
    : shown;

function entryHtml(thread: Thread, entry: Comment, forms: Pick<Card, "editHref" | "boxes"> = {}): Part {
  const { forge, repo } = thread;
  if (entry.kind === "comment") {
    const verb = entry.updated_at > entry.created_at ? "commented (edited)" : "commented";
    const { author_id, created_at, body, id } = entry;
    return commentCard(thread, {
      id: anchorOf(id),
      author: nameOf(forge, author_id),
      verb,
      at: created_at,
      body,
      ...forms,
    });
  }
  if (entry.kind === "review" && entry.review_id !== null) return reviewCard(thread, entry, entry.review_id);
  const what = happening(forge, repo, entry);
  return html`<p class="happening" id="${anchorOf(entry.id)}">${avatar(nameOf(forge, entry.author_id), 18)} <span>${person(nameOf(forge, entry.author_id))} ${what} ${ago(entry.created_at, forge.now())}</span></p>
`;
}

/** One line of the timeline, after the name of who did it. */
function happening(forge: Forge, repo: Repo, entry: Comment): Part {
  const { detail } = entry;
  switch (entry.kind) {
    case "close":
      return "closed this";
    case "reopen":
      return "opened this again";
    case "label":
      return html`${detail.is_removed ? "removed" : "added"} ${labelNamed(forge, detail.label_id)}`;
    case "assignees": {
      const name = userNamed(forge, detail.assignee_id);
      return html`${detail.is_removed ? "no longer assigns" : "assigned"} ${name}`;
    }
    case "change_title":
      return html`changed the title from <s>${detail.old_title}</s> to <strong>${detail.new_title}</strong>`;
    case "change_target_branch":
      return html`changed the target branch from <code>${detail.old_ref}</code> to <code>${detail.new_ref}</code>`;
    case "delete_branch":
      return html`deleted the branch <code>${detail.old_ref ?? entry.body}</code>`;
    case "pull_push":
      return pushed(repo, entry);
    case "merge_pull":
      return html`merged this${commitLinks(repo, detail.commit_ids ?? [], " as")}`;
    case "review_request": {
      const asked = detail.team_id
        ? html`team <strong>${teamById(forge.db, detail.team_id)?.name ?? "(deleted)"}</strong>`
        : userNamed(forge, detail.assignee_id);
      return html`${detail.is_removed ? "no longer asks" : "asked"} ${asked} for a review`;
    }
    case "dismiss_review":
      return html`dismissed a review${entry.body && html`: ${entry.body}`}`;
    default:
      return entry.kind;
  }
}

function userNamed(forge: Forge, id: number | undefined): Html {
  const user = id === undefined ? undefined : userById(forge.db, id);
  return user ? person(user.name) : html`<strong>(deleted)</strong>`;
}

function labelNamed(forge: Forge, id: number | undefined): Part {
  const label = id === undefined ? undefined : labelById(forge.db, id);
  return label ? labelTag(label) : "a label that is gone";
}

function pushed(repo: Repo, { detail }: Comment): Html {
  const ids = detail.commit_ids ?? [];
  const shown = ids.slice(-10);
  return html`pushed ${counted(ids.length, "commit")}${detail.is_force_push && " in place of earlier ones"}${commitLinks(repo, shown, ids.length > shown.length ? ": …" : ":")},`;
}

const commitLinks = (repo: Repo, ids: readonly string[], before: string): Html =>
  html`${ids.length > 0 && before}${ids.map((id) => html` <a class="sha" href="${commitPath(repo, id)}">${id.slice(0, 10)}</a>`)}`;

const VERDICTS: Record<Review["state"], string> = {
  APPROVED: "approved these changes",
  REQUEST_CHANGES: "requested changes",
  COMMENT: "reviewed",
  PENDING: "began a review",
  REQUEST_REVIEW: "was asked for a review",
};

function reviewCard(thread: Thread, entry: Comment, reviewId: number): Html {
  const { forge, repo } = thread;
  const review = requireReview(forge.db, reviewId);
  const comments = reviewCommentsOf(forge.db, review).map((comment) =>
    lineComment(forge, repo, comment, { withHunk: true }),
  );
  const tags = [
    review.commit_id !== "" && html`at ${commitLinks(repo, [review.commit_id], "")}`,
    review.dismissed === 1 && "Dismissed",
    review.stale === 1 && "For an older version",
    review.dismissed === 0 && review.official === 0 && review.state !== "COMMENT" && "Not counted by the branch's rule",
  ].map((text) => text && html`<span class="tag">${text}</span> `);
  return commentCard(thread, {
    id: anchorOf(entry.id),
    author: nameOf(forge, entry.author_id),
    verb: VERDICTS[review.state],
    at: entry.created_at,
    body: review.body,
    tags,
    more: comments.length > 0 ? comments : html``,
    kind: review.state.toLowerCase().replace("_", "-"),
  });
}

/** A comment on a line. @param options.withHunk shows the lines that it is about, where the diff is not at hand */
export function lineComment(
  forge: Forge,
  repo: Repo,
  comment: ReviewComment,
  options: { withHunk: boolean; isPending?: boolean },
): Html {
  const author = nameOf(forge, comment.author_id);
  const place = `${comment.path}, ${comment.line < 0 ? `old line ${-comment.line}` : `line ${comment.line}`}`;
  return html`<div class="line-comment">
${options.withHunk && html`<p class="line-place"><code>${place}</code></p>${excerpt(comment)}`}
<p class="line-author">${avatar(author, 20)} ${person(author)} ${ago(comment.created_at, forge.now())}${options.isPending && html` <span class="tag">Pending</span>`}</p>
${markdown(comment.body, { repo })}
</div>`;
}

/** The commented line and up to three before it. */
function excerpt(comment: ReviewComment): Html | false {
  const [file] = parsePatch(`diff --git a/file b/file\n${comment.diff_hunk}`);
  const lines = (file?.hunks[0]?.lines ?? []).slice(-4);
  if (lines.length === 0) return false;
  return html`<pre class="excerpt">${lines.map((line) => html`<span class="${line.kind}">${line.kind === "added" ? "+" : line.kind === "removed" ? "−" : " "}${line.text}</span>\n`)}</pre>`;
}
