/** Paths of the pages. They are Forgejo's, so that a link made for one forge holds on the other. */
import type { Repo } from "../domain/repos.ts";

type RepoName = Pick<Repo, "owner_name" | "name">;

const segments = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

export const repoPath = (repo: RepoName): string => `/${segments(`${repo.owner_name}/${repo.name}`)}`;

/** A file or folder at a branch, a tag or a commit. */
export interface Place {
  kind: "branch" | "tag" | "commit";
  /** the branch's or tag's name, or the commit's id */
  name: string;
}

/** @param view `src` for the page, `raw` for the bytes, `commits` for the history */
export function placePath(repo: RepoName, view: "src" | "raw" | "commits", place: Place, path = ""): string {
  return `${repoPath(repo)}/${view}/${place.kind}/${segments(place.name)}${path ? `/${segments(path)}` : ""}`;
}

export const commitPath = (repo: RepoName, id: string): string => `${repoPath(repo)}/commit/${id}`;
export const issuePath = (repo: RepoName, issue: { number: number; is_pull: number }): string =>
  `${repoPath(repo)}/${issue.is_pull ? "pulls" : "issues"}/${issue.number}`;
/** Of both kinds: what is done to an issue or a pull request has one address, as in Forgejo. */
const actionPath = (repo: RepoName, issue: { number: number }): string => `${repoPath(repo)}/issues/${issue.number}`;
export const editPath = (repo: RepoName, issue: { number: number }): string => `${actionPath(repo, issue)}/edit`;
export const boxesPath = (repo: RepoName, issue: { number: number }): string => `${actionPath(repo, issue)}/boxes`;
export const commentsPath = (repo: RepoName, issue: { number: number }): string =>
  `${actionPath(repo, issue)}/comments`;
export const commentPath = (repo: RepoName, issue: { number: number }, id: number): string =>
  `${commentsPath(repo, issue)}/${id}`;
export const comparePath = (repo: RepoName, base: string, head: string): string =>
  `${repoPath(repo)}/compare/${segments(base)}...${segments(head)}`;
export const ownerPath = (name: string): string => `/${segments(name)}`;
export const signInPath = (from: string): string =>
  from === "/" ? "/user/login" : `/user/login?redirect_to=${encodeURIComponent(from)}`;

/** Where to go after signing in: a path of ours, else the front page, so that no link can send somebody elsewhere. */
export function localPath(wanted: unknown): string {
  if (typeof wanted !== "string" || !/^\/(?![/\\])[\x21-\x7e]*$/.test(wanted) || wanted.includes("\\")) return "/";
  return wanted;
}

/** A link of a user's making, if it leads to a web page; scripts and other schemes are dropped. */
export function webUrl(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed && ["http:", "https:"].includes(parsed.protocol) ? parsed.href : undefined;
}
