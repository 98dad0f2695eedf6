/** Why a pull request may not be merged now, in the order in which Forgejo asks. */
import { type Forge, repoDir } from "../forge.ts";
import { changedFiles } from "../git/diff.ts";
import { isAncestor } from "../git/history.ts";
import { mayMerge, protectedPath } from "./branch-rights.ts";
import { matchesGlob } from "./globs.ts";
import { type Protection, ruleFor } from "./protection.ts";
import { isMergeable, isWorkInProgress, type Pull, type PullRequest } from "./pulls.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { officialReviews } from "./reviews.ts";
import { combinedState, latestStatuses } from "./statuses.ts";
import type { User } from "./users.ts";

/**
 * @param isForced a site admin's wish to go past the rule. Nobody goes past the list of who may merge.
 * @throws Refusal 404 closed, 405 anything else
 */
export async function demandMergeable(
  forge: Forge,
  repo: Repo,
  actor: User,
  request: PullRequest,
  isForced: boolean,
): Promise<void> {
  const { issue, pull } = request;
  const rule = ruleFor(forge.db, repo, pull.base_branch);
  if (pull.merged_at !== null) throw new Refusal(405, "");
  if (issue.state === "closed") throw notFound();
  if (!mayMerge(forge.db, rule, actor, repo)) throw new Refusal(405, "User not allowed to merge PR");
  if (isWorkInProgress(issue)) throw new Refusal(405, "Work in progress PRs cannot be merged");
  if (!isMergeable(request)) throw new Refusal(405, "Please try again later");
  if (!rule || (isForced && actor.is_admin)) return;
  const objection = await objectionOfRule(forge, repo, pull, rule);
  if (objection !== undefined) throw new Refusal(405, `not allowed to merge [reason: ${objection}]`);
}

async function objectionOfRule(forge: Forge, repo: Repo, pull: Pull, rule: Protection): Promise<string | undefined> {
  const dir = repoDir(forge, repo);
  if (rule.enable_status_check && !haveChecksPassed(forge, repo, pull, rule)) {
    return "Not all required status checks successful";
  }
  if (countApprovals(forge, pull, rule) < rule.required_approvals) return "Does not have enough approvals";
  const has = (state: "REQUEST_CHANGES" | "REQUEST_REVIEW") =>
    officialReviews(forge.db, pull.issue_id, state).length > 0;
  if (rule.block_on_rejected_reviews && has("REQUEST_CHANGES")) return "There are requested changes";
  if (rule.block_on_official_review_requests && has("REQUEST_REVIEW")) return "There are official review requests";
  if (rule.block_on_outdated_branch && !(await isAncestor(forge.git, dir, pull.base_sha, pull.head_sha))) {
    return "The head branch is behind the base branch";
  }
  if (rule.protected_file_patterns === "") return undefined;
  const files = await changedFiles(forge.git, dir, pull.merge_base, pull.head_sha);
  const path = protectedPath(
    rule,
    files.flatMap((file) => [file.path, file.oldPath]),
  );
  return path === undefined ? undefined : "Changed protected files";
}

/** Approvals that count for this rule. */
export const countApprovals = (forge: Forge, pull: Pull, rule: Protection): number =>
  officialReviews(forge.db, pull.issue_id, "APPROVED").filter((review) => !rule.ignore_stale_approvals || !review.stale)
    .length;

/** Each required context (a glob) needs a status that fits it, and all that fit must be good. None required: all must be. */
function haveChecksPassed(forge: Forge, repo: Repo, pull: Pull, rule: Protection): boolean {
  const statuses = latestStatuses(forge.db, repo, pull.head_sha);
  if (rule.status_check_contexts.length === 0) return (combinedState(statuses) ?? "success") === "success";
  return rule.status_check_contexts.every(
    (context) => combinedState(statuses.filter((status) => matchesGlob(context, status.context))) === "success",
  );
}
