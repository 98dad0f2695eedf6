/** A pull request's conversation and its commits. The changes themselves are in pull-files.ts. */
import { Refusal } from "../domain/refusal.ts";
import { diffText, patchText } from "../git/diff.ts";
import { listCommits } from "../git/history.ts";
import { commentForm } from "./comment-form.ts";
import { commitRows } from "./commits.ts";
import { type Html, html } from "./html.ts";
import { mergeBox, mergeByForm, objectionText } from "./merge-box.ts";
import { issuePath } from "./paths.ts";
import { type PullVisit, pullHeader, rangeOf, visitPull } from "./pull-frame.ts";
import { isAsked, reviewersBlock } from "./reviewers.ts";
import { threadEntries } from "./thread.ts";
import { labelsAndAssignees } from "./thread-side.ts";
import { threadStateOf } from "./thread-state.ts";
import type { Download, GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

const MAX_COMMITS = 250;

/** @param refused.form which form it was: the other ones are shown as ever */
export async function pullPage(visit: Visit, refused?: RefusedForm & { form: "comment" | "merge" }): Promise<Page> {
  const { forge } = visit;
  const at = visitPull(visit);
  const { issue } = at;
  const state = threadStateOf(forge.db, issue);
  const content = html`${await pullHeader(visit, at, "conversation")}
<div class="columns">
<div class="main-column">
${state === "open" && reviewNote(visit, at)}
${threadEntries(visit, at)}
${await mergeBox(visit, at, refused?.form === "merge" ? refused : undefined)}
${commentForm(visit, at, issue, state, refused?.form === "comment" ? refused : undefined)}
</div>
<aside class="side-column" aria-label="About this pull request">${reviewersBlock(visit, issue)}${labelsAndAssignees(visit, at)}</aside>
</div>`;
  return { title: `${issue.title} · #${issue.number}`, content, ...(refused && { status: refused.status }) };
}

function reviewNote(visit: Visit, { repo, issue }: PullVisit): Html {
  const href = `${issuePath(repo, issue)}/files`;
  if (!isAsked(visit, issue)) return html``;
  return html`<p class="note asked"><span>Your review is requested.</span> <a class="button primary" href="${href}">Review the changes</a></p>`;
}

export async function pullCommitsPage(visit: Visit): Promise<Page> {
  const { forge } = visit;
  const at = visitPull(visit);
  const commits = await listCommits(forge.git, at.dir, { ...rangeOf(at), limit: MAX_COMMITS });
  const content = html`${await pullHeader(visit, at, "commits")}
<h2 class="sr-only">Commits</h2>
<section class="card" aria-label="Commits">${commits.length === 0 ? html`<p class="empty">There are no commits.</p>` : commitRows(at.repo, commits, forge.now())}</section>`;
  return { title: `Commits · ${at.issue.title} · #${at.issue.number}`, content };
}

/** The changes as one difference, as text for a program. */
export async function pullDiff(visit: Visit): Promise<Download> {
  const at = visitPull(visit);
  const { from, to } = patchRange(at);
  return plainText(await diffText(visit.forge.git, at.dir, from, to, { withBinary: true }));
}

/** The commits as mails, for `git am`. */
export async function pullPatch(visit: Visit): Promise<Download> {
  const at = visitPull(visit);
  const { from, to } = patchRange(at);
  return plainText(await patchText(visit.forge.git, at.dir, from, to));
}

const patchRange = (at: PullVisit) => ({ from: at.pull.merge_base || at.pull.head_sha, to: at.pull.head_sha });
const plainText = (text: string): Download => ({ bytes: Buffer.from(text), type: "text/plain; charset=utf-8" });

export async function postMerge(visit: Posted): Promise<Page | GoTo> {
  const at = visitPull(visit);
  try {
    await mergeByForm(visit, at);
    return { goTo: issuePath(at.repo, at.issue) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const sentence = objectionText(error);
    return pullPage(visit, { form: "merge", status: error.status, sentence, typed: {} });
  }
}
