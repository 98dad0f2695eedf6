/** A visit to one repository, and to a place in its files. */
import { type Comment, commentById } from "../domain/comments.ts";
import { findIssue, type Issue } from "../domain/issues.ts";
import { type Access, demand, findRepo, type Unit } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { repoDir } from "../forge.ts";
import { resolveCommit } from "../git/objects.ts";
import { listRefs } from "../git/refs.ts";
import type { Place } from "./paths.ts";
import type { Visit } from "./visit.ts";

export interface RepoVisit {
  repo: Repo;
  access: Access;
  dir: string;
}

/** The repository that the address names. @throws Refusal 404 when the visitor may not read this part of it */
export function visitRepo({ forge, user, params }: Visit, unit: Unit): RepoVisit {
  const { repo, access } = findRepo(forge.db, user, params["owner"] ?? "", params["repo"] ?? "");
  demand(access, unit, "read");
  return { repo, access, dir: repoDir(forge, repo) };
}

export interface IssueVisit extends RepoVisit {
  issue: Issue;
}

/** The issue or pull request that the address names. @throws Refusal 404 */
export function visitIssue({ forge, user, params }: Visit): IssueVisit {
  const { repo, access } = findRepo(forge.db, user, params["owner"] ?? "", params["repo"] ?? "");
  const number = params["number"] ?? "";
  if (!/^\d{1,9}$/.test(number)) throw notFound();
  return { repo, access, dir: repoDir(forge, repo), issue: findIssue(forge.db, repo, access, Number(number)) };
}

export interface CommentVisit extends IssueVisit {
  comment: Comment;
}

/** The entry of this issue's timeline that the address names. @throws Refusal 404 */
export function visitComment(visit: Visit): CommentVisit {
  const at = visitIssue(visit);
  const id = visit.params["id"] ?? "";
  const comment = /^\d{1,15}$/.test(id) ? commentById(visit.forge.db, Number(id)) : undefined;
  if (comment?.issue_id !== at.issue.id) throw notFound();
  return { ...at, comment };
}

export interface PlaceVisit extends RepoVisit {
  place: Place;
  /** the commit that the place is at */
  commit: string;
  /** path in the repository, "" for its top */
  path: string;
}

/**
 * Splits `branch/with/slashes/folder/file`: the longest existing name wins.
 * @throws Refusal 404 no such branch, tag or commit
 */
export async function visitPlace(visit: Visit, kind: Place["kind"]): Promise<PlaceVisit> {
  const repoVisit = visitRepo(visit, "code");
  const rest = (visit.params["*"] ?? "").replace(/\/+$/, "");
  const name = kind === "commit" ? (rest.split("/")[0] ?? "") : longestName(repoVisit, kind, rest);
  return { ...repoVisit, ...(await placeNamed(visit, repoVisit, { kind, name })), path: rest.slice(name.length + 1) };
}

export async function placeNamed({ forge }: Visit, { dir }: RepoVisit, place: Place) {
  const fullName = { branch: `refs/heads/${place.name}`, tag: `refs/tags/${place.name}`, commit: place.name }[
    place.kind
  ];
  const isWellFormed = place.kind !== "commit" || /^[0-9a-f]{7,40}$/.test(place.name);
  const commit = isWellFormed ? await resolveCommit(forge.git, dir, fullName) : undefined;
  if (commit === undefined) throw notFound();
  return { place, commit };
}

function longestName({ dir }: RepoVisit, kind: "branch" | "tag", rest: string): string {
  const prefix = kind === "branch" ? "refs/heads" : "refs/tags";
  const names = listRefs(dir, prefix).map(({ ref }) => ref.slice(prefix.length + 1));
  const fitting = names.filter((name) => rest === name || rest.startsWith(`${name}/`));
  return fitting.sort((one, other) => other.length - one.length)[0] ?? "";
}
