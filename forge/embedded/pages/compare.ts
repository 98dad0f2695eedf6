/** A branch beside another one, and the form that proposes it as a pull request. `git push` prints the address. */
import { z } from "zod";
import { branchNames, branchTip } from "../domain/branches.ts";
import { openPull } from "../domain/open-pull.ts";
import { demand } from "../domain/permissions.ts";
import { openPullsFrom } from "../domain/pulls.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import { diffText } from "../git/diff.ts";
import { listCommits, mergeBase } from "../git/history.ts";
import type { Commit } from "../git/objects.ts";
import { commitRows } from "./commits.ts";
import { parsePatch } from "./diff.ts";
import { diffBar, diffIndex, diffView } from "./diff-view.ts";
import { formText, textField } from "./form-fields.ts";
import { type Html, html } from "./html.ts";
import { repoHeader } from "./layout.ts";
import { refusedNote } from "./parts.ts";
import { comparePath, issuePath, placePath } from "./paths.ts";
import { sentenceOf } from "./problem.ts";
import { type RepoVisit, visitRepo } from "./repo-visit.ts";
import type { GoTo, Page, Posted, RefusedForm, Visit } from "./visit.ts";

const MAX_COMMITS = 250;

interface CompareVisit extends RepoVisit {
  base: string;
  head: string;
  /** the commits that the two branches point to */
  tips: { base: string; head: string };
}

/** @throws Refusal 404 also without the right to see pull requests */
function visitPullsOf(visit: Visit): RepoVisit {
  const at = visitRepo(visit, "code");
  demand(at.access, "pulls", "read");
  return at;
}

/** The branches around the dots, of which a branch's name cannot have as many. @throws Refusal 404 */
async function visitComparison(visit: Visit): Promise<CompareVisit> {
  const at = visitPullsOf(visit);
  const [base = "", head = "", ...more] = (visit.params["*"] ?? "").split("...");
  const [from, to] = await Promise.all([branchTip(visit.forge, at.repo, base), branchTip(visit.forge, at.repo, head)]);
  if (from === undefined || to === undefined || more.length > 0) throw notFound();
  return { ...at, base, head, tips: { base: from, head: to } };
}

/** Which branch to propose. */
export async function branchChoicePage(visit: Visit): Promise<Page> {
  const { forge } = visit;
  const { repo, access } = visitPullsOf(visit);
  const names = (await branchNames(forge, repo)).filter((name) => name !== repo.default_branch);
  const rows = names.map(
    (name) =>
      html`<li class="row"><p class="row-text row-title"><a href="${comparePath(repo, repo.default_branch, name)}">${name}</a></p></li>`,
  );
  const content = html`${repoHeader(forge, repo, access, "pulls")}
<h1>New pull request</h1>
<section class="card" aria-label="Branches"><h2>Which branch do you propose for ${repo.default_branch}?</h2>
${rows.length === 0 ? html`<p class="empty">There is no other branch. Push one first; without the right to push, <code>git push origin HEAD:refs/for/${repo.default_branch} -o topic=NAME</code> proposes at once.</p>` : html`<ul class="rows">${rows}</ul>`}
</section>`;
  return { title: `New pull request · ${repo.owner_name}/${repo.name}`, content };
}

export async function comparePage(visit: Visit, refused?: RefusedForm): Promise<Page | GoTo> {
  const { forge } = visit;
  const at = await visitComparison(visit);
  const { repo, access, dir, base, head, tips } = at;
  const open = openPullsFrom(forge.db, repo, head).find(({ pull }) => pull.base_branch === base);
  if (open) return { goTo: issuePath(repo, open.issue) };
  const common = await mergeBase(forge.git, dir, tips.base, tips.head);
  const range = { from: tips.head, not: common ? [common] : [], limit: MAX_COMMITS };
  const commits = common === tips.head ? [] : await listCommits(forge.git, dir, range);
  const files = common ? parsePatch(await diffText(forge.git, dir, common, tips.head)) : [];
  const branch = (name: string) =>
    html`<a href="${placePath(repo, "src", { kind: "branch", name })}"><code>${name}</code></a>`;
  const place = { kind: "commit", name: tips.head } as const;
  const content = html`${repoHeader(forge, repo, access, "pulls")}
<header class="thread-header"><h1>New pull request</h1><p>From ${branch(head)} into ${branch(base)}</p></header>
${commits.length === 0 ? html`<p class="note">There is nothing to propose: ${base} has everything that is on ${head}.</p>` : proposalForm(at, commits, refused)}
${commits.length > 0 && html`<section class="card compared" aria-label="Commits">${commitRows(repo, commits, forge.now())}</section>`}
${diffBar(files, null)}
${diffIndex(files)}
${diffView(files, { fileHref: (file) => (file.change === "removed" ? undefined : placePath(repo, "src", place, file.newPath)) })}`;
  return {
    title: `New pull request · ${repo.owner_name}/${repo.name}`,
    content,
    ...(refused && { status: refused.status }),
  };
}

/** A single commit speaks for itself: the form begins with its words. */
function proposalForm({ repo, base, head }: CompareVisit, commits: readonly Commit[], refused?: RefusedForm): Html {
  const [subject = head, ...body] = commits.length === 1 ? (commits[0]?.message.split("\n") ?? []) : [head];
  const typed = refused?.typed ?? { title: subject, content: body.join("\n").trim() };
  return html`<section class="card comment-form" aria-label="Proposal">
${refusedNote(refused?.sentence)}
<form method="post" action="${comparePath(repo, base, head)}" class="stack">
<label for="title">Title</label>
<input id="title" name="title" required maxlength="255" value="${typed["title"]}">
<label for="text">Text</label>
${textField("text", typed["content"], { rows: 8 })}
<div class="buttons"><button class="primary">Open the pull request</button></div>
</form>
</section>`;
}

const ProposalForm = z.object({ title: z.string().default(""), content: formText });

export async function postCompare(visit: Posted): Promise<Page | GoTo> {
  const { forge, user } = visit;
  const { repo, base, head } = await visitComparison(visit);
  const { title, content } = ProposalForm.parse(visit.form);
  try {
    if (title.trim() === "") throw new Refusal(422, "The pull request needs a title.");
    const { issue } = await openPull(forge, user, repo, { head, base, title, body: content });
    return { goTo: issuePath(repo, issue) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return comparePage(visit, { status: error.status, sentence: sentenceOf(error), typed: { title, content } });
  }
}
