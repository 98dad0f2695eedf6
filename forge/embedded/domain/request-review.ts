/** Asking users and teams for their review, and taking it back. */
import type { Forge } from "../forge.ts";
import { isAtLeast } from "./access-level.ts";
import { isOfficialReviewer } from "./branch-rights.ts";
import { insertComment } from "./comments.ts";
import { emit } from "./events.ts";
import { accessOf, refuseArchived } from "./permissions.ts";
import { ruleFor } from "./protection.ts";
import type { PullRequest } from "./pulls.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { deleteReviewRow, insertReview, type Review, reviewsBy, teamRequests, updateReview } from "./reviews.ts";
import { doesTeamCover, type Team, teamByName } from "./teams.ts";
import { requireUser, type User, userByName } from "./users.ts";

/** Names. Teams are those of the organization that owns the repository. */
export interface Reviewers {
  users: readonly string[];
  teams: readonly string[];
}

/**
 * All or nobody. Who was asked already is not asked again; whose approval is there loses its weight by being asked anew.
 * @returns the new requests
 * @throws Refusal 404 unknown name, 422 the actor may not choose, the reviewer cannot read or is the author, 423 archived
 */
export function requestReviews(forge: Forge, actor: User, repo: Repo, request: PullRequest, wish: Reviewers): Review[] {
  refuseArchived(repo);
  const users = wish.users.map((name) => userNamed(forge, name));
  const teams = wish.teams.map((name) => teamNamed(forge, repo, name));
  if (!mayChoose(forge, actor, repo, request)) throw invalid("Doer can't choose reviewer", actor, repo);
  for (const user of users) refuseReviewer(forge, user, repo, request);
  return forge.db.write(() => [
    ...users.flatMap((user) => askUser(forge, actor, repo, request, user)),
    ...teams.flatMap((team) => askTeam(forge, actor, repo, request, team)),
  ]);
}

/**
 * Also by the reviewer itself. A review that was given before counts again.
 * @throws Refusal 404 unknown name, 422 the actor may not choose, 423 archived
 */
export function removeReviewRequests(
  forge: Forge,
  actor: User,
  repo: Repo,
  request: PullRequest,
  wish: Reviewers,
): void {
  refuseArchived(repo);
  const users = wish.users.map((name) => userNamed(forge, name));
  const teams = wish.teams.map((name) => teamNamed(forge, repo, name));
  const isOwnOnly = teams.length === 0 && users.every((user) => user.id === actor.id);
  if (!isOwnOnly && !mayChoose(forge, actor, repo, request)) throw invalid("Doer can't remove reviewer", actor, repo);
  forge.db.write(() => {
    for (const user of users) unaskUser(forge, actor, repo, request, user);
    for (const team of teams) unaskTeam(forge, actor, repo, request, team);
  });
}

/** The author, and everybody whom a team or a collaboration lets in: to read is enough. */
function mayChoose(forge: Forge, actor: User, repo: Repo, { issue }: PullRequest): boolean {
  const { pulls, isExplicit } = accessOf(forge.db, actor, repo);
  return issue.author_id === actor.id || actor.is_admin === 1 || (isExplicit && isAtLeast(pulls, "read"));
}

function refuseReviewer(forge: Forge, user: User, repo: Repo, { issue }: PullRequest): void {
  if (!isAtLeast(accessOf(forge.db, user, repo).pulls, "read")) throw invalid("Reviewer can't read", user, repo);
  if (user.id === issue.author_id) throw invalid("poster of pr can't be reviewer", user, repo);
}

const invalid = (reason: string, user: User, repo: Repo): Refusal =>
  new Refusal(422, `${reason} [user_id: ${user.id}, repo_id: ${repo.id}]`);

function userNamed(forge: Forge, name: string): User {
  const user = userByName(forge.db, name);
  if (!user) throw notFound(`User '${name.slice(0, 100)}' not exist`);
  return user;
}

function teamNamed(forge: Forge, repo: Repo, name: string): Team {
  const owner = requireUser(forge.db, repo.owner_id);
  const team = owner.kind === "org" ? teamByName(forge.db, owner, name) : undefined;
  if (!team || !doesTeamCover(forge.db, team, repo)) throw notFound(`Team '${name.slice(0, 100)}' not exist`);
  return team;
}

const isRequest = (review: Review): boolean => review.state === "REQUEST_REVIEW";

function askUser(forge: Forge, actor: User, repo: Repo, { issue, pull }: PullRequest, user: User): Review[] {
  const { db } = forge;
  const present = reviewsBy(db, issue.id, user.id);
  if (present.some(isRequest)) return [];
  for (const review of present) updateReview(db, review.id, { official: 0 }, review.updated_at);
  const official = Number(isOfficialReviewer(db, ruleFor(db, repo, pull.base_branch), user, repo));
  const asked = { issue_id: issue.id, reviewer_id: user.id, state: "REQUEST_REVIEW" as const, official };
  const review = insertReview(db, { ...asked, now: forge.now() });
  tell(forge, actor, repo, issue, { user });
  return [review];
}

function askTeam(forge: Forge, actor: User, repo: Repo, { issue }: PullRequest, team: Team): Review[] {
  if (teamRequest(forge, issue.id, team)) return [];
  const asked = { issue_id: issue.id, team_id: team.id, state: "REQUEST_REVIEW" as const };
  const review = insertReview(forge.db, { ...asked, now: forge.now() });
  tell(forge, actor, repo, issue, { team });
  return [review];
}

function unaskUser(forge: Forge, actor: User, repo: Repo, { issue, pull }: PullRequest, user: User): void {
  const { db } = forge;
  const reviews = reviewsBy(db, issue.id, user.id);
  const request = reviews.find(isRequest);
  if (!request) return;
  deleteReviewRow(db, request.id);
  const given = reviews.find((review) => review.state === "APPROVED" || review.state === "REQUEST_CHANGES");
  const isOfficial = isOfficialReviewer(db, ruleFor(db, repo, pull.base_branch), user, repo);
  if (given && isOfficial) updateReview(db, given.id, { official: 1 }, given.updated_at);
  tell(forge, actor, repo, issue, { user, isRemoved: true });
}

function unaskTeam(forge: Forge, actor: User, repo: Repo, { issue }: PullRequest, team: Team): void {
  const request = teamRequest(forge, issue.id, team);
  if (!request) return;
  deleteReviewRow(forge.db, request.id);
  tell(forge, actor, repo, issue, { team, isRemoved: true });
}

const teamRequest = (forge: Forge, issueId: number, team: Team): Review | undefined =>
  teamRequests(forge.db, issueId).find((request) => request.team_id === team.id);

interface Asked {
  user?: User;
  team?: Team;
  isRemoved?: boolean;
}

function tell(
  forge: Forge,
  actor: User,
  repo: Repo,
  issue: PullRequest["issue"],
  { user, team, isRemoved }: Asked,
): void {
  const detail = {
    ...(user ? { assignee_id: user.id } : {}),
    ...(team ? { team_id: team.id } : {}),
    ...(isRemoved ? { is_removed: true } : {}),
  };
  insertComment(forge.db, { issue, author: actor, kind: "review_request", detail, now: forge.now() });
  emit(forge, {
    kind: "pull_request",
    action: isRemoved ? "review_request_removed" : "review_requested",
    repoId: repo.id,
    issueId: issue.id,
    actorId: actor.id,
    ...(user ? { reviewerId: user.id } : {}),
    ...(team ? { teamId: team.id } : {}),
  });
}
