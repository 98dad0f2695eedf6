/** Repositories and labels as the API answers them. */
import { isAtLeast } from "../domain/access-level.ts";
import type { Label } from "../domain/labels.ts";
import { type Access, isRepoAdmin } from "../domain/permissions.ts";
import { openCounts, type Repo } from "../domain/repos.ts";
import { requireUser } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { isoTime, NEVER } from "./time.ts";
import { userJson, type Viewer } from "./user.ts";

export const repoUrl = (forge: Forge, repo: Repo): string => `${forge.url}/${repo.owner_name}/${repo.name}`;
export const repoApiUrl = (forge: Forge, repo: Repo): string =>
  `${forge.url}/api/v1/repos/${repo.owner_name}/${repo.name}`;

/** @param access of whoever the answer is for */
export function repoJson(forge: Forge, repo: Repo, access: Access, viewer: Viewer) {
  const owner = requireUser(forge.db, repo.owner_id);
  const counts = openCounts(forge.db, repo);
  return {
    id: repo.id,
    owner: userJson(forge, owner, viewer),
    name: repo.name,
    full_name: `${repo.owner_name}/${repo.name}`,
    description: repo.description,
    empty: repo.is_empty === 1,
    private: repo.is_private === 1,
    template: repo.is_template === 1,
    size: 0,
    html_url: repoUrl(forge, repo),
    url: repoApiUrl(forge, repo),
    languages_url: `${repoApiUrl(forge, repo)}/languages`,
    clone_url: `${repoUrl(forge, repo)}.git`,
    website: repo.website,
    open_issues_count: counts.issues,
    open_pr_counter: counts.pulls,
    default_branch: repo.default_branch,
    archived: repo.is_archived === 1,
    created_at: isoTime(repo.created_at),
    updated_at: isoTime(repo.updated_at),
    archived_at: repo.is_archived ? isoTime(repo.updated_at) : NEVER,
    permissions: {
      admin: isRepoAdmin(access),
      push: isAtLeast(access.code, "write"),
      pull: isAtLeast(access.code, "read"),
    },
    ...repo.settings,
    internal: owner.visibility === "limited",
    object_format_name: "sha1",
    ...ABSENT,
  };
}

/** Fields of what the embedded forge does not have. */
const ABSENT = {
  fork: false,
  mirror: false,
  parent: null,
  language: "",
  link: "",
  ssh_url: "",
  original_url: "",
  stars_count: 0,
  forks_count: 0,
  watchers_count: 0,
  release_counter: 0,
  internal_tracker: {
    enable_time_tracker: false,
    allow_only_contributors_to_track_time: true,
    enable_issue_dependencies: false,
  },
  wiki_branch: "main",
  avatar_url: "",
  mirror_interval: "",
  mirror_updated: NEVER,
  repo_transfer: null,
};

export const labelJson = (forge: Forge, label: Label, place: string) => ({
  id: label.id,
  name: label.name,
  exclusive: label.is_exclusive === 1,
  is_archived: label.is_archived === 1,
  color: label.color,
  description: label.description,
  url: `${forge.url}/api/v1/${place}/labels/${label.id}`,
});

/** A label that may be the repository's or its organization's. */
export const labelOfRepoJson = (forge: Forge, label: Label, repo: Repo) =>
  labelJson(forge, label, label.org_id === null ? `repos/${repo.owner_name}/${repo.name}` : `orgs/${repo.owner_name}`);
