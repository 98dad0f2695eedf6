/** The changes of a pull request with the comments on their lines, and the review of them. */
import { type ReviewComment, reviewCommentsOf, reviewsOf } from "../domain/reviews.ts";
import { diffText } from "../git/diff.ts";
import { type DiffLine, type FileDiff, parsePatch } from "./diff.ts";
import { diffBar, diffIndex, diffView, numberOf } from "./diff-view.ts";
import { type Html, html, type Part } from "./html.ts";
import { issuePath, placePath } from "./paths.ts";
import { type PullVisit, pullHeader, visitPull } from "./pull-frame.ts";
import { type LineChoice, lineForm, reviewForm } from "./review-form.ts";
import { lineComment } from "./thread.ts";
import type { Page, RefusedForm, Visit } from "./visit.ts";

/** @param refused.line of a refused comment on a line; a refused verdict has none */
export async function pullFilesPage(visit: Visit, refused?: RefusedForm & { line?: LineChoice }): Promise<Page> {
  const at = visitPull(visit);
  const { repo, issue, pull } = at;
  const path = issuePath(repo, issue);
  const files = pull.merge_base === "" ? [] : await changesOf(visit, at);
  const wanted = refused ? refused.line : chosenLine(visit.query);
  const chosen = wanted && hasLine(files, wanted) ? wanted : undefined;
  const under = linesUnder(visit, at, { chosen, refused });
  const head = { kind: "commit", name: pull.head_sha } as const;
  const content = html`${await pullHeader(visit, at, "files")}
<h2 class="sr-only">Files changed</h2>
${diffBar(files, html`<a class="button primary" href="#review">Finish your review</a>`)}
${diffIndex(files)}
${files.length === 0 && html`<p class="card empty">There are no changes.</p>`}
${diffView(files, {
  fileHref: (file) => (file.change === "removed" ? undefined : placePath(repo, "src", head, file.newPath)),
  // the fragment is the form's text: a browser puts the focus into what a fragment names
  commentHref: (file, line) =>
    `${path}/files?${new URLSearchParams({ path: pathOf(file, line), line: String(line) })}#line-content`,
  under,
})}
${reviewForm(visit, at, chosen ? undefined : refused)}`;
  return {
    title: `Files changed · ${issue.title} · #${issue.number}`,
    content,
    ...(refused && { status: refused.status }),
  };
}

async function changesOf({ forge }: Visit, { dir, pull }: PullVisit): Promise<FileDiff[]> {
  return parsePatch(await diffText(forge.git, dir, pull.merge_base, pull.head_sha));
}

/** The name that a line's file has on the line's side. */
const pathOf = (file: FileDiff, line: number): string => (line < 0 ? file.oldPath : file.newPath);

function chosenLine({ path, line }: Record<string, string>): LineChoice | undefined {
  return path !== undefined && line !== undefined && /^-?[1-9]\d{0,8}$/.test(line)
    ? { path, line: Number(line) }
    : undefined;
}

/** A later push may have taken the line away; what was typed for it then goes into the review's own form. */
const hasLine = (files: readonly FileDiff[], choice: LineChoice): boolean =>
  files.some((file) => file.hunks.some((hunk) => hunk.lines.some((line) => isLine(file, line, choice))));

const isLine = (file: FileDiff, line: DiffLine, choice: LineChoice): boolean =>
  numberOf(line) === choice.line && pathOf(file, choice.line) === choice.path;

/** What stands under the lines of the diff: their comments, and the form under the chosen one. */
function linesUnder(
  visit: Visit,
  at: PullVisit,
  form: { chosen?: LineChoice | undefined; refused?: RefusedForm | undefined },
) {
  const { forge, user } = visit;
  const comments = reviewsOf(forge.db, user, at.issue).flatMap((review) =>
    reviewCommentsOf(forge.db, review).map((comment) => ({ comment, isPending: review.state === "PENDING" })),
  );
  return (file: FileDiff, line: DiffLine): Part => {
    const cards = comments
      .filter(({ comment }) => isLine(file, line, comment) && isStillOn(comment, line))
      .map(({ comment, isPending }) => html`${lineComment(forge, at.repo, comment, { withHunk: false, isPending })}`);
    const isChosen = form.chosen !== undefined && isLine(file, line, form.chosen);
    if (cards.length === 0 && !isChosen) return null;
    return underRow(html`${cards}${form.chosen && isChosen && lineForm(visit, at, form.chosen, form.refused)}`);
  };
}

const underRow = (content: Html): Html => html`<tr class="under"><td colspan="4">${content}</td></tr>
`;

/** A later push may have put another line in this place; the comment then stands in the conversation only. */
function isStillOn(comment: ReviewComment, line: DiffLine): boolean {
  const commented = parsePatch(`diff --git a/file b/file\n${comment.diff_hunk}`)[0]?.hunks[0]?.lines.at(-1);
  return commented === undefined || commented.text === line.text;
}
