/** What a webhook says of an event: its two names and its body, as Forgejo's. */
import type { ForgeEvent, PushedCommit } from "../domain/events.ts";
import { requireIssue } from "../domain/issues.ts";
import { accessOf } from "../domain/permissions.ts";
import { type Repo, requireRepo } from "../domain/repos.ts";
import { requireUser, type User, userByEmail } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { commentJson, issueJson } from "./issue.ts";
import { pullJson } from "./pull.ts";
import { repoJson, repoUrl } from "./repo.ts";
import { isoTime } from "./time.ts";
import { userByIdJson, userJson } from "./user.ts";

export interface Announcement {
  /** Coarse name, header `X-Gitea-Event`. */
  event: string;
  /** Fine name, header `X-Gitea-Event-Type`; hooks subscribe it. */
  type: string;
  body: Record<string, unknown>;
  /** Of a branch that was pushed, made or deleted: a hook's branch filter looks at it. */
  branch?: string;
}
type EventOf<Kind extends ForgeEvent["kind"]> = Extract<ForgeEvent, { kind: Kind }>;
interface Scene {
  forge: Forge;
  repo: Repo;
  actor: User;
  /** What every body ends with. */
  where: { repository: unknown; sender: unknown };
}

const BRANCH = "refs/heads/";

/** Reads rows only, so that it can be called inside the transaction that makes the event true. */
export function announce(forge: Forge, event: ForgeEvent): Announcement {
  const repo = requireRepo(forge.db, event.repoId);
  const actor = requireUser(forge.db, event.actorId);
  const repository = repoJson(forge, repo, accessOf(forge.db, actor, repo), null);
  const scene: Scene = { forge, repo, actor, where: { repository, sender: userJson(forge, actor, null) } };
  switch (event.kind) {
    case "push":
      return pushed(scene, event);
    case "create":
    case "delete":
      return refChanged(scene, event);
    case "issue":
      return issueChanged(scene, event);
    case "issue_comment":
      return commented(scene, event);
    case "pull_request":
      return pullChanged(scene, event);
    case "review":
      return reviewed(scene, event);
    case "repository":
      return repositoryChanged(scene, event);
  }
}

function pushed(scene: Scene, event: EventOf<"push">): Announcement {
  const commits = event.commits.map((commit) => commitJson(scene, commit));
  const { ref, before, after } = event;
  const body = {
    ref,
    before,
    after,
    compare_url: `${repoUrl(scene.forge, scene.repo)}/compare/${before}...${after}`,
    commits,
    total_commits: event.totalCommits,
    head_commit: commits[0] ?? null,
    ...scene.where,
    pusher: scene.where.sender,
  };
  return { event: "push", type: "push", body, ...branchOf(ref) };
}

/** The type `gitea` shortens the ref; we do it for every type, as receivers expect it of `gitea`. */
function refChanged(scene: Scene, event: EventOf<"create"> | EventOf<"delete">): Announcement {
  const isBranch = event.ref.startsWith(BRANCH);
  const ref = event.ref.replace(/^refs\/(heads|tags)\//, "");
  const body = {
    ...(event.kind === "create" ? { sha: event.sha } : { pusher_type: "user" }),
    ref,
    ref_type: isBranch ? "branch" : "tag",
    ...scene.where,
  };
  return { event: event.kind, type: event.kind, body, ...branchOf(event.ref) };
}

const branchOf = (ref: string) => (ref.startsWith(BRANCH) ? { branch: ref.slice(BRANCH.length) } : {});

function issueChanged({ forge, repo, where }: Scene, event: EventOf<"issue">): Announcement {
  const issue = requireIssue(forge.db, event.issueId);
  const body = {
    action: event.action,
    number: issue.number,
    ...("changes" in event ? { changes: event.changes } : {}),
    issue: issueJson(forge, repo, issue, null),
    ...where,
    commit_id: "",
  };
  return { event: "issues", type: familyOf(event.action, "issues", "issue"), body };
}

function commented({ forge, repo, where }: Scene, event: EventOf<"issue_comment">): Announcement {
  const issue = requireIssue(forge.db, event.issueId);
  const { id, authorId, body: text, createdAt, updatedAt } = event.comment;
  const comment = { id, author_id: authorId, body: text, created_at: createdAt, updated_at: updatedAt };
  const isPull = issue.is_pull === 1;
  const body = {
    action: event.action,
    issue: issueJson(forge, repo, issue, null),
    ...(isPull ? { pull_request: pullJson(forge, repo, issue, null) } : {}),
    comment: commentJson(forge, repo, issue, comment, null),
    ...(event.changes ? { changes: event.changes } : {}),
    ...where,
    is_pull: isPull,
  };
  return { event: "issue_comment", type: isPull ? "pull_request_comment" : "issue_comment", body };
}

function pullChanged({ forge, repo, where }: Scene, event: EventOf<"pull_request">): Announcement {
  const issue = requireIssue(forge.db, event.issueId);
  const body = {
    action: event.action,
    number: issue.number,
    ...("changes" in event ? { changes: event.changes } : {}),
    pull_request: pullJson(forge, repo, issue, null),
    requested_reviewer: userByIdJson(forge, ("reviewerId" in event && event.reviewerId) || null, null),
    ...where,
    commit_id: "",
    review: null,
  };
  return { event: "pull_request", type: familyOf(event.action, "pull_request", "pull_request"), body };
}

/** Which of an umbrella's events an action is: `base` for what has no name of its own. */
function familyOf(action: string, base: string, prefix: string): string {
  if (action === "assigned" || action === "unassigned") return `${prefix}_assign`;
  if (action === "label_updated" || action === "label_cleared") return `${prefix}_label`;
  if (action === "synchronized") return `${prefix}_sync`;
  if (action === "review_requested" || action === "review_request_removed") return `${prefix}_review_request`;
  return base;
}

const REVIEW_NAMES = { APPROVED: "approved", REQUEST_CHANGES: "rejected", COMMENT: "comment" } as const;

/** No id, no commit, no official flag: a receiver must fetch the reviews. */
function reviewed({ forge, repo, where }: Scene, event: EventOf<"review">): Announcement {
  const issue = requireIssue(forge.db, event.issueId);
  const type = `pull_request_review_${REVIEW_NAMES[event.state]}`;
  const body = {
    action: "reviewed",
    number: issue.number,
    pull_request: pullJson(forge, repo, issue, null),
    requested_reviewer: where.sender,
    ...where,
    commit_id: "",
    review: { type, content: event.body },
  };
  return { event: `pull_request_${REVIEW_NAMES[event.state]}`, type, body };
}

function repositoryChanged({ forge, repo, where }: Scene, event: EventOf<"repository">): Announcement {
  const organization = userByIdJson(forge, repo.owner_id, null);
  return { event: "repository", type: "repository", body: { action: event.action, organization, ...where } };
}

function commitJson({ forge, repo }: Scene, commit: PushedCommit) {
  const person = (one: { name: string; email: string }) => ({
    ...one,
    username: userByEmail(forge.db, one.email)?.name ?? "",
  });
  return {
    id: commit.sha,
    message: commit.message,
    url: `${repoUrl(forge, repo)}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    verification: null,
    timestamp: isoTime(commit.committedAt),
    added: commit.added,
    removed: commit.removed,
    modified: commit.modified,
  };
}
