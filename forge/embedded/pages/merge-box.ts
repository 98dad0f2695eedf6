/** What stands between a pull request and its merge: checks, approvals, conflicts; and the button for who may press it. */
import { z } from "zod";
import { mayMerge } from "../domain/branch-rights.ts";
import { mergePull } from "../domain/merge.ts";
import { countApprovals, demandMergeable } from "../domain/merge-rules.ts";
import { ruleFor } from "../domain/protection.ts";
import { Refusal } from "../domain/refusal.ts";
import { combinedState, latestStatuses, type Status, type StatusState } from "../domain/statuses.ts";
import { type Html, html } from "./html.ts";
import { counted, refusedNote, statusSign } from "./parts.ts";
import { issuePath, webUrl } from "./paths.ts";
import { sentenceOf } from "./problem.ts";
import type { PullVisit } from "./pull-frame.ts";
import type { Posted, RefusedForm, Visit } from "./visit.ts";

/** Nothing for a pull request that is closed and was never checked: its timeline says how it ended. */
export async function mergeBox(visit: Visit, at: PullVisit, refused?: RefusedForm): Promise<Html | false> {
  const statuses = latestStatuses(visit.forge.db, at.repo, at.pull.head_sha);
  const isOpen = at.issue.state === "open";
  if (!isOpen && statuses.length === 0) return false;
  return html`<section class="card merge-box" aria-label="Checks and merge">
${statuses.length > 0 && checks(statuses)}
${isOpen && (await openPart(visit, at, refused))}
</section>`;
}

const HEADINGS: Record<StatusState, string> = {
  success: "All checks have passed",
  pending: "Checks are under way",
  warning: "Checks have warnings",
  failure: "Some checks have failed",
  error: "Some checks have failed",
};

function checks(statuses: readonly Status[]): Html {
  const rows = statuses.map((status) => {
    const url = webUrl(status.target_url);
    return html`<li>${statusSign(status.state)} <span><span class="context">${status.context}</span> <span class="description">${status.description}</span>${url && html` <a href="${url}" rel="noopener noreferrer nofollow">Details</a>`}</span></li>`;
  });
  return html`<div><h2>${HEADINGS[combinedState(statuses) ?? "pending"]}</h2><ul class="checks">${rows}</ul></div>`;
}

async function openPart(visit: Visit, at: PullVisit, refused?: RefusedForm): Promise<Html> {
  const objection = await objectionTo(visit, at);
  const may = mayMerge(visit.forge.db, ruleFor(visit.forge.db, at.repo, at.pull.base_branch), visit.user, at.repo);
  const form = html`<form method="post" action="${issuePath(at.repo, at.issue)}/merge">
<input type="hidden" name="head_commit_id" value="${at.pull.head_sha}">
<button class="primary">${buttonName(at)}</button></form>`;
  return html`<div>${refusedNote(refused?.sentence)}
${approvals(visit, at)}
<p class="fact">${statusSign(objection === undefined ? "success" : "warning")} <span>${objection ?? `Can be merged into ${at.pull.base_branch}.`}</span></p></div>
${may && objection === undefined && form}`;
}

const BUTTONS: Record<string, string> = { merge: "Create merge commit", squash: "Create squash commit" };
const buttonName = ({ repo }: PullVisit): string => BUTTONS[repo.settings.default_merge_style] ?? "Merge";

function approvals({ forge }: Visit, { repo, pull }: PullVisit): Html | false {
  const rule = ruleFor(forge.db, repo, pull.base_branch);
  if (!rule || rule.required_approvals === 0) return false;
  const given = countApprovals(forge, pull, rule);
  const isEnough = given >= rule.required_approvals;
  return html`<p class="fact">${statusSign(isEnough ? "success" : "pending")} <span>${given} of ${counted(rule.required_approvals, "required approval")} given.</span></p>`;
}

/** The API's words for an objection, as a person would say them. */
const OBJECTIONS: Record<string, string> = {
  "User not allowed to merge PR": "You are not among those who may merge into this branch.",
  "Work in progress PRs cannot be merged": "Its title says that it is work in progress.",
  "Please try again later": "It conflicts with the branch that it should be merged into.",
  "Does not have enough approvals": "It does not have the approvals that it needs.",
  "Not all required status checks successful": "A required check has not passed.",
  "There are requested changes": "A reviewer has requested changes.",
  "There are official review requests": "A requested review is still to come.",
  "The head branch is behind the base branch":
    "It lacks the newest commits of the branch that it should be merged into.",
  "head out of date": "New commits have come in between, so nothing was merged. Look at them first.",
  "Changed protected files": "It changes files that nobody may change on this branch.",
};

async function objectionTo({ forge, user }: Visit, at: PullVisit): Promise<string | undefined> {
  try {
    await demandMergeable(forge, at.repo, user, at, false);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return objectionText(error);
  }
}

/** The reason stands in brackets when it comes from the branch's rule. */
export function objectionText(refusal: Refusal): string {
  const reason = /\[reason: (.*)\]$/.exec(refusal.message)?.[1] ?? refusal.message;
  return OBJECTIONS[reason] ?? sentenceOf(refusal);
}

const MergeForm = z.object({ head_commit_id: z.string().min(1).max(40) });

/** Merges exactly the head that the page showed. @throws Refusal as mergePull */
export function mergeByForm({ forge, user, form }: Posted, at: PullVisit): Promise<void> {
  const { head_commit_id } = MergeForm.parse(form);
  return mergePull(forge, user, at.repo, at, { style: "", title: "", message: "", head_commit_id });
}
