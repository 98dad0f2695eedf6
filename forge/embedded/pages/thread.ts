/** What happened on an issue or a pull request, oldest first: comments and reviews as cards, all else as one line. */
import { type Comment, timelineOf } from "../domain/comments.ts";
import type { Issue } from "../domain/issues.ts";
import { labelById } from "../domain/labels.ts";
import type { Repo } from "../domain/repos.ts";
import { type Review, type ReviewComment, requireReview, reviewCommentsOf } from "../domain/reviews.ts";
import { teamById } from "../domain/teams.ts";
import { requireUser, userById } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { parsePatch } from "./diff.ts";
import { type Html, html, type Part } from "./html.ts";
import { markdown } from "./markdown.ts";
import { ago, avatar, counted, labelTag, person } from "./parts.ts";
import { commitPath } from "./paths.ts";
import type { Visit } from "./visit.ts";

/** Ten thousand comments in one page would hold the whole forge up for seconds, and the reader's browser too. */
const PAGE_SIZE = 200;

/** The opening text and what came after it: of a long thread one page, the newest unless the query names another. */
export function threadEntries({ forge, query }: Visit, repo: Repo, issue: Issue): Html {
  const entries = timelineOf(forge.db, issue.id);
  const pages = Math.max(1, Math.ceil(entries.length / PAGE_SIZE));
  const page = Math.max(1, Math.min(pages, Number.parseInt(query["page"] ?? "", 10) || pages));
  const shown = entries.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
  const opening = commentCard(forge, repo, {
    id: `issue-${issue.number}`,
    author: nameOf(forge, issue.author_id),
    verb: "opened this",
    at: issue.created_at,
    body: issue.body,
  });
  return html`<div class="thread">${opening}${pager(page, pages)}${shown.map((entry) => entryHtml(forge, repo, entry))}${pager(page, pages)}</div>`;
}

function pager(page: number, pages: number): Html | false {
  if (pages < 2) return false;
  const link = (to: number, label: string) => html`<a class="button" href="?page=${to}">${label}</a>`;
  return html`<nav class="pager" aria-label="Pages of this thread">${page > 1 && link(page - 1, "Earlier")}<span>Page ${page} of ${pages}</span>${page < pages && link(page + 1, "Later")}</nav>`;
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
}

function commentCard(forge: Forge, repo: Repo, card: Card): Html {
  const { id, author, verb, at, body, tags, more, kind } = card;
  const hasText = body.trim() !== "";
  const text = hasText ? markdown(body, { repo }) : more ? null : html`<p class="empty">No text was written.</p>`;
  return html`<article class="card comment ${kind}" id="${id}" aria-label="${author}">
<header>${avatar(author, 24)} <span>${person(author)} ${verb} <a class="quiet-link" href="#${id}">${ago(at, forge.now())}</a></span> ${tags}</header>
${text}${more}
</article>
`;
}

function entryHtml(forge: Forge, repo: Repo, entry: Comment): Part {
  if (entry.kind === "comment") {
    const verb = entry.updated_at > entry.created_at ? "commented (edited)" : "commented";
    const { author_id, created_at, body, id } = entry;
    return commentCard(forge, repo, {
      id: `issuecomment-${id}`,
      author: nameOf(forge, author_id),
      verb,
      at: created_at,
      body,
    });
  }
  if (entry.kind === "review" && entry.review_id !== null) return reviewCard(forge, repo, entry, entry.review_id);
  const what = happening(forge, repo, entry);
  return html`<p class="happening" id="event-${entry.id}">${avatar(nameOf(forge, entry.author_id), 18)} <span>${person(nameOf(forge, entry.author_id))} ${what} ${ago(entry.created_at, forge.now())}</span></p>
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
      return html`changed the title from <s>${detail.old_title}</s> to ${person(detail.new_title ?? "")}`;
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
        ? html`team ${person(teamById(forge.db, detail.team_id)?.name ?? "(deleted)")}`
        : userNamed(forge, detail.assignee_id);
      return html`${detail.is_removed ? "no longer asks" : "asked"} ${asked} for a review`;
    }
    case "dismiss_review":
      return html`dismissed a review${entry.body && html`: ${entry.body}`}`;
    default:
      return entry.kind;
  }
}

const userNamed = (forge: Forge, id: number | undefined): Html =>
  person((id === undefined ? undefined : userById(forge.db, id)?.name) ?? "(deleted)");

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

function reviewCard(forge: Forge, repo: Repo, entry: Comment, reviewId: number): Html {
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
  return commentCard(forge, repo, {
    id: `issuecomment-${entry.id}`,
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
