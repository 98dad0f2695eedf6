/** Table `statuses`: what checks said about a commit. The newest row of each context counts. */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

export const STATUS_STATES = ["pending", "success", "error", "failure", "warning"] as const;
export type StatusState = (typeof STATUS_STATES)[number];
export interface Status {
  id: number;
  repo_id: number;
  sha: string;
  state: StatusState;
  context: string;
  description: string;
  target_url: string;
  creator_id: number;
  created_at: number;
}
export interface StatusWish {
  state: StatusState;
  context: string;
  description: string;
  target_url: string;
}

/** Worst first: the combined state is the first of these that any context has. */
const SEVERITY: readonly StatusState[] = ["error", "failure", "warning", "pending", "success"];

/** The caller has checked that `sha` is a commit of the repository. Rings no webhook, as in Forgejo. */
export function createStatus(forge: Forge, repo: Repo, creator: User, sha: string, wish: StatusWish): Status {
  return forge.db.write(() => {
    const { id } = forge.db.run(
      `INSERT INTO statuses (repo_id, sha, state, context, description, target_url, creator_id, created_at)
       VALUES (:repo, :sha, :state, :context, :description, :target_url, :creator, :now)`,
      { ...wish, repo: repo.id, sha, creator: creator.id, now: forge.now() },
    );
    const status = forge.db.get<Status>("SELECT * FROM statuses WHERE id = :id", { id });
    if (!status) throw new Error(`status ${id} has just been written but does not exist`);
    return status;
  });
}

/** Newest first. */
export const statusesOf = (db: Database, repo: Repo, sha: string): Status[] =>
  db.all<Status>("SELECT * FROM statuses WHERE repo_id = :repo AND sha = :sha ORDER BY id DESC", {
    repo: repo.id,
    sha,
  });

/** The newest status of each context, in the order of the contexts' first appearance. */
export const latestStatuses = (db: Database, repo: Repo, sha: string): Status[] =>
  db.all<Status>(
    `SELECT s.* FROM statuses s
     JOIN (SELECT max(id) AS newest, min(id) AS first FROM statuses WHERE repo_id = :repo AND sha = :sha GROUP BY context) c
       ON c.newest = s.id ORDER BY c.first`,
    { repo: repo.id, sha },
  );

/** Undefined when nothing has been said. */
export const combinedState = (statuses: readonly Status[]): StatusState | undefined =>
  SEVERITY.find((state) => statuses.some((status) => status.state === state));
