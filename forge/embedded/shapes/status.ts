/** Commit statuses as the API answers them: `status` in one, `state` in the combination. */
import type { Access } from "../domain/permissions.ts";
import type { Repo } from "../domain/repos.ts";
import { combinedState, type Status } from "../domain/statuses.ts";
import { requireUser } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { repoApiUrl, repoJson } from "./repo.ts";
import { isoTime } from "./time.ts";
import { userJson, type Viewer } from "./user.ts";

export const statusJson = (forge: Forge, repo: Repo, status: Status, viewer: Viewer) => ({
  id: status.id,
  status: status.state,
  target_url: status.target_url,
  description: status.description,
  url: `${repoApiUrl(forge, repo)}/statuses/${status.sha}`,
  context: status.context,
  creator: userJson(forge, requireUser(forge.db, status.creator_id), viewer),
  created_at: isoTime(status.created_at),
  updated_at: isoTime(status.created_at),
});

/** Of a commit of which nothing was said Forgejo answers every field empty. */
export function combinedStatusJson(
  forge: Forge,
  repo: Repo,
  access: Access,
  combined: { sha: string; statuses: Status[] },
  viewer: Viewer,
) {
  const state = combinedState(combined.statuses);
  if (state === undefined) {
    return { state: "", sha: "", total_count: 0, statuses: null, repository: null, commit_url: "", url: "" };
  }
  return {
    // of the combination nothing is worse than a failure, as GitHub has it
    state: state === "error" ? "failure" : state,
    sha: combined.sha,
    total_count: combined.statuses.length,
    statuses: combined.statuses.map((status) => statusJson(forge, repo, status, viewer)),
    repository: repoJson(forge, repo, access, viewer),
    commit_url: `${repoApiUrl(forge, repo)}/commits/${combined.sha}`,
    url: `${repoApiUrl(forge, repo)}/commits/${combined.sha}/status`,
  };
}
